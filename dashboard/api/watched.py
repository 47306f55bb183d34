"""Watched models: a program that trains one elsewhere sends what it recorded, and its runs are on the board.

A run's id, or its group's, is the right to do so; docs/http-api.md says what is sent.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from dashboard.api.start import page_of
from dashboard.server import services
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import NOT_FOUND, ApiError, JSONAnswer, address_of, endpoint, read_json, run_id
from dashboard.server.workspace import workspace_of
from rnncore.runs.patience import patient
from rnncore.runs.store.keys import watch_key
from rnncore.runs.watched import OverError, UnknownWatched, WatchedRuns
from rnncore.runs.watched_forms import MAX_NUMBERS, Wanted, WatchedModel, WatchedReading, WatchedRecord
from rnncore.words import visible

MANY = "Many watched models send records from your address at this moment; try again in a few seconds."
RETRY_S = 5.0
MAX_REASON = 300  # characters
MAX_READING_BYTES = 8 * MAX_NUMBERS * 4 // 3 + 128 * 1024  # its numbers in base64, and all else

_budget = Budget(each=16, total=64)  # by network address: each call is up to 256 kB to be read and stored


class RecordsRequest(BaseModel):
    """Body of POST /api/watched/ID/records: records in the order of their steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    records: Annotated[tuple[WatchedRecord, ...], Field(max_length=2000)]


class EndRequest(BaseModel):
    """Body of POST /api/watched/ID/end. reason: a sentence that stands beside the status."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["finished", "stopped", "failed"]
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""


@endpoint
async def begin(request: Request) -> JSONAnswer:
    """Begin the runs of a model that is watched from now on, one for each of its recurrent modules."""
    model = WatchedModel.model_validate(await read_json(request))
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    begun = await run_in_threadpool(_patiently, lambda runs: runs.begin(workspace, model))
    answer: dict[str, Any] = {
        "group": begun.group,
        "group_watch": watch_key(begun.group),
        "runs": [
            {"id": run, "watch": watch_key(run), "label": label}
            for run, label in zip(begun.runs, begun.labels, strict=True)
        ],
        "address": page_of(request, begun.group),
    }
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201)


@endpoint
async def records(request: Request) -> dict[str, Any]:
    """Keep records of a run."""
    run = run_id(request, "watched")
    with _taken_in(request):
        sent = RecordsRequest.model_validate(await read_json(request)).records
        wanted = await _obey(lambda runs: runs.add(run, [each.record() for each in sent]))
    return _told(wanted)


@endpoint
async def readings(request: Request) -> dict[str, Any]:
    """Keep a reading of an instrument that a run's program has made."""
    run = run_id(request, "watched")
    with _taken_in(request):
        body = await read_json(request, MAX_READING_BYTES)
        sent = await run_in_threadpool(WatchedReading.model_validate, body)
        await _obey(lambda runs: runs.read(run, sent.reading()))
    return {"ok": True}


@endpoint
async def alive(request: Request) -> dict[str, Any]:
    """Note a sign of life of a run or a group, which is taken for interrupted after a minute without one."""
    run = run_id(request, "watched")
    await read_json(request)
    return _told(await _obey(lambda runs: runs.beat(run)))


@endpoint
async def end(request: Request) -> dict[str, Any]:
    """Say how a run or a group ended."""
    run, asked = run_id(request, "watched"), EndRequest.model_validate(await read_json(request))
    await _obey(lambda runs: runs.end(run, asked.status, visible(asked.reason).strip()))
    return {"ok": True}


@contextmanager
def _taken_in(request: Request) -> Iterator[None]:
    """Let few bodies of one address be read and stored at once."""
    try:
        with _budget.one_more(address_of(request)):
            yield
    except OverBudget:
        raise ApiError(429, MANY, RETRY_S) from None


def _told(wanted: Sequence[Wanted]) -> dict[str, Any]:
    """Return that all is well, and which readings the program is asked for."""
    asks = [{"run": each.run, "instrument": each.instrument, "chosen": dict(each.chosen)} for each in wanted]
    return {"ok": True, "asks": asks}


async def _obey(work: Any) -> Any:
    try:
        return await run_in_threadpool(_patiently, work)
    except UnknownWatched:
        raise ApiError(404, NOT_FOUND) from None
    except OverError as error:
        raise ApiError(409, str(error)) from None


def _patiently(work: Any) -> Any:
    @patient
    def command(runs: WatchedRuns) -> Any:
        return work(runs)

    return command(services.scheduler().watched)


routes = [
    Route("/watched", begin, methods=["POST"]),
    Route("/watched/{watched}/records", records, methods=["POST"]),
    Route("/watched/{watched}/readings", readings, methods=["POST"]),
    Route("/watched/{watched}/alive", alive, methods=["POST"]),
    Route("/watched/{watched}/end", end, methods=["POST"]),
]
