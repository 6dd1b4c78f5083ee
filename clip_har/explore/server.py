"""Serve the page on one address, to no other site; nothing is fetched from or sent elsewhere."""

import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from clip_har.explore.guard import OwnSiteOnly, is_loopback
from clip_har.explore.panel import style

if TYPE_CHECKING:
    import gradio as gr  # an extra, which brings the others; the functions import them
    from fastapi import FastAPI, Request, Response

_FONT = ("system-ui", "sans-serif")
_LARGEST = "1gb"  # of an uploaded video
_POLICY = (  # the browser asks no other machine for anything, whatever the page holds
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'self'"
)


def application(page: "gr.Blocks", host: str) -> "FastAPI":
    """Return the application that serves a page.

    Args:
        page: the page.
        host: the address that it listens on. No other site can use the page through the browser,
            see `OwnSiteOnly`.
    """
    import gradio as gr
    from fastapi import FastAPI

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(OwnSiteOnly, loopback=is_loopback(host))

    @app.middleware("http")
    async def add_policy(
        request: "Request", call_next: "Callable[[Request], Awaitable[Response]]"
    ) -> "Response":
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        page,
        path="/",
        server_name=host,
        theme=gr.themes.Default(primary_hue="teal", secondary_hue="teal", font=_FONT),
        css=style(),
        footer_links=[],
        run_history=False,
        max_file_size=_LARGEST,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
    )
    return mounted


def serve(app: "FastAPI", listening: socket.socket) -> None:
    """Serve an application until Ctrl-C.

    Args:
        app: the application.
        listening: a bound socket.
    """
    import uvicorn

    # An open page keeps a connection, which must not hold up the end.
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])
