"""Refuse what another site asks of the page through the browser of someone who can reach it."""

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(r"(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d+)?", re.ASCII)  # [::1]:7860, localhost


class OwnSiteOnly:
    """ASGI middleware that answers the page itself, not other sites.

    A request whose ``Origin`` is not the page's own is refused with 403, such as one that a script
    of another site makes. On a loopback address one whose ``Host`` is not a loopback name is
    refused with 400: it comes from a site whose name was pointed at this machine.

    Args:
        app: the application behind it.
        loopback: whether it listens on a loopback address.
    """

    def __init__(self, app: "ASGIApp", *, loopback: bool) -> None:
        self.app = app
        self.loopback = loopback

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on, or refuse it."""
        from starlette.responses import PlainTextResponse

        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        (host, *others), origins = _given(scope, b"host") or [""], _given(scope, b"origin")
        scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
        if others or (self.loopback and not is_loopback(name_of(host))):
            refused = PlainTextResponse("this host name is not answered\n", status_code=400)
            await refused(scope, receive, send)
        elif any(origin != f"{scheme}://{host}" for origin in origins):
            refused = PlainTextResponse("other sites are not answered\n", status_code=403)
            await refused(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address.

    Example:
        >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


def name_of(host: str) -> str:
    """Return the name of a ``Host`` header, without port and brackets; empty for a wrong one.

    Example:
        >>> name_of("[::1]:7860"), name_of("localhost"), name_of("me@localhost")
        ('::1', 'localhost', '')
    """
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]) if found else ""


def _given(scope: "Scope", header: bytes) -> list[str]:
    """Return all values of a header, in small letters."""
    return [value.decode("latin-1").lower() for name, value in scope["headers"] if name == header]
