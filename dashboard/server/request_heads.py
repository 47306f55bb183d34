"""Bounds of what precedes a request's body: httptools takes headers of any size, at any pace."""

import asyncio
import logging
import math
from typing import Any

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 128 * 1024
HEAD_SECONDS = 20.0


def bound_request_heads() -> None:
    """Make the servers of this process close connections whose request line and headers are too long or too slow.

    Without httptools uvicorn takes h11, which has a bound of its own (64 kB).
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return

    class BoundedHeads(HttpToolsProtocol):
        """HTTP/1.1 as uvicorn speaks it, with heads of bounded size and time."""

        _head_bytes = 0.0  # received of a head so far; -inf while a body arrives
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._late = self.loop.call_later(HEAD_SECONDS, self._refuse, "too slow")

        def connection_lost(self, exc: Exception | None) -> None:
            self._in_time()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            self._head_bytes += len(data)
            if self._late is None and self._head_bytes > 0:
                self._late = self.loop.call_later(HEAD_SECONDS, self._refuse, "too slow")
            super().data_received(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("too long")

        def on_headers_complete(self) -> None:
            self._in_time()
            self._head_bytes = -math.inf
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._head_bytes = 0.0

        def _in_time(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _refuse(self, why: str) -> None:
            self._in_time()
            if self._head_bytes == 0:
                self.transport.close()  # a browser's connection in reserve
            elif not self.transport.is_closing():
                logger.info("a request's headers were %s", why, extra={"event": "refused", "status": 400})
                self.send_400_response(f"The headers of this request are {why}.")

    def bounded(kind: type, *_: Any, **__: Any) -> BoundedHeads:
        return object.__new__(BoundedHeads)

    HttpToolsProtocol.__new__ = bounded  # type: ignore[assignment]  # uvicorn has looked the class itself up already
