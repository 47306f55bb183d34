"""What every address of the API shares: JSON answers, errors as one sentence, bounded bodies, own pages only."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from dashboard.server import services
from dashboard.server.workspace import HEADER, workspace_of
from rnncore.config import explain
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.runs.limits import LimitError
from rnncore.runs.scheduler import ControlError, UnknownRun
from rnncore.runs.store.database import StoreFault
from rnncore.runs.store.keys import WATCH_KEY
from rnncore.runs.studies import StudyError, UnknownStudy
from rnncore.runs.trouble import StoreTrouble

logger = logging.getLogger(__name__)

MAX_JSON_BYTES = 256 * 1024
BODY_SECONDS = 20.0  # to send a whole body of JSON
NOT_FOUND = "There is no such run (any more)."
UNREADABLE = "The run store cannot be used at this moment; try again in a minute."
STORE_RETRY_S = 10.0
ID = re.compile(r"[A-Za-z0-9_-]{22}")
# What a form or a plain link of another site could send without asking first.
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")

Endpoint = Callable[[Request], Awaitable[Response]]


class ApiError(Exception):
    """An answer other than success: HTTP status, one plain sentence, and after how many seconds to try again."""

    def __init__(self, status: int, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class JSONAnswer(Response):
    """Compact JSON in ASCII, never cached."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
        super().__init__(body, status_code, {"Cache-Control": "no-store"} | dict(headers or {}))


def error_answer(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as JSON."""
    return JSONAnswer({"error": sentence}, status, headers)


def endpoint(function: Callable[[Request], Awaitable[Any]]) -> Endpoint:
    """Turn what `function` returns (a Response, or something JSON-ready) or raises into an answer."""

    async def answer(request: Request) -> Response:
        try:
            if request.method not in ("GET", "HEAD"):
                refuse_cross_site(request)
            if WATCH_KEY.fullmatch(request.headers.get(HEADER, "")):
                raise ApiError(404, NOT_FOUND)  # it opens no workspace
            services.note_sign_of_life(_ids_in(request), workspace_of(request))
            content = await function(request)
            return content if isinstance(content, Response) else JSONAnswer(content)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:
            return _error(request, error)

    return answer


def _error(request: Request, error: Exception) -> Response:
    known = next((rule for kind, rule in _ERRORS.items() if isinstance(error, kind)), None)
    if known is None:
        logger.exception("%s %s failed", request.method, request.url.path, extra={"event": "request_failed"})
        return error_answer(500, "An unexpected error happened; the server's log says more.")
    answer = known(error)
    if answer.status in (403, 413, 429):
        fields = {"event": "refused", "status": answer.status, "method": request.method}
        logger.info("%s", answer, extra=fields)
    if answer.status == 503:
        logger.warning("%s %s: %s", request.method, request.url.path, error, extra={"event": "store_trouble"})
    headers = {"Retry-After": f"{answer.retry_after:.0f}"} if answer.retry_after is not None else None
    return error_answer(answer.status, str(answer), headers)


_ERRORS: dict[type[Exception], Callable[[Any], ApiError]] = {
    ApiError: lambda error: error,
    LimitError: lambda error: ApiError(429, error.for_scripts(), error.retry_after),
    ValidationError: lambda error: ApiError(400, explain(error)),
    DataError: lambda error: ApiError(400, str(error)),
    ConfigError: lambda error: ApiError(400, str(error)),
    UnknownStudy: lambda error: ApiError(404, str(error)),
    StudyError: lambda error: ApiError(409, str(error)),
    UnknownRun: lambda error: ApiError(404, NOT_FOUND),
    ControlError: lambda error: ApiError(409, str(error)),
    StoreTrouble: lambda error: ApiError(503, str(error), STORE_RETRY_S),
    StoreFault: lambda error: ApiError(503, UNREADABLE, STORE_RETRY_S),
}


def refuse_cross_site(request: Request) -> None:
    """Raise ApiError for a request that a page of another site has caused; programs send none of these headers."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        origin = request.headers.get("origin")
        foreign = origin is not None and _host_in(origin) != request.headers.get("host")
    if foreign:
        raise ApiError(403, "Runs can only be started and steered from the app's own pages or from a program.")
    if content_type(request) in FORM_TYPES:
        raise ApiError(415, f"Content-Type: {content_type(request)} is not allowed; allowed: application/json.")


def _host_in(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def content_type(request: Request) -> str:
    """Return the media type of the body, '' where none is named."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def run_id(request: Request, name: str = "run") -> str:
    """Return the id in the address; ApiError 404 for what cannot be one."""
    value = str(request.path_params[name])
    if not ID.fullmatch(value):
        raise ApiError(404, NOT_FOUND)
    return value


def address_of(connection: HTTPConnection) -> str:
    """Return the network address that a request comes from, '' where it is not known."""
    return connection.client.host if connection.client else ""


def is_address(client: str) -> bool:
    """Tell whether a client (`client_of`) is a network address."""
    return " " in client


def client_of(connection: HTTPConnection) -> str:
    """Return who asks, for what each may have: a member of an open class by their workspace, others by their address.

    A whole school may be behind one address; workspaces are free, but places in a class are not.
    """
    return client(workspace_of(connection), address_of(connection))


def client(workspace: str | None, address: str) -> str:
    """Return the same for whoever is in a workspace and comes by a network address."""
    return workspace if workspace is not None and services.is_in_a_class(workspace) else f"address {address}"


def _ids_in(request: Request) -> list[str]:
    """Return the ids of runs and groups that a request has proved to know."""
    asked = [text.partition(":")[0] for text in request.query_params.getlist("run")]
    return [*map(str, request.path_params.values()), *asked]


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """Return the body, refusing one above `limit` bytes before its memory is spent, and one that takes too long."""
    too_large = ApiError(413, f"The body has more than the {limit:,} bytes that are allowed here.")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:12]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise ApiError(408, f"The body did not arrive within {seconds:.0f} seconds.") from None
    return bytes(body)


async def read_json(request: Request, limit: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Return the JSON object in the body, of at most `limit` bytes. Raises ApiError."""
    if content_type(request) != "application/json":
        raise ApiError(415, f"Content-Type: {content_type(request)!r} is not allowed; allowed: application/json.")
    body = await read_body(request, limit, BODY_SECONDS)
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ApiError(400, "The body is JSON that is nested too deeply.") from None
    except ValueError as error:
        raise ApiError(400, f"The body is not JSON: {error}.") from None
    if not isinstance(content, dict):
        raise ApiError(400, "The body must be a JSON object with named fields.")
    return content


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")
