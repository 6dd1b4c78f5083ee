"""The command of the what-if page ends with one line if it cannot start."""

import socket

import pytest

from clip_har.cli import explore


def stopped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        explore.main(["--no-browser", *arguments])
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(explore, "find_spec", {}.get)
    assert "pip install 'clip-har[explore]'" in stopped(capsys)


def test_a_port_in_use_is_named(monkeypatch, capsys):
    monkeypatch.setattr(explore, "find_spec", lambda name: name)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"127.0.0.1, port {port}: cannot listen there" in stopped(
            capsys, "--port", str(port)
        )
    assert "expected 0 to 65535" in stopped(capsys, "--port", "70000")
    assert "--host: expected an address" in stopped(capsys, "--host", "", "--port", "0")


def test_no_error_shows_a_login(monkeypatch, capsys):
    monkeypatch.setattr(explore, "find_spec", lambda name: name)
    monkeypatch.setenv("CLIP_HAR_LOGINS", "{}")
    uri = "tracking.uri='http://me:secret words, too@server:5000'"
    line = stopped(capsys, "--port", "0", "tracking=mlflow", uri, "ratio=0.1,0.3")
    assert "one value for each key" in line
    assert "tracking.uri='http://server:5000'" in line


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("maskin=percent", "maskin"),
        ("ratio=0.1,0.3", "one value for each key"),
        ("ratio=2", "ratio"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, capsys, setting, message):
    monkeypatch.setattr(explore, "find_spec", lambda name: name)
    line = stopped(capsys, "--port", "0", "masking=percent", setting)
    assert line.startswith("clip-har: error: ")
    assert message in line
