"""Logins in addresses: taken out of every text, and put back where a store is opened."""

import logging
import os
from urllib.parse import unquote

import pytest
from requests.utils import get_auth_from_url
from sqlalchemy import make_url

from clip_har.config.session import as_overrides, session
from clip_har.core.addresses import (
    TRACKING_URI,
    PlainFormatter,
    hide_environment,
    hide_logins,
    plain_address,
    with_login,
    without_login,
)
from clip_har.core.errors import describe


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
        ("http://server:5000/api?at=a@b", "http://server:5000/api?at=a@b"),
        ("postgresql://a:1,b:2/runs?at=a@b", "postgresql://a:1,b:2/runs?at=a@b"),
        ("http://[::1]:5000/a@b", "http://[::1]:5000/a@b"),
    ],
)
def test_an_address_is_shown_without_its_login_and_used_with_it(address: str, plain: str) -> None:
    assert without_login(f"no answer from {address} (why)") == f"no answer from {plain} (why)"
    assert hide_logins(f"tracking.uri='{address}'") == f"tracking.uri='{plain}'"
    assert unquote(with_login(plain)) == address


PASSWORDS = [
    "it's3cret", "a,s3cret", "a)s3cret", "a/s3cret", "a(s3cret]", "a{s3cret}", "a=s3cret:b",
    "a@b/s3cret", "a?s3cret", "a#s3cret", "a&s3cret", "a;s3cret!", "geheim\u00e4s3cret",
]  # fmt: skip
ONLY_AS_A_WHOLE = ["a s3cret", 'a"s3cret', "a\\s3cret", "12/s3cret"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_text_holds_no_part_of_a_password(password: str) -> None:
    for text in (f"http://me:{password}@server failed", f"('http://me:{password}@server', 5)"):
        for shown in (without_login(text), describe(ValueError(text))):
            assert "s3cret" not in shown
            assert "me:" not in shown
            assert "http://server" in shown


def composed(word: str) -> str:
    with session() as composer:
        config = composer.compose([word])
    assert "s3cret" not in str(config)
    assert "s3cret" not in str(config.hydra.overrides)
    return str(config.tracking.uri)


@pytest.mark.parametrize("password", [*PASSWORDS, *ONLY_AS_A_WHOLE[:3]])
def test_any_password_is_hidden_from_the_configuration_and_used(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://me:{password}@server:5000"
    (quoted,) = as_overrides({"tracking.uri": address})
    words = [quoted] if "\\" in password else [quoted, f"++tracking.uri={address}"]
    for word in words:
        monkeypatch.setenv("CLIP_HAR_LOGINS", "{}")
        assert composed(word) == "http://server:5000"
        used = with_login("http://server:5000")
        assert get_auth_from_url(used) == ("me", password)
        assert make_url(used).password == password
        assert "s3cret" not in without_login(f"MLflow failed at {used}/api, '{used}'")
    monkeypatch.setenv(TRACKING_URI, address)
    hide_environment()
    assert os.environ[TRACKING_URI] == plain_address(address) == "http://server:5000"
    assert get_auth_from_url(with_login("http://server:5000")) == ("me", password)


def test_what_may_be_a_port_or_a_password_is_hidden_and_used_as_it_is() -> None:
    address = "postgresql://me:12/s3cret@db/runs"
    assert hide_logins(f"tracking.uri={address}") == "tracking.uri=postgresql://db/runs"
    assert with_login("postgresql://db/runs") == address


@pytest.mark.parametrize(
    "key",
    ["password", "sslpassword", "passwd", "pwd", "token", "access_token", "secret", "api_key"],
)
@pytest.mark.parametrize("value", ["s3cret", "it's3cret", "a,s3cret", "a)s3cret"])
def test_a_password_among_the_options_of_an_address(key: str, value: str) -> None:
    address = f"postgresql://db/runs?{key}={value}&user=me"
    plain = f"postgresql://db/runs?{key}=…&user=me"
    assert without_login(f"no answer from {address} (why)") == f"no answer from {plain} (why)"
    assert plain_address(address) == plain
    (word,) = as_overrides({"tracking.uri": address})
    assert composed(word) == plain
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
