"""Static files of the board: our scripts and plotly.js, compressed once, cached for good."""

import gzip
import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.experiment.presets import EXAMPLE
from dashboard.experiment.varying import settings
from dashboard.exports.modules import STATIC, as_one_module, inline_modules
from dashboard.exports.plotly_js import SMALL, WHOLE
from dashboard.lessons.glossary import in_short
from dashboard.lessons.questions import questions
from rnncore.on_demand import ON_DEMAND, choices, why_unwatched
from rnncore.runs.inspector.programs import NO_COURSE

_FOR_GOOD = "public, max-age=31536000, immutable"
_SCRIPT = "text/javascript"


def _styles(*names: str) -> bytes:
    return b"".join((STATIC / f"{name}.css").read_bytes() for name in names)


def _instruments() -> dict[str, Any]:
    """Return what cards of instruments say before anything is read, `InstrumentList` of static/instruments.d.ts."""
    names = ("key", "title", "help", "look", "formula", "source", "small")
    entries = [{name: getattr(entry, name) for name in names} for entry in ON_DEMAND.values()]
    more = [
        {
            "follows": bool(entry.course),
            "asks": [{"name": name, "empty": choice.empty} for name, choice in choices(entry.key).items()],
            "terms": list(entry.terms),
            "unwatched": why_unwatched(entry.key),
        }
        for entry in ON_DEMAND.values()
    ]
    return {
        "no_course": NO_COURSE,
        "whole": asset_url("plotly-whole.min.js"),
        "instruments": [entry | each for entry, each in zip(entries, more, strict=True)],
    }


_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "board.js": (lambda: as_one_module("board", "mount").encode(), _SCRIPT),  # one request for all modules
    "board.css": (lambda: _styles("board", "projector"), "text/css"),
    "page.js": (lambda: f"{inline_modules('page')}page.start();\n".encode(), _SCRIPT),
    "page.css": (lambda: _styles("theme", "board", "projector", "page"), "text/css"),
    "class_bar.js": (lambda: as_one_module("class_bar", "mount").encode(), _SCRIPT),
    "class_bar.css": (lambda: _styles("class"), "text/css"),
    "class_page.js": (lambda: f"{inline_modules('class_page')}class_page.start();\n".encode(), _SCRIPT),
    "class_page.css": (lambda: _styles("theme", "board", "projector", "page", "class"), "text/css"),
    "microscope.js": (lambda: as_one_module("microscope", "mount").encode(), _SCRIPT),
    "microscope.css": (lambda: _styles("board", "microscope"), "text/css"),
    "lessons.json": (lambda: json.dumps(questions()).encode(), "application/json"),
    "settings.json": (lambda: json.dumps(settings()).encode(), "application/json"),
    "icon.png": ((STATIC / "icon.png").read_bytes, "image/png"),
    "example.json": (EXAMPLE.read_bytes, "application/json"),
    "instruments.js": (lambda: as_one_module("instruments", "open").encode(), _SCRIPT),
    "instruments.json": (lambda: json.dumps(_instruments()).encode(), "application/json"),
    "glossary.json": (lambda: json.dumps(in_short()).encode(), "application/json"),
    "plotly.min.js": (SMALL.read_bytes, _SCRIPT),
    "plotly-whole.min.js": (WHOLE.read_bytes, _SCRIPT),
}
_SELDOM = {"plotly-whole.min.js"}  # compressed when a page first needs it


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_FILES[name][0](), compresslevel=9, mtime=0)


@cache
def asset_url(name: str) -> str:
    """Return the relative URL of an asset; it carries a content hash, so that it can be cached for good."""
    return f"assets/{name}?v={hashlib.sha256(_compressed(name)).hexdigest()[:16]}"


def warm_assets() -> None:
    """Compress the assets that every page needs before the first one asks for them."""
    for name in _FILES.keys() - _SELDOM:
        asset_url(name)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        return PlainTextResponse("no such file", status_code=404)
    caching = _FOR_GOOD if "v" in request.query_params else "no-cache"
    headers = {"Cache-Control": caching, "Content-Encoding": "gzip"}
    return Response(_compressed(name), media_type=_FILES[name][1], headers=headers)


asset_routes = [Route("/assets/{name}", _asset)]
