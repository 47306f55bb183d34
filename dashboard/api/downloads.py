"""Downloads, made piece by piece: a few at a time and for a bounded time, so that those who watch keep their room."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import cache

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from dashboard.server.http import ApiError

THREADS = 2
AT_ONCE, AT_ONCE_PER_ADDRESS = 32, 16  # each may hold some megabytes for a client that does not read
SECONDS = 300.0
RETRY_S = 5.0

_under_way: Counter[str] = Counter()  # by network address


def attachment(request: Request, pieces: Iterator[bytes], media_type: str, file_name: str) -> Response:
    """Return the answer that sends `pieces` as a file. Raises ApiError 429 while many others are being sent."""
    address = request.client.host if request.client else ""
    if _under_way.total() >= AT_ONCE or _under_way[address] >= AT_ONCE_PER_ADDRESS:
        raise ApiError(429, "Many files are being downloaded at this moment; try again in a few seconds.", RETRY_S)
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store"}
    return _Download(address, _one_by_one(pieces), media_type, headers)


class _Download(StreamingResponse):
    """A streamed answer that counts as under way until it is sent, given up or too late."""

    def __init__(self, address: str, pieces: AsyncIterator[bytes], media_type: str, headers: dict[str, str]) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _under_way[self._address] += 1
        try:
            async with asyncio.timeout(SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            return  # without its last piece: the server cuts the connection, and the client sees that it is incomplete
        finally:
            _under_way[self._address] -= 1
            if not _under_way[self._address]:
                del _under_way[self._address]


async def _one_by_one(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await to_thread.run_sync(next, pieces, None, limiter=_threads())) is not None:
        yield piece


@cache
def _threads() -> CapacityLimiter:
    return CapacityLimiter(THREADS)
