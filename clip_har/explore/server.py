"""Serve the page on one address; nothing is fetched from elsewhere, and nothing is sent there."""

import socket
from collections.abc import Awaitable, Callable

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from clip_har.explore.panel import style

LOOPBACK = ("127.0.0.1", "localhost")

_FONT = ("system-ui", "sans-serif")
_LARGEST = "1gb"  # of an uploaded video
_POLICY = (  # the browser asks no other machine for anything, whatever the page holds
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'self'"
)


def application(page: gr.Blocks, host: str) -> FastAPI:
    """Return the application that serves a page.

    Args:
        page: the page.
        host: the address that it listens on. On a loopback address it answers to that name only,
            so that no other site can reach it through the browser.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    if host in LOOPBACK:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))

    @app.middleware("http")
    async def add_policy(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
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


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve an application until Ctrl-C.

    Args:
        app: the application.
        listening: a bound socket.
    """
    # An open page keeps a connection, which must not hold up the end.
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])
