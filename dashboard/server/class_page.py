"""The page of a class for its students (`/class/CODE`): it stands alone, as the board does (`board_page`).

Whether there is such a class the page learns from the API, which bounds how many codes one address may try.
"""

from html import escape
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.experiment.share import PARAMETER, ShareError, encode
from dashboard.exports.modules import json_in_html
from dashboard.server import services
from dashboard.server.assets import asset_url
from dashboard.server.qr import qr_svg
from dashboard.server.workspace import workspace_of
from rnncore.classes.codes import LENGTH, typed
from rnncore.classes.school import UnknownClass
from rnncore.config import TrainConfig

STEPS = (
    "Point the camera of a phone at the square, or type the address.",
    "Press “Join the class”. A nickname is optional, and there is no account.",
    "Then stay on the page: the teacher's board, questions and tasks appear on it.",
)
NO_CODE = f"A code has {LENGTH} letters; it stands on the projector."


async def _enter(request: Request) -> Response:
    """Ask for the code, or go to the class whose code was typed."""
    text = request.query_params.get("code", "")
    code = typed(text)
    if code is not None:
        return RedirectResponse(f"class/{code}", 303)
    problem = f'<p class="problem">{NO_CODE}</p>\n' if text else ""
    return _html(
        "./",
        f'{problem}<form class="rgl-typed" action="class">\n<label>Code of the class\n'
        f'<input name="code" maxlength="{LENGTH + 4}" autocomplete="off" autocapitalize="characters" '
        'spellcheck="false" required></label>\n'
        '<button class="rgl-button rgl-primary">Go to the class</button></form>\n',
    )


async def _class(request: Request) -> Response:
    code = typed(str(request.path_params["code"]))
    if code is None:
        return RedirectResponse("../class?code=-", 303)
    address = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}/class/{code}"
    data = {"code": code, "lessons": asset_url("lessons.json"), "settings": asset_url("settings.json")}
    return _html(
        "../",
        f'<div class="rgl-entrance">\n<div id="class"></div>\n{_door(code, address)}</div>\n'
        "<noscript>This page needs JavaScript.</noscript>\n"
        f'<script type="application/json" id="data">{json_in_html(data)}</script>\n'
        f'<script type="module" src="{asset_url("class_page.js")}"></script>\n',
        f"Class {code}",
    )


def _door(code: str, address: str) -> str:
    """Return what a wide screen shows beside the form, so that a class can be let in from it: it may be projected."""
    steps = "".join(f"<li>{escape(step)}</li>" for step in STEPS)
    shown = escape(address.partition("://")[2]).replace("/class", "<wbr>/class")  # may be broken there
    return (
        f'<aside class="rgl-door" aria-label="How to join">\n<p class="rgl-address">{shown}</p>\n'
        f'<div class="rgl-qr">{qr_svg(address)}</div>\n<div>\n<p class="rgl-code">{code}</p>\n'
        f'<p class="rgl-members" role="status"></p>\n</div>\n<ol>{steps}</ol>\n</aside>\n'
    )


async def _lab(request: Request) -> Response:
    """Go to the lab with what was handed out in its controls; to the class itself where nothing was."""
    code, workspace = str(request.path_params["code"]), workspace_of(request)
    link = await run_in_threadpool(_link, code, workspace)
    return RedirectResponse(f"../../{link}#lab" if link else f"../{quote(code)}", 303)


def _link(code: str, workspace: str | None) -> str | None:
    try:
        room = services.school().room(code)
    except UnknownClass:
        return None
    handout = room.state.handout
    if handout is None or not room.has(workspace):
        return None
    try:
        return f"?{PARAMETER}={encode(TrainConfig.model_validate(handout.handout.config), False)}"
    except ShareError:
        return None


def _html(base: str, body: str, words: str = "Class") -> Response:
    """Return a page; `base`: the way from it to the app's own address."""
    return HTMLResponse(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<base href="{base}">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(words)} · RNN Gradient Lab</title>\n"
        f'<link rel="stylesheet" href="{asset_url("class_page.css")}">\n'
        f'<link rel="icon" href="{asset_url("icon.png")}">\n</head>\n<body class="rgl-class-page">\n<main>\n'
        f'<header class="top"><h1>RNN Gradient Lab</h1>\n<p>{escape(words)}</p></header>\n'
        f"{body}</main>\n</body>\n</html>\n",
        headers={"Cache-Control": "no-store"},
    )


class_routes = [Route("/class", _enter), Route("/class/{code}", _class), Route("/class/{code}/lab", _lab)]
