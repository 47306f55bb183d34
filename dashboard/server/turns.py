"""One at a time for each client: who asks for much at once waits for themselves alone, and takes no thread."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Turns by key: a session, a workspace, a network address. For one event loop at a time."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, key: str, seconds: float | None = None) -> AsyncIterator[None]:
        """Run the block when it is this key's turn. Raises TimeoutError where that takes longer than `seconds`."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with asyncio.timeout(seconds):
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()
