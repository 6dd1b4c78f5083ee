"""Logins in addresses, such as ``http://user:secret@server``: they are used, never stored or shown.

The command takes them out of what was typed and out of ``MLFLOW_TRACKING_URI`` before anything is
composed, so no file, log or run can hold them. They are kept in an environment variable, which the
processes of a sweep inherit, and are put back when a store is opened.
"""

import json
import logging
import os
import re

TRACKING_URI = "MLFLOW_TRACKING_URI"
_LOGINS = "CLIP_HAR_LOGINS"  # whole addresses by their text without a login, as JSON
_ADDRESS = re.compile(r"\w[\w+.-]*://[^\s'\",\]})]+")
_USER = re.compile(r"(\w[\w+.-]*://)[^\s/'\"]+@")
_QUERY = re.compile(r"([?&](?:\w*password|passwd|token|secret)=)[^&\s'\",]+", re.IGNORECASE)


def without_login(text: str) -> str:
    """Return a text without user names and passwords in its addresses.

    Example:
        >>> without_login("no answer from http://user:secret@server:5000/api")
        'no answer from http://server:5000/api'
        >>> without_login("postgresql://server/runs?user=me&password=secret")
        'postgresql://server/runs?user=me&password=…'
    """
    return _QUERY.sub(r"\1…", _USER.sub(r"\1", text))


def hide_logins(text: str) -> str:
    """Return a text without logins, and keep its addresses for `with_login`.

    Args:
        text: an override or an address.
    """
    return _ADDRESS.sub(lambda found: _hidden(found[0]), text)


def hide_environment() -> None:
    """Take the login out of ``MLFLOW_TRACKING_URI``, see `hide_logins`."""
    if uri := os.environ.get(TRACKING_URI):
        os.environ[TRACKING_URI] = hide_logins(uri)


def with_login(address: str) -> str:
    """Return an address with the login that was hidden; without one, the address itself."""
    return str(_kept().get(address, address))


class PlainFormatter(logging.Formatter):
    """Formats log lines without logins."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with its traceback if it has one."""
        return without_login(super().format(record))


def _hidden(address: str) -> str:
    plain = without_login(address)
    if plain != address:
        os.environ[_LOGINS] = json.dumps(_kept() | {plain: address})
    return plain


def _kept() -> dict[str, str]:
    return dict(json.loads(os.environ.get(_LOGINS, "{}")))
