"""Downloads, made piece by piece: a few at a time, for a bounded time, so that those who watch are not held up."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import ApiError, client_of, error_answer
from dashboard.server.turns import Turns

THREADS = 4
SECONDS = 300.0
RETRY_S = 5.0
MANY = "You are downloading many files at this moment; try again in a few seconds."

_turns = Turns()
_budget = Budget(each=16, total=256)  # by `client_of`; one that does not read holds up a piece


def attachment(request: Request, pieces: Iterator[bytes], media_type: str, file_name: str) -> Response:
    """Return the answer that sends `pieces` as a file. Raises ApiError 429 while many others are being sent."""
    return in_pieces(request, pieces, media_type, {"Content-Disposition": f'attachment; filename="{file_name}"'})


def in_pieces(
    request: Request, pieces: Iterator[bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer that sends `pieces`. Raises ApiError 429 while many others are being sent."""
    client = client_of(request)
    if not _budget.allows(client):
        raise ApiError(429, MANY, RETRY_S)
    return _Download(
        client, _one_by_one(client, pieces), media_type, {"Cache-Control": "no-store"} | dict(headers or {})
    )


class _Download(StreamingResponse):
    """A streamed answer that counts as under way until it is sent, given up or too late."""

    def __init__(self, client: str, pieces: AsyncIterator[bytes], media_type: str, headers: dict[str, str]) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with _budget.one_more(self._client):
                async with asyncio.timeout(SECONDS):
                    await super().__call__(scope, receive, send)
        except TimeoutError:
            return  # without its last piece: the server cuts the connection, and the client sees that it is incomplete
        except OverBudget:
            await error_answer(429, MANY, {"Retry-After": f"{RETRY_S:.0f}"})(scope, receive, send)


async def _one_by_one(client: str, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Make the pieces, one at a time for each client: some have to wait for a reader of files."""
    while True:
        async with _turns.of(client):
            piece = await to_thread.run_sync(next, pieces, None, limiter=_threads())
        if piece is None:
            return
        yield piece


@cache
def _threads() -> CapacityLimiter:
    return CapacityLimiter(THREADS)
