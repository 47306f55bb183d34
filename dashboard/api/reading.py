"""Waiting for the processes that read files, in threads of their own: those who only look are never kept waiting."""

from collections.abc import Callable
from functools import cache, partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from dashboard.server.http import ApiError
from dashboard.server.turns import Turns

THREADS = 16
WAIT_S = 60.0
BUSY = "Several of your files are being read at this moment; try again when that is done."
RETRY_S = 10.0

_turns = Turns()

P = ParamSpec("P")
T = TypeVar("T")


async def in_reading_thread(owner: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `function` returns, which may wait for a reader for as long as it takes; one at a time for an owner.

    Raises ApiError 429 where the owner has asked for so much that the turn does not come.
    """
    try:
        async with _turns.of(owner, WAIT_S):
            return await to_thread.run_sync(partial(function, *args, **kwargs), limiter=_threads())
    except TimeoutError:
        raise ApiError(429, BUSY, RETRY_S) from None


@cache
def _threads() -> CapacityLimiter:
    return CapacityLimiter(THREADS)
