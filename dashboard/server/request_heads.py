"""HTTP/1.1 with bounds of what precedes a request's body: httptools takes headers of any size, at any pace."""

import asyncio
import json
import logging
import math
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 128 * 1024
HEAD_SECONDS = 20.0


class BoundedHeads(HttpToolsProtocol):
    """A connection as uvicorn speaks on it, closed where request line and headers are too long or too slow.

    A client that says nothing at all is given HEAD_SECONDS too.
    """

    _head_bytes = 0.0  # received of a head so far; -inf while a body arrives
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_SECONDS, self._refuse, "too slow")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head."""
        self._head_bytes += len(data)
        if self._late is None and self._head_bytes > 0:
            self._late = self.loop.call_later(HEAD_SECONDS, self._refuse, "too slow")
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse("too long")

    def on_headers_complete(self) -> None:
        """Let the body come at its own pace; other parts of the server bound that."""
        self._in_time()
        self._head_bytes = -math.inf
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for another head."""
        super().on_message_complete()
        self._head_bytes = 0.0

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP in the way in which all else is refused."""
        body = json.dumps({"error": msg}).encode("ascii")
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[400] + head.encode("ascii") + body)
        self.transport.close()

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
