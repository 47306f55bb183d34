"""How files and arrays travel between a server and its reader: JSON headers, and bytes one after another."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnncore.data.findings import Arrays
from rnncore.runs.backend.frames import Frame

Shapes = list[tuple[str, str, Sequence[int]]]  # name, dtype, shape
_DTYPES = ("<f4", "<f8", "<i8", "|b1", "|u1")


def pack_arrays(arrays: Arrays) -> tuple[Shapes, bytes]:
    """Return what `unpack_arrays` needs; arrays of float32, float64, int64, bool and bytes."""
    shapes: Shapes = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
    return shapes, b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())


def unpack_arrays(shapes: Shapes, blob: bytes) -> Arrays:
    """Undo `pack_arrays`. Raises ValueError for what it has not packed."""
    arrays: Arrays = {}
    offset = 0
    for name, dtype, shape in shapes:
        if dtype not in _DTYPES:
            raise ValueError(f"{dtype!r} is no type of a reader's arrays")
        count = math.prod(shape)
        arrays[name] = np.frombuffer(blob, dtype, count, offset).reshape(shape)
        offset += arrays[name].nbytes
    return arrays


def join_files(files: Sequence[tuple[str, bytes]]) -> tuple[list[tuple[str, int]], bytes]:
    """Return name and size of each file, and their bytes one after another."""
    return [(name, len(content)) for name, content in files], b"".join(content for _, content in files)


def split_files(frame: Frame) -> list[tuple[str, bytes]]:
    """Undo `join_files` on a request."""
    files: list[tuple[str, bytes]] = []
    offset = 0
    sizes: Any = frame.header["files"]
    for name, size in sizes:
        files.append((name, frame.blob[offset : offset + size]))
        offset += size
    return files
