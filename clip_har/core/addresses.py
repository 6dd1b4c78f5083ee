"""Logins in addresses, such as ``http://user:secret@server``: they are used, never stored or shown.

The command takes them out of what was typed and out of ``MLFLOW_TRACKING_URI`` before anything is
composed, so no file, log or run can hold them. They are kept in an environment variable, which the
processes of a sweep inherit, and are put back when a store is opened.
"""

import json
import logging
import os
import re
from urllib.parse import quote

TRACKING_URI = "MLFLOW_TRACKING_URI"
_LOGINS = "CLIP_HAR_LOGINS"  # whole addresses by their text without a login, as JSON
_OVERRIDE = re.compile(r"(\+{0,2}tracking\.uri=)(.*)", re.DOTALL)

# In free text: a user and a password with any sign but blanks and ", and with / only where no port
# can be meant; or a user alone.
_USER = r"""(?:[^\s/'",:@\[]*:(?!\d*[,/])[^\s"]*|[^\s/'",:@\[]*:[^\s/"]*|[^\s/'"]+)@"""
_IN_TEXT = re.compile(rf"(\w[\w+.-]*://){_USER}")
_ADDRESS = re.compile(rf"""\w[\w+.-]*://(?:{_USER})?[^\s'",\]}})]+""")
# In a text that is an address as a whole: all signs, to the last @ before ? or #. A password with
# one of these two is taken where the part before it cannot be a port.
_IN_ADDRESS = re.compile(
    r"(\w[\w+.-]*://)([^:/?#\[]*:[^?#]*|[^:/?#\[]*:(?!\d*[,/?#])[^@]*|[^/?#]+)@", re.DOTALL
)
_KEY = r"([?&][\w-]*(?:password|passwd|pwd|token|secret|key)=)"
_QUERY_IN_TEXT = re.compile(_KEY + r"""[^&\s"]*[^&\s'",)\]}]""", re.IGNORECASE)
_QUERY_IN_ADDRESS = re.compile(_KEY + "[^&]+", re.IGNORECASE)
_WITH_PORT = re.compile(r"[^:]*:\d+/")  # `server:5000/me`, which may be no login at all


def without_login(text: str) -> str:
    """Return a text without user names and passwords in its addresses.

    Example:
        >>> without_login("no answer from http://user:secret@server:5000/api")
        'no answer from http://server:5000/api'
        >>> without_login("postgresql://server/runs?user=me&password=secret")
        'postgresql://server/runs?user=me&password=…'
    """
    return _QUERY_IN_TEXT.sub(r"\1…", _IN_TEXT.sub(r"\1", text))


def hide_logins(text: str) -> str:
    """Return an override without logins, and keep its addresses for `with_login`.

    The value of ``tracking.uri`` is one address as a whole, whatever signs its password has.
    """
    if not (found := _OVERRIDE.fullmatch(text)):
        return _ADDRESS.sub(lambda address: _hidden(address[0]), text)
    key, value = found.groups()
    sign = value[0] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else ""
    # As Hydra reads it: \ protects the quotation mark, or without one the signs of its grammar.
    written = value[1:-1] if sign else value
    address = re.sub(rf"\\([\\{sign}])" if sign else r"\\([\\()\[\]{}:=,\s])", r"\1", written)
    plain = _hidden(address)
    if plain == address:
        return text
    if not sign and re.fullmatch(r"[\w./:+-]*", plain, re.ASCII):
        return key + plain
    sign = sign or "'"
    return key + sign + plain.replace("\\", "\\\\").replace(sign, "\\" + sign) + sign


def hide_environment() -> None:
    """Take the login out of ``MLFLOW_TRACKING_URI``, see `hide_logins`."""
    if uri := os.environ.get(TRACKING_URI):
        os.environ[TRACKING_URI] = _hidden(uri)


def plain_address(address: str) -> str:
    """Return an address without its login; all of the text is one address.

    Example:
        >>> plain_address("http://user:it's a/secret@server:5000/api")
        'http://server:5000/api'
    """
    return _QUERY_IN_ADDRESS.sub(r"\1…", _IN_ADDRESS.sub(r"\1", address, count=1))


def with_login(address: str) -> str:
    """Return an address with the login that was hidden; without one, the address itself."""
    return str(_kept().get(address, address))


class PlainFormatter(logging.Formatter):
    """Formats log lines without logins."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with its traceback if it has one."""
        return without_login(super().format(record))


def _hidden(address: str) -> str:
    plain = plain_address(address)
    if plain != address:
        usable = _IN_ADDRESS.sub(_encoded, address, count=1)
        os.environ[_LOGINS] = json.dumps(_kept() | {plain: usable})
    return plain


def _encoded(found: re.Match[str]) -> str:
    """Return the start of an address with a login that clients can read, and texts be rid of."""
    start, login = found.groups()
    return start + (login if _WITH_PORT.match(login) else quote(login, safe=":%")) + "@"


def _kept() -> dict[str, str]:
    return dict(json.loads(os.environ.get(_LOGINS, "{}")))
