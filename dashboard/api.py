"""The HTTP API: what the live board polls and what scripts may call. Ids are the capability; errors are JSON."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard import services
from rnncore.runs.scheduler import ControlError, UnknownRun
from rnncore.runs.series import records_since

MAX_RUNS_PER_POLL = 6
FULL_POINTS, REFRESH_POINTS = 2000, 150
_RUN_SINCE = re.compile(r"([A-Za-z0-9_-]{22}):(\d{1,9})")
NOT_FOUND = "There is no such run (any more)."


class ApiError(Exception):
    """An answer other than success: HTTP status and one plain sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def _endpoint(function: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await function(request), headers={"Cache-Control": "no-store"})
        except ApiError as error:
            return JSONResponse({"error": str(error)}, status_code=error.status)

    return answer


@_endpoint
async def _poll(request: Request) -> dict[str, Any]:
    """`?run=ID:SINCE`, repeated: what is new of several runs in one answer."""
    asked = [_RUN_SINCE.fullmatch(text) for text in request.query_params.getlist("run")]
    if not asked or len(asked) > MAX_RUNS_PER_POLL or None in asked:
        raise ApiError(400, f"run: 1 to {MAX_RUNS_PER_POLL} values of the form ID:STEP are needed.")
    pairs = [(match[1], int(match[2])) for match in asked if match]
    return {"runs": await run_in_threadpool(lambda: [_news(*pair) for pair in pairs])}


@_endpoint
async def _records(request: Request) -> dict[str, Any]:
    since = request.query_params.get("since", "0")
    if not re.fullmatch(r"\d{1,9}", since):
        raise ApiError(400, f"since: {since!r} is not allowed; allowed: a step number from 0.")
    news = await run_in_threadpool(_news, request.path_params["run"], int(since))
    if "error" in news:
        raise ApiError(404, NOT_FOUND)
    return news


@_endpoint
async def _status(request: Request) -> dict[str, Any]:
    status = await run_in_threadpool(services.scheduler().status, request.path_params["run"])
    if status is None:
        raise ApiError(404, NOT_FOUND)
    return status.to_json()


@_endpoint
async def _stop(request: Request) -> dict[str, Any]:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ApiError(403, "Runs can only be steered from the app's own page.")
    try:
        await run_in_threadpool(services.scheduler().stop, request.path_params["run"])
    except UnknownRun:
        raise ApiError(404, NOT_FOUND) from None
    except ControlError as error:
        raise ApiError(409, str(error)) from None
    return {"ok": True}


def _news(run_id: str, since: int) -> dict[str, Any]:
    """Return the run's records after step `since`; the first time (0) with what is known of the run as a whole."""
    scheduler = services.scheduler()
    news = records_since(scheduler.store, run_id, since, REFRESH_POINTS if since else FULL_POINTS)
    if news is None:
        return {"run": run_id, "error": NOT_FOUND}
    scheduler.seen(run_id)
    if news["status"] == "queued":
        news["position"], news["wait_seconds"] = scheduler.position(run_id)
    if since == 0:
        stored = scheduler.store.run(run_id)
        news["info"] = stored.info if stored else None
    return news


routes = [
    Route("/api/records", _poll),
    Route("/api/runs/{run}", _status),
    Route("/api/runs/{run}/records", _records),
    Route("/api/runs/{run}/stop", _stop, methods=["POST"]),
]
