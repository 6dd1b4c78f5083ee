"""Logins in addresses: taken out of every text, and put back where a store is opened."""

import logging
import os

import pytest

from clip_har.core.addresses import (
    TRACKING_URI,
    PlainFormatter,
    hide_environment,
    hide_logins,
    with_login,
    without_login,
)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIP_HAR_LOGINS", "{}")


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("http://me:s3cret@127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://me@server/api", "https://server/api"),
        ("http://me:s3@cret@server", "http://server"),
        ("postgresql+psycopg://me:s3cret@db:5432/runs", "postgresql+psycopg://db:5432/runs"),
        ("postgresql://db/runs?user=me&password=s3cret", "postgresql://db/runs?user=me&password=…"),
        ("sqlite:////a/b@c/mlflow.db", "sqlite:////a/b@c/mlflow.db"),
        ("http://server/a@b", "http://server/a@b"),
    ],
)
def test_an_address_is_shown_without_its_login_and_used_with_it(address: str, plain: str) -> None:
    assert without_login(f"no answer from {address} (why)") == f"no answer from {plain} (why)"
    assert hide_logins(f"tracking.uri='{address}'") == f"tracking.uri='{plain}'"
    assert with_login(plain) == address


def test_the_environment_holds_the_address_without_its_login(monkeypatch) -> None:
    monkeypatch.setenv(TRACKING_URI, "http://me:s3cret@server:1")
    hide_environment()
    hide_environment()  # again, as in a worker
    assert os.environ[TRACKING_URI] == "http://server:1"
    assert with_login("http://server:1") == "http://me:s3cret@server:1"
    assert with_login("http://server:2") == "http://server:2"


def test_log_lines_and_their_tracebacks_have_no_login() -> None:
    try:
        raise ValueError("http://me:s3cret@server failed")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", 30, "b", 1, "from http://me:s3cret@server", None, info)
    line = PlainFormatter("%(message)s").format(record)
    assert "ValueError: http://server failed" in line
    assert "s3cret" not in line
