"""What Streamlit's page is given reaches every one of its pages, and nothing else."""

import asyncio
import gzip
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dashboard.server.first_frame import SteadyFirstFrame

PAGE = '<html><head><title>x</title></head><body><div id="root"></div></body></html>'

OWN = "<html><head></head><body>y</body></html>"


async def page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def pieces(request: Request) -> Response:
    return StreamingResponse(iter([PAGE[:20], PAGE[20:]]), media_type="text/html")


async def zipped(request: Request) -> Response:
    return Response(gzip.compress(PAGE.encode()), media_type="text/html", headers={"Content-Encoding": "gzip"})


async def own(request: Request) -> Response:
    return HTMLResponse(OWN)


async def download(request: Request) -> Response:
    return HTMLResponse(PAGE, headers={"Content-Disposition": "attachment; filename=report.html"})


async def data(request: Request) -> Response:
    return JSONResponse({"page": PAGE})


APP = Starlette(
    routes=[Route(f"/{each.__name__}", each) for each in (page, pieces, zipped, own, download, data)],
    middleware=[Middleware(SteadyFirstFrame)],
)


def answer(path: str) -> tuple[dict[str, str], bytes]:
    sent: list[Any] = []
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not requests:
            await asyncio.Event().wait()  # never set: the reader stays
        return requests.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    asyncio.run(APP(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(message.get("body", b"") for message in sent[1:])


def test_a_page_gets_the_style_whole_in_pieces_or_compressed() -> None:
    for path in ("/page", "/pieces", "/zipped"):
        headers, sent = answer(path)
        assert headers["content-length"] == str(len(sent))
        assert ("content-encoding" in headers) == (path == "/zipped")
        body = (gzip.decompress(sent) if path == "/zipped" else sent).decode()
        assert body.count("<style ") == 1
        assert body.index("<head><script>") < body.index("<style ") < body.index("</head>")


def test_other_pages_downloads_and_data_pass_as_they_are() -> None:
    assert answer("/own")[1].decode() == OWN
    assert answer("/download")[1].decode() == PAGE
    assert b"<style>" not in answer("/data")[1]
