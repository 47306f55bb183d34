"""What is new of runs since what somebody knows of them, at once or once there is something: what boards poll."""

import json
import re
import threading
from collections.abc import Mapping
from hashlib import blake2s
from typing import Any

from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard import figures
from dashboard.experiment.told import told
from dashboard.server import services
from dashboard.server.held import Answer, Asked, Held
from dashboard.server.http import NOT_FOUND, ApiError
from dashboard.server.keys import id_of, known_id
from rnncore.runs.read.insights import insights
from rnncore.runs.read.series import records_since
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.store.database import StoreFault, is_damage
from rnncore.runs.store.runs import progress
from rnncore.runs.store.store import ENDED

MAX_RUNS = 6
FULL_POINTS, REFRESH_POINTS = 2000, 150
DAMAGED = "The run store is damaged where this run is kept."
_RUN_SINCE = re.compile(r"(w?[A-Za-z0-9_-]{22}):([0-9]{1,9})(?::([0-9a-f]{8}))?")
_configs: LRUCache[str, Mapping[str, Any]] = LRUCache(1024)
_reading = threading.Lock()  # of the cache: every request is a thread
_holder: Held | None = None


def asked_in(request: Request) -> Asked:
    """Return what a request knows of runs: `run=ID:SINCE` or `run=ID:SINCE:KEY`, repeated, and `told`.

    KEY: the `insights_key` of an earlier answer, told: its `told`. Raises ApiError.
    """
    matches = [_RUN_SINCE.fullmatch(text) for text in request.query_params.getlist("run")]
    found = [match for match in matches if match]
    if not found or len(found) > MAX_RUNS or len(found) < len(matches):
        raise ApiError(400, f"run: 1 to {MAX_RUNS} values of the form ID:STEP are needed.")
    names, since = tuple(match[1] for match in found), tuple(int(match[2]) for match in found)
    return Asked(names, since, tuple(match[3] or "" for match in found), request.query_params.get("told", "")[:40])


def news_of(asked: Asked) -> dict[str, Any]:
    """Return what is new of runs, and how they stand. Reads the store."""
    runs = [news(*each) for each in zip(asked.names, asked.since, asked.said, strict=True)]
    return {"runs": runs, "told": _mark([(run.get("status"), run.get("last_step"), run.get("notice")) for run in runs])}


def held() -> Held:
    """Return those of this server's event loop who wait for news."""
    global _holder
    if _holder is None or not _holder.is_for_this_loop():
        _holder = Held(_stands, _answer)
    return _holder


async def _stands(names: tuple[str, ...]) -> str:
    """Return how runs stand, as `told` says it: what tells whether there is news of them."""

    def look() -> str:
        scheduler: Scheduler = services.scheduler()
        store = scheduler.store
        ids = [known_id(store, name) for name in names]
        with store.read() as db:
            runs = [progress(db, run) for run in ids]
        return _mark(
            [
                (run.status, run.step, scheduler.notice(id, run.status)) if run else (None, None, None)
                for id, run in zip(ids, runs, strict=True)
            ]
        )

    return await run_in_threadpool(look)


def _mark(stands: list[tuple[str | None, int | None, str | None]]) -> str:
    return blake2s(json.dumps(stands).encode(), digest_size=4).hexdigest()


async def _answer(asked: Asked) -> Answer:
    def answer() -> Answer:
        found = news_of(asked)
        runs = found["runs"]
        since = tuple(run.get("last_step", step) for run, step in zip(runs, asked.since, strict=True))
        said = tuple(run.get("insights_key", "") for run in runs)
        body = json.dumps(found, separators=(",", ":"), allow_nan=False).encode("ascii")
        return Answer(body, Asked(asked.names, since, said, found["told"]))

    return await run_in_threadpool(answer)


def _config(run: str) -> Mapping[str, Any]:
    """Return a run's settings as stored; they never change."""
    with _reading:
        known = _configs.get(run)
    if known is None:
        known = services.scheduler().store.configs([run]).get(run, {})
        with _reading:
            _configs[run] = known
    return known


def news(named: str, since: int, key: str = "") -> dict[str, Any]:
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
        found = records_since(scheduler.store, run, since, points, figures.columns_read())
    except StoreFault as error:
        if not is_damage(error):
            raise
        return {"run": named, "error": DAMAGED}  # the others are well
    if found is None:
        return {"run": named, "error": NOT_FOUND}
    found["run"] = named
    if ending := scheduler.unsaved_ending(run):
        found["status"], found["reason"] = ending.status, ending.reason
    found["notice"] = scheduler.notice(run, found["status"])
    if found["status"] == "queued":
        found["position"], found["wait_seconds"] = scheduler.position(run)
    look = insights(scheduler.store, run, found["status"], found["last_step"])
    said = told(look, _config(run)) if look else None
    found["insights_key"] = blake2s(json.dumps(said).encode(), digest_size=4).hexdigest()
    found["insights"] = None if found["insights_key"] == key else said
    if since == 0 or found["status"] in ENDED:
        known = scheduler.status(run)
        found["info"], found["resumable"] = (known.run.info, known.resumable) if known else (None, False)
    return found
