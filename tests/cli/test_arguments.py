"""The words of the command before Hydra reads them."""

import pytest

from clip_har.cli.arguments import prepared_arguments


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a=1", "-m", "b=2"], ["-m", "a=1", "b=2"]),
        (["a=1", "--config-dir", "x", "b=2"], ["--config-dir", "x", "a=1", "b=2"]),
        (["a=1", "--config-dir=x", "b=2"], ["--config-dir=x", "a=1", "b=2"]),
        (["a=1", "-cd", "x", "--cfg", "job"], ["-cd", "x", "--cfg", "job", "a=1"]),
        (["a=1", "--cfg"], ["--cfg", "a=1"]),
        (["a=1", "--info", "b=2"], ["a=1", "--info", "b=2"]),
        (["a=-m", "--nothing", "b=2"], ["a=-m", "--nothing", "b=2"]),
    ],
)
def test_flags_come_first(given: list[str], expected: list[str]) -> None:
    assert prepared_arguments(given) == expected


def test_logins_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIP_HAR_LOGINS", "{}")
    words = prepared_arguments(["tracking.uri=http://me:s3cret@server:1"])
    assert words == ["tracking.uri=http://server:1"]
