"""Composing without the command: the same one-line errors, and no logins."""

import os

import pytest

from clip_har.config.compose import cell_from_config, without_hydra
from clip_har.config.session import session
from clip_har.core.errors import ClipHarError


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed=${nope}", "seed: interpolation key 'nope' not found"),
        ("rato=0.3", "rato: there is no such key; did you mean ratio?"),
        (
            "noise=universl",
            "noise=universl: no such option; did you mean noise=universal? expected one of border",
        ),
        ("hydra/sweeper=optuna", "hydra/sweeper=optuna: all cells of a sweep are checked before"),
        ("ratio=many", "ratio=many: value 'many' of type 'str' could not be converted to Float"),
        ("ratio", "ratio: expected a setting as KEY=VALUE"),
        ("region.maps=/d/Müller", "write \"region.maps='/d/Müller'\","),
        ("prompts.templates=[a {}, b]", "write \"prompts.templates=['a {}','b']\","),
        ("dataset.root=/x/[a]", "write \"dataset.root='/x/[a]'\","),
        ("feature='a ball", "write \"feature='a ball'\","),
    ],
)
def test_an_error_is_one_line_as_in_the_command(override: str, expected: str) -> None:
    with session() as composer:
        with pytest.raises(ClipHarError) as error:
            cell_from_config(without_hydra(composer.compose([override])))
        assert expected in str(error.value)
        assert "\n" not in str(error.value)
        assert " _" not in str(error.value)
        assert composer.compose(["ratio=0.2"]).ratio == 0.2, "the session goes on"


def test_what_an_error_says_to_write_is_read() -> None:
    with session() as composer:
        words = ["region=annotation", "region.maps='/d/Müller'"]
        found = composer.compose([*words, "prompts.templates=['a {}','b {}']"])
    assert found.region.maps == "/d/Müller"
    assert found.prompts.templates == ["a {}", "b {}"]


def test_the_login_of_the_environment_is_hidden_and_given_back(monkeypatch) -> None:
    monkeypatch.setenv("CLIP_HAR_LOGINS", "{}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@server:1")
    with session() as composer:
        assert composer.compose([]).tracking.uri == "http://server:1"
        assert composer.compose(["tracking.uri=http://a:b@c"]).tracking.uri == "http://c"
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://me:s3cret@server:1"
