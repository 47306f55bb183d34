"""The HTTP API under /api: what the live board polls and what scripts call. Ids are the capability."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from dashboard.api import control, export, health, keep, start, watch
from dashboard.api.http import error_answer

_SENTENCES = {404: "There is nothing at this address; README lists the addresses of the API."}


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get(error.status_code, f"The method {request.method} is not allowed at this address.")
    return error_answer(error.status_code, sentence, error.headers)


_app = Starlette(
    routes=[
        Route("/health", health.health),
        Route("/records", watch.poll),
        Route("/files", start.upload, methods=["POST"]),
        Route("/runs", watch.listing, methods=["GET"]),
        Route("/runs", start.start, methods=["POST"]),
        Route("/groups/{group}", watch.group),
        Route("/runs/{run}", watch.status, methods=["GET"]),
        Route("/runs/{run}", control.delete, methods=["DELETE"]),
        Route("/runs/{run}/records", watch.records),
        Route("/runs/{run}/insights", watch.insight),
        Route("/runs/{run}/snapshot", watch.snapshot),
        Route("/runs/{run}/settings", control.settings, methods=["POST"]),
        *(Route(f"/runs/{{run}}/{name}", control.command(name), methods=["POST"]) for name in control.COMMANDS),
        *(Route(f"/runs/{{run}}/{name}", export.download(name)) for name in export.FORMATS),
        *keep.routes,
    ],
    exception_handlers={HTTPException: _answer_http_error},
)
_app.router.redirect_slashes = False

routes = [Mount("/api", app=_app)]
