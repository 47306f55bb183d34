"""What scheduler and worker say to each other: frames of a JSON header and an optional block of bytes.

To the worker                                     | from the worker
--------------------------------------------------|---------------------------------------------------------------
job: see `JobSpec` + bytes of the files and of    | ready: pid
     the checkpoint                               | info: run, info (RunInfo as JSON)
stop, pause, resume, step: run                    | records: run, version, count, sizes of the parts
                                                  |      + bytes (rnncore.codec.pack)
park: run (checkpoint, then end, to go on later)  | paused, resumed: run, step
                                                  | flossing: run, step (before it), done, updates, size
                                                  |      (of the exponents, or None): it is under way
set: run, name, value, at_step                    | event: run, step, name, value (in force from that step on)
                                                  | checkpoint: run, step + bytes
                                                  | together: run, summaries (of the runs of a batch,
                                                  |      none where they do not fit together)
                                                  | done: run, status, reason, step, traceback

In a stream each part has its length in front. Nothing in a frame depends on scheduler and worker sharing a machine.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

MAGIC = b"RNN1"
MAX_HEADER_BYTES = 16 * 2**20
MAX_BLOB_BYTES = 2**30
_PREFIX = struct.Struct(">4sII")  # magic, bytes of the header, bytes of the blob


class ProtocolError(Exception):
    """Bytes that are no frame, or a frame cut short."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: `header["type"]` says which."""

    header: dict[str, Any]
    blob: bytes = b""

    @property
    def type(self) -> str:
        """Kind of message, see the module's table."""
        return str(self.header["type"])

    @property
    def run(self) -> str:
        """Id of the run the message is about, or ''."""
        return str(self.header.get("run", ""))


def write_frame(stream: BinaryIO, header: Mapping[str, Any], blob: bytes = b"") -> None:
    """Write one frame and flush. Raises OSError when the other side has gone, ProtocolError when it is too large."""
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    if len(text) > MAX_HEADER_BYTES or len(blob) > MAX_BLOB_BYTES:
        raise ProtocolError(f"a frame of {len(text):,} + {len(blob):,} bytes is too large")
    stream.write(_PREFIX.pack(MAGIC, len(text), len(blob)) + text)
    if blob:
        stream.write(blob)
    stream.flush()


def read_frame(stream: BinaryIO) -> Frame | None:
    """Read one frame; None when the stream ended between frames. Raises ProtocolError on anything else."""
    prefix = stream.read(_PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < _PREFIX.size:
        raise ProtocolError("the stream ended inside a frame")
    magic, header_bytes, blob_bytes = _PREFIX.unpack(prefix)
    if magic != MAGIC or header_bytes > MAX_HEADER_BYTES or blob_bytes > MAX_BLOB_BYTES:
        raise ProtocolError(f"not a frame: it begins with {prefix!r}")
    text, blob = _read_exactly(stream, header_bytes), _read_exactly(stream, blob_bytes)
    try:
        header = json.loads(text)
    except ValueError as error:
        raise ProtocolError(f"the header is not JSON: {error}") from error
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise ProtocolError("the header has no type")
    return Frame(header, blob)


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size) if size else b""
    if len(data) < size:
        raise ProtocolError("the stream ended inside a frame")
    return data
