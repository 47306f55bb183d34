"""A Feather (Arrow) file becomes a `Table`; what its buffers say of their sizes is checked before any is unpacked."""

import struct

import pyarrow as pa

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_UNPACKED_BYTES
from rnncore.data.files.parquet import table_of_arrow
from rnncore.data.files.table import Table

_BATCHES = ("record batch", "dictionary batch", "dictionary")
_MOST_BATCHES = 10_000
_DICTIONARY = 2  # of the kinds of headers in Arrow's Message.fbs


def read_feather(data: bytes, name: str) -> Table:
    """Read a Feather file of version 2, which is an Arrow file.

    Raises:
        DataError: damaged, too large once unpacked, too many rows or columns, or no rows.
    """
    try:
        _check_unpacked(data, name)
        content = pa.ipc.open_file(pa.BufferReader(data)).read_all()
    except (DataError, MemoryError):
        raise
    except Exception as error:
        what = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:150]
        raise DataError(f"'{name}' is a damaged or cut off Arrow file ({what}); export it again.") from None
    return table_of_arrow(content, name)


def _check_unpacked(data: bytes, name: str) -> None:
    total = 0
    reader = pa.MessageReader.open_stream(pa.BufferReader(pa.py_buffer(data)[8:]))
    for _ in range(_MOST_BATCHES):
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        if message.type in _BATCHES and message.body is not None:
            total += _unpacked(message.metadata.to_pybytes(), message.body)
        if total > MAX_UNPACKED_BYTES:
            raise DataError(f"'{name}' unpacks to more than {MAX_UNPACKED_BYTES / 1e6:.0f} MB, which cannot be read.")
    raise DataError(f"'{name}' has more than {_MOST_BATCHES:,} batches; write it again as one table.")


def _unpacked(message: bytes, body: pa.Buffer) -> int:
    """Return how many bytes the buffers of a batch become: each compressed one begins with its size.

    Source: Arrow's format, Message.fbs (a Message's fields are version, header_type, header; a RecordBatch's length,
    nodes, buffers, compression).
    """
    root = struct.unpack_from("<I", message, 0)[0]
    kind, header = _field(message, root, 1), _reference(message, root, 2)
    if kind and message[kind] == _DICTIONARY and header:
        header = _reference(message, header, 1)
    if not header or not _field(message, header, 3):
        return int(body.size)
    vector = _reference(message, header, 2)
    total = 0
    for place in range(struct.unpack_from("<I", message, vector)[0] if vector else 0):
        offset, length = struct.unpack_from("<qq", message, vector + 4 + 16 * place)
        if length >= 8:
            size = struct.unpack("<q", body[offset : offset + 8].to_pybytes())[0]
            total += length if size == -1 else max(0, size)
    return total


def _field(message: bytes, table: int, number: int) -> int:
    """Return where a flatbuffer's table has its field of a number, 0 where it has none."""
    layout = table - struct.unpack_from("<i", message, table)[0]
    size = struct.unpack_from("<H", message, layout)[0]
    place = 4 + 2 * number
    offset = struct.unpack_from("<H", message, layout + place)[0] if place < size else 0
    return table + offset if offset else 0


def _reference(message: bytes, table: int, number: int) -> int:
    place = _field(message, table, number)
    return int(place + struct.unpack_from("<I", message, place)[0]) if place else 0
