"""The page answers itself and no other site."""

import asyncio

import pytest

pytest.importorskip("gradio", reason="the extra explore is not installed")

import gradio as gr
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from clip_har.explore.guard import OwnSiteOnly, is_loopback
from clip_har.explore.server import application

LOOPBACK = ["127.0.0.1", "::1", "localhost"]
ANYWHERE = ["0.0.0.0", "::", "192.0.2.7"]


@pytest.fixture(scope="module", params=[*LOOPBACK, *ANYWHERE])
def served(request: pytest.FixtureRequest) -> tuple[str, TestClient]:
    async def made() -> FastAPI:  # outside of a running loop Gradio makes several, never closed
        with gr.Blocks(analytics_enabled=False) as page:
            gr.HTML("hello")
        return application(page, request.param)

    return request.param, TestClient(asyncio.run(made()))


def status(client: TestClient, host: str, origin: str | None = None, method: str = "GET") -> int:
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    return client.request(method, "/config", headers=headers).status_code


def test_on_a_loopback_address_only_its_names_are_answered(served):
    listens_on, client = served
    for host in ("127.0.0.1:7860", "localhost:7860", "[::1]:7860", "localhost", "LOCALHOST:1"):
        assert status(client, host) == 200, host
    refused = 400 if is_loopback(listens_on) else 200
    for host in ("evil.example:7860", "127.0.0.1.evil.example", "[2001:db8::1]:80", "192.0.2.7"):
        assert status(client, host) == refused, host
    for host in ("localhost@evil.example", "evil.example#localhost", "::1", "[::1", ""):
        assert status(client, host) == refused, host


def test_only_the_page_itself_is_an_origin(served):
    listens_on, client = served
    names = ["127.0.0.1:7860", "[::1]:7860", "localhost"]
    for host in names if is_loopback(listens_on) else [*names, "192.0.2.7:7860", "lab.example"]:
        assert status(client, host, f"http://{host}") == 200
        others = (
            "http://evil.example", f"http://{host}.evil.example", f"https://{host}", "null", "",
            f"http://{host}1", "http://127.0.0.1:9999",
        )  # fmt: skip
        for origin in others:
            for method in ("GET", "POST", "OPTIONS"):
                assert status(client, host, origin, method) == 403, (host, origin, method)


def test_a_refusal_holds_for_sockets_too():
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app = OwnSiteOnly(Starlette(routes=[WebSocketRoute("/", talk)]), loopback=True)
    client = TestClient(app)
    with client.websocket_connect("ws://localhost/", headers={"origin": "http://localhost"}):
        pass
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("ws://localhost/", headers={"origin": "http://evil.example"}),
    ):
        pass
    assert refused.value.status_code == 403


def test_an_upload_has_a_largest_size(served):
    _, client = served
    assert client.get("/config", headers={"host": "localhost"}).json()["max_file_size"] == 1 << 30
