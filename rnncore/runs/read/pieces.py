"""A file that is handed on piece by piece while it is being written, so that no export is ever whole in memory."""

import io
from typing import Any


class Pieces(io.RawIOBase):
    """A binary file for writers (no seek), whose content is taken out as it comes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes that have been written and not yet taken."""
        return len(self._buffer)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Append bytes; return how many."""
        self._buffer += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        piece, self._buffer = bytes(self._buffer), bytearray()
        return piece
