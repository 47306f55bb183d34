"""Scripts of pages run one after another, and the clients (`client_of`) that they run for take turns.

They share one interpreter: more at once would end no sooner, and whoever answers requests would have to wait for each
of them again and again. The next one begins when the event loop has taken over what the last one had to say.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

AT_ONCE = 1
LEASE_S = 0.2  # a script that takes longer waits for something itself (a file is read, say), and counts no more


class ScriptTurns:
    """Turns of scripts, by address. Safe for threads."""

    def __init__(self, at_once: int = AT_ONCE, lease_s: float = LEASE_S) -> None:
        self._at_once, self._lease_s = at_once, lease_s
        self._running: dict[object, float] = {}  # until when each counts
        self._waiting: dict[str, deque[object]] = {}  # by address, the one that is next first
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None

    def pass_on_through(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let a turn end when `loop` has done what was asked of it before."""
        self._loop = loop

    @contextmanager
    def of(self, address: str) -> Iterator[None]:
        """Run the block when it is the turn of a script for this address."""
        ticket = object()
        with self._changed:
            self._waiting.setdefault(address, deque()).append(ticket)
            while not self._may_begin(address, ticket):
                self._changed.wait(self._until_a_lease_ends())
            self._begin(address, ticket)
        try:
            yield
        finally:
            self._pass_on(ticket)

    def _may_begin(self, address: str, ticket: object) -> bool:
        now = time.monotonic()
        self._running = {each: until for each, until in self._running.items() if until > now}
        is_next = next(iter(self._waiting)) == address and self._waiting[address][0] is ticket
        return is_next and len(self._running) < self._at_once

    def _begin(self, address: str, ticket: object) -> None:
        self._running[ticket] = time.monotonic() + self._lease_s
        others = self._waiting.pop(address)
        others.popleft()
        if others:
            self._waiting[address] = others  # behind all other addresses
        self._changed.notify_all()

    def _pass_on(self, ticket: object) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the server has stopped
                self._loop.call_soon_threadsafe(self._end, ticket)
                return
        self._end(ticket)

    def _end(self, ticket: object) -> None:
        with self._changed:
            self._running.pop(ticket, None)
            self._changed.notify_all()

    def _until_a_lease_ends(self) -> float | None:
        return max(0.0, min(self._running.values()) - time.monotonic()) if self._running else None


script_turns = ScriptTurns()
