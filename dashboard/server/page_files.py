"""Streamlit's own files, compressed once and kept: it sends them as they are, 2.6 MB where 0.8 MB say the same."""

import gzip
from functools import cache
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import file_util

_FOLDER = Path(file_util.get_static_dir()) / "static"
_MARK = "/static/"  # a base path may stand before it
_KINDS = {".js": "text/javascript", ".css": "text/css"}  # fonts and pictures are as small as they get


class CompressedPageFiles:
    """ASGI middleware: answer with a script or style of Streamlit's page, compressed; pass everything else on.

    Their names carry a hash, so that browsers keep them for good. Their number is bounded, and so is what is kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "http" and scope["method"] == "GET" and _MARK in scope["path"]:
            name = scope["path"].split(_MARK, 1)[1]
            accepted = Headers(scope=scope).get("accept-encoding", "")
            if name in _names() and "gzip" in accepted:
                await _answer(name, await to_thread.run_sync(_compressed, name))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _answer(name: str, content: bytes) -> Response:
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Encoding": "gzip",
        "Vary": "Accept-Encoding",
    }
    return Response(content, media_type=_KINDS[Path(name).suffix], headers=headers)


@cache
def _names() -> frozenset[str]:
    return frozenset(file.relative_to(_FOLDER).as_posix() for file in _FOLDER.rglob("*") if file.suffix in _KINDS)


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress((_FOLDER / name).read_bytes(), compresslevel=6, mtime=0)
