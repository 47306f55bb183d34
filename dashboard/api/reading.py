"""Waiting for the processes that read files, in threads of their own: those who only look are never kept waiting."""

from collections.abc import Callable
from functools import cache, partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

THREADS = 16

P = ParamSpec("P")
T = TypeVar("T")


async def in_reading_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `function` returns, which may wait for a reader for as long as it takes."""
    return await to_thread.run_sync(partial(function, *args, **kwargs), limiter=_threads())


@cache
def _threads() -> CapacityLimiter:
    return CapacityLimiter(THREADS)
