"""Instruments on demand over HTTP: what one shows of a run at a step, as figures or as a file."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.api.watch import step_in
from dashboard.figures import PALETTES
from dashboard.figures.panels import drawn
from dashboard.server import services
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import NOT_FOUND, ApiError, JSONAnswer, client_of, endpoint
from dashboard.server.keys import id_of, key_in
from rnncore.on_demand import EVERY, ON_DEMAND
from rnncore.reading import Reading
from rnncore.reading_files import WRITERS
from rnncore.runs.inspector.desk import largest_choices
from rnncore.runs.inspector.programs import Asked
from rnncore.runs.inspector.turns import Share
from rnncore.runs.store.store import StoredRun
from rnncore.words import visible

WAIT_S = 2.0  # an answer is held so long; then it tells how far the work is
THREADS = 24
MANY = "You are reading many instruments at this moment; try again in a few seconds."
RETRY_S = 5.0
_budget = Budget(each=12, total=THREADS)  # by `client_of`
_TYPES = {".npz": "application/octet-stream", ".parquet": "application/vnd.apache.parquet"}


@cache
def _threads() -> CapacityLimiter:
    return CapacityLimiter(THREADS)


@endpoint
async def instrument(request: Request) -> Response | dict[str, Any]:
    """`?step=N`: an instrument of a run before the update of step N; without it, at the newest.

    `course=1`: over training up to that step, at a few steps, or with `every=N` at every N evaluations. `layer=N`,
    `unit=N`: of an instrument that leaves this choice. `theme=dark`, `color=N`: of the figures. `as=npz`, `as=parquet`:
    all numbers as a file; `as=json`: the same as JSON. An answer 202 tells the share of the work that is done: ask
    again; `doing` in it says what takes long, as flossing that is done again does. `waiting` in an answer says that the
    program of a watched run is asked for a reading, or for a newer one.
    """
    asked = request.query_params
    theme, form = asked.get("theme", "light"), asked.get("as", "figures")
    if theme not in PALETTES:
        raise ApiError(400, f"theme: '{visible(theme)[:40]}' is not allowed; allowed: light or dark.")
    if form not in ("figures", "json") and f".{form}" not in WRITERS:
        raise ApiError(400, f"as: '{visible(form)[:40]}' is not allowed; allowed: figures, json, npz or parquet.")
    color = asked.get("color", "0")
    if not (color.isascii() and color.isdecimal() and len(color) < 3):
        raise ApiError(400, f"color: '{visible(color)[:40]}' is not allowed; allowed: a number from 0.")
    key, name, step = key_in(request), str(request.path_params["instrument"]), step_in(request)
    run = await run_in_threadpool(_run, key)
    choices = {EVERY, *(each for entry in ON_DEMAND.values() for each in entry.asks)}
    own = {each: visible(asked[each])[:40] for each in choices if each in asked}
    who, course = client_of(request), asked.get("course") == "1"
    ask = partial(services.desk().ask, run, visible(name)[:60], step, course, WAIT_S, own, who)
    try:
        with _budget.one_more(who):
            found = await to_thread.run_sync(ask, limiter=_threads())
    except OverBudget:
        raise ApiError(429, MANY, RETRY_S) from None
    told: dict[str, str] = {}
    if isinstance(found, Asked):
        told = {"waiting": found.said} if found.said else {}
        found = Share() if found.kept is None else found.kept
    if isinstance(found, Share):
        if found.doing:
            told["doing"] = found.doing
        return JSONAnswer({"run": key, "instrument": name, "share": float(found)} | told, 202)
    answer = await run_in_threadpool(_ANSWERS.get(form, _file), found, key, form, theme, int(color))
    if not isinstance(answer, dict):
        return answer
    most = await run_in_threadpool(largest_choices, run, found.instrument)
    return answer | told | ({"most": most} if form == "figures" else {})


def _run(key: str) -> StoredRun:
    store = services.scheduler().store
    run = store.run(id_of(store, key))
    if run is None:
        raise ApiError(404, NOT_FOUND)
    return run


def _figures(found: Reading, key: str, form: str, theme: str, color: int) -> dict[str, Any]:
    return {"run": key, **drawn(found, theme, color)}


def _json(found: Reading, key: str, form: str, theme: str, color: int) -> dict[str, Any]:
    return {"run": key, **found.to_json()}


def _file(found: Reading, key: str, form: str, theme: str, color: int) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{found.stem}.{form}"', "Cache-Control": "no-store"}
    return Response(WRITERS[f".{form}"](found), media_type=_TYPES[f".{form}"], headers=headers)


_ANSWERS: dict[str, Callable[[Reading, str, str, str, int], dict[str, Any] | Response]] = {
    "figures": _figures,
    "json": _json,
}

routes = [Route("/runs/{run}/instruments/{instrument}", instrument)]
