"""The HTTP API under /api: what the live board polls and what scripts call. Ids are the capability."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Mount, Route

from dashboard.api import (
    board,
    classes,
    control,
    files,
    health,
    instruments,
    keep,
    predict,
    start,
    studies,
    watch,
    watched,
)
from dashboard.server.http import error_answer

_NOT_FOUND = "There is nothing at this address; docs/http-api.md lists those of the API."


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code != 405:
        return error_answer(error.status_code, _NOT_FOUND, error.headers)
    allowed = ", ".join(_methods_at(request))
    sentence = f"The method {request.method[:20]} is not allowed at this address; allowed: {allowed}."
    return error_answer(405, sentence, {"Allow": allowed})


def _methods_at(request: Request) -> list[str]:
    """Return what the routes of an address take together; Starlette tells the methods of the first one alone."""
    at_address = [
        route for route in _app.routes if isinstance(route, Route) and route.matches(request.scope)[0] != Match.NONE
    ]
    return sorted({method for route in at_address for method in route.methods or ()})


_app = Starlette(
    routes=[
        Route("/records", watch.poll),  # what boards and followers ask all the time is found first
        *classes.routes,
        Route("/health", health.health),
        Route("/board", board.board),
        Route("/files", files.listing, methods=["GET"]),
        Route("/files", files.upload, methods=["POST"]),
        Route("/files/{file}", files.delete, methods=["DELETE"]),
        Route("/runs", watch.listing, methods=["GET"]),
        Route("/runs", start.start, methods=["POST"]),
        Route("/groups/{group}", watch.group),
        Route("/runs/{run}", watch.status, methods=["GET"]),
        Route("/runs/{run}", control.delete, methods=["DELETE"]),
        Route("/runs/{run}/records", watch.records),
        Route("/runs/{run}/insights", watch.insight),
        Route("/runs/{run}/profile", watch.profile),
        Route("/runs/{run}/snapshot", watch.snapshot),
        Route("/runs/{run}/settings", control.settings, methods=["POST"]),
        Route("/runs/{run}/predict", predict.predict, methods=["POST"]),
        Route("/runs/{run}/try", start.try_change, methods=["POST"]),
        *(Route(f"/runs/{{run}}/{name}", control.command(name), methods=["POST"]) for name in control.COMMANDS),
        *instruments.routes,
        *keep.routes,
        *studies.routes,
        *watched.routes,
    ],
    exception_handlers={HTTPException: _answer_http_error},
)
_app.router.redirect_slashes = False

routes = [Route("/api", endpoint=_app), Mount("/api", app=_app)]
