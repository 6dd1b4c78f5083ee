"""Settings and the roles of their keys."""

from typing import Annotated

from clip_har.core.settings import Role, Settings


class Decoding(Settings):
    path: Annotated[str, Role.CONTENT]
    size: int = 224
    workers: Annotated[int, Role.RUN] = 2


class SmallDecoding(Decoding):
    path: str = "here"
    size: int = 64
    workers: Annotated[int, Role.RESULT] = 1


def test_a_field_that_is_declared_again_keeps_its_role_unless_it_gets_another():
    assert SmallDecoding.fields_for(Role.CONTENT) == {"path"}
    assert SmallDecoding.fields_for(Role.RUN) == set()
    assert SmallDecoding.fields_for(Role.RESULT) == {"workers"}
    described = SmallDecoding().described(without={Role.CONTENT, Role.RUN})
    assert described == {"kind": "SmallDecoding", "size": 64, "workers": 1}
