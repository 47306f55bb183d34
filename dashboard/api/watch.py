"""Looking at runs: what the board polls, the status of a run or a group, a workspace's runs.

Three answer to a step that a reader goes to: `insights` in sentences and `profile` with the gradient through time, both
of the same stored step, and `snapshot` with the evaluation before it.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from functools import cache, partial
from hashlib import blake2s
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dashboard import figures
from dashboard.experiment.told import told
from dashboard.server import services
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.held import Held
from dashboard.server.http import NOT_FOUND, ApiError, address_of, endpoint
from dashboard.server.keys import id_of, key_in, known_id, status_json, watches
from dashboard.server.workspace import workspace_of
from rnncore.runs.read.insights import insights, look
from rnncore.runs.read.series import profile_at, records_since
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.store.database import StoreFault, is_damage
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.runs import progress
from rnncore.runs.store.snapshots import read_snapshot
from rnncore.runs.store.store import ENDED, Store

MAX_RUNS_PER_POLL = 6
FULL_POINTS, REFRESH_POINTS = 2000, 150
FULL_AT_ONCE = 4
MANY_HELD = "Many requests of your address wait for news at this moment; try again in a few seconds."
HELD_RETRY_S = 5.0
DAMAGED = "The run store is damaged where this run is kept."
T = TypeVar("T")
_configs: LRUCache[str, Mapping[str, Any]] = LRUCache(1024)
_reading = threading.Lock()  # of the cache: every request is a thread
_RUN_SINCE = re.compile(r"(w?[A-Za-z0-9_-]{22}):([0-9]{1,9})(?::([0-9a-f]{8}))?")
_SINCE = re.compile(r"[0-9]{1,9}")


_holding = Budget(each=1000, total=4000)  # by network address: a class may be behind a single one
_holder: Held | None = None


def _held() -> Held:
    global _holder
    if _holder is None or not _holder.is_for_this_loop():
        _holder = Held(_stands, _answer)
    return _holder


async def _stands(names: tuple[str, ...]) -> list[Any]:
    """Return how runs stand: what tells whether there is news of them."""

    def look() -> list[Any]:
        store = services.scheduler().store
        with store.read() as db:
            return [progress(db, run) for run in map(partial(known_id, store), names)]

    return await run_in_threadpool(look)


async def _answer(asked: tuple[str, ...]) -> bytes:
    matches = [match for text in asked if (match := _RUN_SINCE.fullmatch(text))]

    def news() -> bytes:
        runs = [_news(match[1], int(match[2]), match[3] or "") for match in matches]
        return json.dumps({"runs": runs}, separators=(",", ":"), allow_nan=False).encode("ascii")

    return await run_in_threadpool(news)


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
    `hold=1`: the answer comes when something is new, for all who have asked the same at once.
    """
    asked = [_RUN_SINCE.fullmatch(text) for text in request.query_params.getlist("run")]
    if not asked or len(asked) > MAX_RUNS_PER_POLL or None in asked:
        raise ApiError(400, f"run: 1 to {MAX_RUNS_PER_POLL} values of the form ID:STEP are needed.")
    news = [(match[1], int(match[2]), match[3] or "") for match in asked if match]
    if request.query_params.get("hold") == "1":
        address = address_of(request)
        try:
            with _holding.one_more(address):
                body = await _held().news(tuple(run for run, _, _ in news), tuple(request.query_params.getlist("run")))
        except OverBudget:
            raise ApiError(429, MANY_HELD, HELD_RETRY_S) from None
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
    return {"runs": await _in_thread(lambda: [_news(*each) for each in news], full=any(not each[1] for each in news))}


@endpoint
async def records(request: Request) -> dict[str, Any]:
    """`?since=N`: the records of one run after step N."""
    since = request.query_params.get("since", "0")
    if not _SINCE.fullmatch(since):
        raise ApiError(400, f"since: {since[:60]!r} is not allowed; allowed: a step number from 0.")
    run, step = key_in(request), int(since)
    news = await _in_thread(lambda: _news(run, step), full=step == 0)
    if "error" in news:
        raise ApiError(404, NOT_FOUND) if news["error"] == NOT_FOUND else ApiError(503, news["error"])
    return news


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
    step = request.query_params.get("step")
    if step is not None and not _SINCE.fullmatch(step):
        raise ApiError(400, f"step: {step[:60]!r} is not allowed; allowed: a step number from 0.")
    asked = None if step is None else int(step)
    key, store = key_in(request), services.scheduler().store
    found = await run_in_threadpool(lambda: read(store, id_of(store, key), asked))
    if found is None:
        raise ApiError(404, NOT_FOUND)
    return found | {"run": key}


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


def _config(run: str) -> Mapping[str, Any]:
    """Return a run's settings as stored; they never change."""
    with _reading:
        known = _configs.get(run)
    if known is None:
        known = services.scheduler().store.configs([run]).get(run, {})
        with _reading:
            _configs[run] = known
    return known


def _status(key: str, group: str | None = None) -> dict[str, Any]:
    """Return a run's status for who has asked by a key, of the run or of its group."""
    scheduler = services.scheduler()
    found = scheduler.status(id_of(scheduler.store, key))
    if found is None:
        raise ApiError(404, NOT_FOUND)
    return status_json(found, key, group)


def _news(named: str, since: int, key: str = "") -> dict[str, Any]:
    """Return the records after step `since` of the run with an id or watch key, under that name.

    The first time (0) with what is known of the run as a whole. key: of the insights that the asker has.
    """
    scheduler: Scheduler = services.scheduler()
    try:
        run = id_of(scheduler.store, named)
    except ApiError as error:
        return {"run": named, "error": str(error)}
    points = REFRESH_POINTS if since else FULL_POINTS
    try:
        news = records_since(scheduler.store, run, since, points, figures.columns_read())
    except StoreFault as error:
        if not is_damage(error):
            raise
        return {"run": named, "error": DAMAGED}  # the others are well
    if news is None:
        return {"run": named, "error": NOT_FOUND}
    news["run"] = named
    if ending := scheduler.unsaved_ending(run):
        news["status"], news["reason"] = ending.status, ending.reason
    news["notice"] = scheduler.notice(run, news["status"])
    if news["status"] == "queued":
        news["position"], news["wait_seconds"] = scheduler.position(run)
    found = insights(scheduler.store, run, news["status"], news["last_step"])
    said = told(found, _config(run)) if found else None
    news["insights_key"] = blake2s(json.dumps(said).encode(), digest_size=4).hexdigest()
    news["insights"] = None if news["insights_key"] == key else said
    if since == 0 or news["status"] in ENDED:
        known = scheduler.status(run)
        news["info"], news["resumable"] = (known.run.info, known.resumable) if known else (None, False)
    return news
