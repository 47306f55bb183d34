"""Calls the API in this process, without a socket, so that a test can send what no well-behaved client would."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboard.api import routes
from dashboard.server.assets import asset_routes
from dashboard.server.board_page import board_routes
from dashboard.server.class_page import class_routes
from dashboard.server.guard import Guard
from dashboard.server.page_files import CompressedPageFiles
from dashboard.server.upload_guard import UploadGuard
from dashboard.server.view_page import view_routes
from dashboard.server.workspace import WorkspaceCookie


async def _page(request: Any) -> Response:
    if "if-none-match" in request.headers:
        return Response(status_code=304)
    return HTMLResponse("<html></html>")


APP = Starlette(
    routes=[*routes, *asset_routes, *board_routes, *class_routes, *view_routes, Route("/", _page)],
    middleware=[
        Middleware(Guard),
        Middleware(CompressedPageFiles),
        Middleware(UploadGuard),
        Middleware(WorkspaceCookie),
    ],
)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        assert self.headers["content-type"] == "application/json"
        assert list(self.json) == ["error"]
        return self.json["error"]


async def send(
    method: str,
    path: str,
    content: Any = None,
    headers: dict[str, str] | None = None,
    pieces: Sequence[bytes | float] | None = None,
    address: str = "127.0.0.1",
    scheme: str = "http",
) -> Answer:
    """content: sent as JSON, bytes as they are. pieces: a body in pieces without a length; a float is a pause."""
    sent = {"host": "localhost:8501"}
    if content is not None and not isinstance(content, bytes):
        content = json.dumps(content).encode()
        sent["content-type"] = "application/json"
    if pieces is None:
        pieces = [content or b""]
        sent["content-length"] = str(len(pieces[0]))
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
        "client": (address, 50_000),
        "server": ("localhost", 8501),
    }
    waiting = list(pieces)
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        while waiting and isinstance(waiting[0], float):
            await asyncio.sleep(waiting.pop(0))
        if not waiting:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def collect(message: Any) -> None:
        messages.append(message)

    await APP(scope, receive, collect)
    start = messages[0]
    answer_headers = {name.decode(): value.decode() for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(start["status"], answer_headers, body)


def call(method: str, path: str, content: Any = None, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return asyncio.run(send(method, path, content, headers, **more))
