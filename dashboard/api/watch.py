"""Looking at runs: what the board polls, the status of a run or a group, a workspace's runs.

Three answer to a step that a reader goes to: `insights` in sentences and `profile` with the gradient through time, both
of the same stored step, and `snapshot` with the evaluation before it.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.news import asked_in, held, news, news_of
from dashboard.experiment.told import told
from dashboard.server import services
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import NOT_FOUND, ApiError, address_of, endpoint
from dashboard.server.keys import id_of, key_in, status_json, watches
from dashboard.server.workspace import workspace_of
from rnncore.runs.read.insights import look
from rnncore.runs.read.series import profile_at
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.snapshots import read_snapshot
from rnncore.runs.store.store import Store

FULL_AT_ONCE = 4
MANY_HELD = "Many requests of your address wait for news at this moment; try again in a few seconds."
HELD_RETRY_S = 5.0
T = TypeVar("T")
_SINCE = re.compile(r"[0-9]{1,9}")
_holding = Budget(each=1000, total=4000)  # by network address: a class may be behind a single one


@cache
def _full_fetches() -> CapacityLimiter:
    return CapacityLimiter(FULL_AT_ONCE)


async def _in_thread(read: Callable[[], T], full: bool) -> T:
    """Read from the store in a thread. Whole runs (reloads) wait for one another, refreshes for nobody."""
    return await to_thread.run_sync(read, limiter=_full_fetches() if full else None)


@endpoint
async def poll(request: Request) -> dict[str, Any] | Response:
    """`?run=ID:SINCE`, repeated: what is new of several runs in one answer.

    `?run=ID:SINCE:KEY`, with the `insights_key` of an earlier answer, leaves the insights out while they are the same.
    `hold=1`: the answer comes once the runs stand otherwise than `told`, the one of an earlier answer, says, and may
    begin before SINCE: all who watch the same runs are answered at once.
    """
    asked = asked_in(request)
    if request.query_params.get("hold") != "1":
        return await _in_thread(partial(news_of, asked), full=0 in asked.since)
    try:
        with _holding.one_more(address_of(request)):
            body = await held().news(asked)
    except OverBudget:
        raise ApiError(429, MANY_HELD, HELD_RETRY_S) from None
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@endpoint
async def records(request: Request) -> dict[str, Any]:
    """`?since=N`: the records of one run after step N."""
    since = request.query_params.get("since", "0")
    if not _SINCE.fullmatch(since):
        raise ApiError(400, f"since: {since[:60]!r} is not allowed; allowed: a step number from 0.")
    run, step = key_in(request), int(since)
    found = await _in_thread(partial(news, run, step), full=step == 0)
    if "error" in found:
        raise ApiError(404, NOT_FOUND) if found["error"] == NOT_FOUND else ApiError(503, found["error"])
    return found


@endpoint
async def insight(request: Request) -> dict[str, Any]:
    """`?step=N`: what can be said of a run at step N, in sentences; `step` in the answer is the one they speak of."""
    step = request.query_params.get("step", "")
    if not _SINCE.fullmatch(step):
        raise ApiError(400, f"step: {step[:60]!r} is not allowed; allowed: a step number from 1.")
    store = services.scheduler().store
    run = await run_in_threadpool(id_of, store, key_in(request))
    stored = await run_in_threadpool(store.run, run)
    if stored is None:
        raise ApiError(404, NOT_FOUND)
    return await run_in_threadpool(lambda: told(look(store, run, int(step)), stored.config))


@endpoint
async def profile(request: Request) -> dict[str, Any]:
    """`?step=N`: the profile stored nearest to step N, under its own step number; without it, the newest.

    It is the one of which `insights?step=N` speaks.
    """
    return await _at_step(profile_at, request)


@endpoint
async def snapshot(request: Request) -> dict[str, Any]:
    """`?step=N`: what the run showed at the last evaluation up to step N; without it, at the newest."""
    return await _at_step(read_snapshot, request)


async def _at_step(read: Callable[[Store, str, int | None], dict[str, Any] | None], request: Request) -> dict[str, Any]:
    asked = step_in(request)
    key, store = key_in(request), services.scheduler().store
    found = await run_in_threadpool(lambda: read(store, id_of(store, key), asked))
    if found is None:
        raise ApiError(404, NOT_FOUND)
    return found | {"run": key}


def step_in(request: Request) -> int | None:
    """Return the step that an address asks for, None where it names none. Raises ApiError."""
    step = request.query_params.get("step")
    if step is not None and not _SINCE.fullmatch(step):
        raise ApiError(400, f"step: {step[:60]!r} is not allowed; allowed: a step number from 0.")
    return None if step is None else int(step)


@endpoint
async def status(request: Request) -> dict[str, Any]:
    """All that is known of a run but its records."""
    return await run_in_threadpool(_status, key_in(request))


@endpoint
async def group(request: Request) -> dict[str, Any]:
    """The status of each run of a group."""
    key = key_in(request, "group")

    def statuses() -> list[dict[str, Any]]:
        runs = services.scheduler().store.group(key)
        return [_status(watch_key(run.id) if watches(key) else run.id, key) for run in runs]

    runs = await run_in_threadpool(statuses)
    if not runs:
        raise ApiError(404, NOT_FOUND)
    return {"group": key, "runs": runs}


@endpoint
async def listing(request: Request) -> dict[str, Any]:
    """The runs of the caller's own workspace, oldest first, in short."""
    workspace = workspace_of(request)
    if workspace is None:
        return {"runs": []}
    runs = await run_in_threadpool(services.scheduler().store.runs_of, workspace)
    names = ("id", "group", "label", "status", "reason", "step", "steps", "created_at", "ended_at")
    return {"runs": [{name: getattr(run, name) for name in names} | {"watch": watch_key(run.id)} for run in runs]}


def _status(key: str, group: str | None = None) -> dict[str, Any]:
    """Return a run's status for who has asked by a key, of the run or of its group."""
    scheduler = services.scheduler()
    found = scheduler.status(id_of(scheduler.store, key))
    if found is None:
        raise ApiError(404, NOT_FOUND)
    return status_json(found, key, group)
