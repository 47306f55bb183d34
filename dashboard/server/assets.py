"""Static files of the board: our script and plotly.js from the installed wheel, compressed once, cached for good."""

import gzip
import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.experiment.presets import EXAMPLE
from dashboard.exports.modules import STATIC, as_one_module
from dashboard.lessons.glossary import in_short

_FOR_GOOD = "public, max-age=31536000, immutable"
_SCRIPT = "text/javascript"


def _styles() -> bytes:
    return b"".join((STATIC / f"{name}.css").read_bytes() for name in ("board", "projector"))


_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "board.js": (lambda: as_one_module("board", "mount").encode(), _SCRIPT),  # one request for all modules
    "board.css": (_styles, "text/css"),
    "example.json": (EXAMPLE.read_bytes, "application/json"),
    "glossary.json": (lambda: json.dumps(in_short()).encode(), "application/json"),
    "plotly.min.js": (_PLOTLY.read_bytes, _SCRIPT),
}


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_FILES[name][0](), compresslevel=9, mtime=0)


@cache
def asset_url(name: str) -> str:
    """Return the relative URL of an asset; it carries a content hash, so that it can be cached for good."""
    return f"assets/{name}?v={hashlib.sha256(_compressed(name)).hexdigest()[:16]}"


def warm_assets() -> None:
    """Compress every asset before the first page asks for it."""
    for name in _FILES:
        asset_url(name)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        return PlainTextResponse("no such file", status_code=404)
    caching = _FOR_GOOD if "v" in request.query_params else "no-cache"
    headers = {"Cache-Control": caching, "Content-Encoding": "gzip"}
    return Response(_compressed(name), media_type=_FILES[name][1], headers=headers)


asset_routes = [Route("/assets/{name}", _asset)]
