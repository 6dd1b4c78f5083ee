import gc
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from clip_har.core import imports
from clip_har.core.imports import own_process, quick_imports


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()
    sys.modules.pop("made_for_a_test", None)


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_searched_for_as_before(enabled: bool) -> None:
    if not enabled:
        gc.disable()
    with quick_imports():
        assert not gc.isenabled()
    assert gc.isenabled() is enabled


def test_it_is_enabled_again_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), quick_imports():
        import_module("there_is_no_such_module")
    assert gc.isenabled()


def test_in_the_command_what_was_imported_is_left_out_of_later_searches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "_own", [])
    own_process()
    gc.unfreeze()
    with quick_imports():
        pass
    assert gc.get_freeze_count() == 0, "else garbage of a long sweep would stay"
    with quick_imports():
        sys.modules["made_for_a_test"] = ModuleType("made_for_a_test")
    assert gc.get_freeze_count() > 1000


def test_the_garbage_of_a_users_script_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_own", [])
    gc.unfreeze()
    with quick_imports():
        sys.modules["made_for_a_test"] = ModuleType("made_for_a_test")
    assert gc.get_freeze_count() == 0
