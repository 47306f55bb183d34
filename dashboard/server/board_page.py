"""The board on a page of its own (`/board?run=KEY`): all that it can do, without Streamlit's scripts and its socket.

It is what a link to runs shows on a phone, for which the lab is heavy (`WAY_FOR_PHONES`).
"""

import gzip
from html import escape
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.experiment.configs import known_configs
from dashboard.experiment.words import in_words, model_words
from dashboard.exports.modules import STATIC, json_in_html
from dashboard.server import services
from dashboard.server.assets import asset_url
from dashboard.server.board_data import NO_RUN, board_of, runs_at
from dashboard.server.keys import watch_address
from dashboard.server.workspace import workspace_of

WAY_FOR_PHONES = (STATIC / "way_for_phones.js").read_text("utf-8")  # inside Streamlit's own page
_IN_LAB = "#lab"  # after an address of the lab: that it be the lab, on a phone too


async def _page(request: Request) -> Response:
    address = request.query_params.get("run", "")
    if address and (watched := watch_address(address)) != address and await run_in_threadpool(_leads_to_runs, address):
        return RedirectResponse(f"board?run={quote(watched)}", 302, {"Cache-Control": "no-store"})
    status, text = await run_in_threadpool(_html, address, workspace_of(request))
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = gzip.compress(text.encode(), compresslevel=6), "gzip"
        return HTMLResponse(content, status, headers)
    return HTMLResponse(text, status, headers)


def _leads_to_runs(address: str) -> bool:
    return bool(runs_at(services.scheduler().store, address)[0])


def _html(address: str, workspace: str | None) -> tuple[int, str]:
    """Return the status and the page of the runs that an address names, for whoever is in a workspace."""
    store = services.scheduler().store
    shown, problems = runs_at(store, address)
    lines = "".join(f'<p class="problem">{escape(each)}</p>\n' for each in [*problems, *([] if shown else [NO_RUN])])
    early, board = "", ""
    words = "See, live and exactly, how gradients travel back through time."
    if shown:
        configs = known_configs(shown[:1])
        words = in_words(configs[0]) if configs else model_words(shown[0].config)
        data = board_of(store, shown, workspace=workspace, tries=True)
        asked = urlencode([("run", f"{run['id']}:0") for run in data["runs"]])  # as the board will ask first
        early = (
            f'<link rel="preload" as="fetch" crossorigin href="api/records?{escape(asked)}">\n'
            f'<link rel="preload" as="script" href="{data["plotly"]}">\n'
        )
        board = f'<div id="board"></div>\n<script type="application/json" id="data">{json_in_html(data)}</script>\n'
    lab = f"./?run={quote(address)}{_IN_LAB}" if shown else "./"
    return 200 if shown else 404, (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>RNN Gradient Lab</title>\n'
        f'<link rel="stylesheet" href="{asset_url("page.css")}">\n'
        f'<script type="module" src="{asset_url("page.js")}"></script>\n{early}'
        f'<link rel="icon" href="{asset_url("icon.png")}">\n</head>\n<body>\n<main>\n'
        f'<header class="top"><h1>RNN Gradient Lab</h1>\n<p>{escape(words)}</p>\n'
        f'<a href="{lab}">Open in the lab</a></header>\n{lines}{board}</main>\n</body>\n</html>\n'
    )


board_routes = [Route("/board", _page)]
