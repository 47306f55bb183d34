"""`/view?key=KEY`, which `rnnlab view` prints: who opens it has this machine's watched runs in their History."""

import secrets
from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.server import services
from dashboard.server.workspace import workspace_of
from rnncore.runs.store.keys import watch_key
from rnncore.runs.watched_forms import is_watched
from rnncore.runs.watched_targets import keep_workspace, own_workspace, view_key

OLD = "This link is no longer valid. The command `python -m rnncore view` prints the one that is."
NO_COOKIES = "This browser keeps no cookies, so it has no History for the watched runs."
_NOW = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


async def _page(request: Request) -> Response:
    key, workspace = request.query_params.get("key", ""), workspace_of(request)
    own = await run_in_threadpool(own_workspace, services.scheduler().settings.data_dir)
    if not secrets.compare_digest(key.encode(), view_key(own).encode()):
        return HTMLResponse(_html(OLD), 404, _NOW)
    if workspace is None:  # the answer brings the cookie
        if "again" in request.query_params:
            return HTMLResponse(_html(NO_COOKIES), 200, _NOW)
        onward = f'<meta http-equiv="refresh" content="0; url=view?key={escape(key)}&amp;again=1">'
        return HTMLResponse(_html("One moment.", onward), 200, _NOW)
    return RedirectResponse(await run_in_threadpool(_taken_over, own, workspace), 303, _NOW)


def _taken_over(before: str, workspace: str) -> str:
    """Give the watched runs to a workspace; return the address of the newest ones."""
    scheduler = services.scheduler()
    if before != workspace:
        scheduler.store.move_watched(before, workspace)
        keep_workspace(scheduler.settings.data_dir, workspace)
    watched = [run for run in scheduler.store.runs_of(workspace) if is_watched(run.config)]
    return f"./?run={watch_key(watched[-1].group)}" if watched else "./history"


def _html(sentence: str, head: str = "") -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{head}<title>RNN Gradient Lab</title>\n'
        f"</head>\n<body>\n<p>{escape(sentence)}</p>\n</body>\n</html>\n"
    )


view_routes = [Route("/view", _page)]
