"""How records travel and are kept: blobs that say their version, their columns by name, and a checksum.

    "RNL" | version | CRC32 of all that follows | length of the header | header (JSON) | content

Version 1, of runs recorded by program version 0.1.0, had neither header nor checksum: float64 scalars in the order of
`FIRST_SCALARS`, float32 profiles, snapshots and checkpoints as they are. None of them begins with "RNL": a float64 that
is a whole number below 2^32 begins with two zero bytes, JSON with a brace, safetensors with the length of its header;
old profiles have columns of their own in the store.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rnncore.records import COUNTS, PROFILES, SCALARS, FloatArray, Record

VERSION = 2
FIRST_SCALARS = (
    "step", "epoch", "train_loss", "learning_rate", "grad_norm", "clip_coef", "update_norm",
    "val_loss", "val_metric", "elapsed_s",
)  # fmt: skip
_MARK = b"RNL"
_HEAD = struct.Struct("<3sBII")  # mark, version, checksum, bytes of the header
_CHECKED_FROM = 8  # what the checksum is taken over begins here: the header's length, the header and the content

Floats = NDArray[np.float64]
Range = tuple[int, int]  # first and last step


class DamagedBlob(ValueError):  # noqa: N818 - it says what is wrong
    """Bytes that are not what was written; the message is one plain sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalars:
    """Records of a run as columns, in the order of their steps.

    names: C of them. values: (N, C), NaN where a record has no value. missing: the steps that are stored, but damaged.
    """

    names: tuple[str, ...]
    values: Floats
    missing: tuple[Range, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> Floats:
        """Return a column (N,); of a scalar that these records do not have, NaN."""
        if name in self.names:
            return self.values[:, self.names.index(name)]
        return np.full(len(self.values), np.nan)

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Tell of each record (N,) whether it is among the damaged ones."""
        steps = self["step"]
        lost = np.zeros(len(steps), bool)
        for first, last in self.missing:
            lost |= (steps >= first) & (steps <= last)
        return lost

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Scalars":
        """Return some of the records."""
        return Scalars(self.names, self.values[rows], self.missing)


def joined(parts: Sequence[Scalars]) -> Scalars:
    """Return consecutive records as one; those that lack a column of the others have NaN in it."""
    missing = tuple(each for part in parts for each in part.missing)
    names = tuple(dict.fromkeys(name for part in parts for name in part.names)) or tuple(SCALARS)
    if not parts:
        return Scalars(names, np.empty((0, len(names))))
    if all(part.names == names for part in parts):
        return Scalars(names, np.concatenate([part.values for part in parts]), missing)
    columns = [np.concatenate([part[name] for part in parts]) for name in names]
    return Scalars(names, np.stack(columns, axis=1), missing)


# --- blobs ----------------------------------------------------------------------------------------------------------


def seal(content: bytes, header: bytes = b"") -> bytes:
    """Return content with version and checksum in front."""
    checksum = crc32(content, crc32(header, crc32(len(header).to_bytes(4, "little"))))
    return b"".join((_HEAD.pack(_MARK, VERSION, checksum, len(header)), header, content))


def is_sealed(blob: bytes) -> bool:
    """Tell whether a blob is of version 2 or later."""
    return blob[:3] == _MARK


def unseal(blob: bytes) -> tuple[bytes, memoryview]:
    """Return header and content of a sealed blob. Raises DamagedBlob."""
    if len(blob) < _HEAD.size:
        raise DamagedBlob("it is too short")
    mark, version, checksum, header_bytes = _HEAD.unpack_from(blob)
    if mark != _MARK:
        raise DamagedBlob("it does not begin as a stored blob does")
    if version != VERSION:
        raise DamagedBlob(f"it was written in format {version}, and this program reads up to {VERSION}")
    view = memoryview(blob)
    if crc32(view[_CHECKED_FROM:]) != checksum:
        raise DamagedBlob("its checksum is wrong")
    begin = _HEAD.size + header_bytes
    return blob[_HEAD.size : begin], view[begin:]


def open_content(blob: bytes) -> bytes:
    """Return a snapshot (JSON) or checkpoint (safetensors) from its blob, also of version 1. Raises DamagedBlob."""
    if is_sealed(blob):
        return bytes(unseal(blob)[1])
    if b"{" not in (blob[:1], blob[8:9]):
        raise DamagedBlob("it does not begin as JSON or safetensors do")
    return blob


def encode_scalars(scalars: Scalars) -> bytes:
    """Return records as a blob."""
    return seal(np.ascontiguousarray(scalars.values).tobytes(), _scalars_header(scalars.names))


def decode_scalars(blob: bytes) -> Scalars:
    """Undo `encode_scalars`; blobs of version 1 have the columns that there were then. Raises DamagedBlob."""
    if is_sealed(blob):
        header, content = unseal(blob)
        names = _columns(header)
        return Scalars(names, np.frombuffer(content, np.float64).reshape(-1, len(names)))
    if len(blob) % (8 * len(FIRST_SCALARS)):
        raise DamagedBlob("its length is wrong")
    scalars = Scalars(FIRST_SCALARS, np.frombuffer(blob, np.float64).reshape(-1, len(FIRST_SCALARS)))
    if not np.all(np.diff(scalars["step"], prepend=0) > 0):  # there is no checksum
        raise DamagedBlob("its steps do not ascend")
    return scalars


def encode_profile(arrays: Mapping[str, FloatArray]) -> bytes:
    """Return the profiles of one step, (L, T) float32 each, as a blob."""
    layers, timesteps = next(iter(arrays.values())).shape
    content = b"".join(np.ascontiguousarray(array, np.float32).tobytes() for array in arrays.values())
    return seal(content, _profile_header(tuple(arrays), layers, timesteps))


def decode_profile(blob: bytes) -> dict[str, FloatArray]:
    """Undo `encode_profile`. Raises DamagedBlob."""
    header, content = unseal(blob)
    names, shape = _profile_layout(header)
    return dict(zip(names, np.frombuffer(content, np.float32).reshape(shape), strict=True))


@lru_cache(maxsize=64)
def _scalars_header(names: tuple[str, ...]) -> bytes:
    return json.dumps({"columns": names}).encode()


@lru_cache(maxsize=64)
def _columns(header: bytes) -> tuple[str, ...]:
    return tuple(json.loads(header)["columns"])


@lru_cache(maxsize=1024)
def _profile_header(names: tuple[str, ...], layers: int, timesteps: int) -> bytes:
    return json.dumps({"columns": names, "shape": [layers, timesteps]}).encode()


@lru_cache(maxsize=1024)
def _profile_layout(header: bytes) -> tuple[tuple[str, ...], tuple[int, int, int]]:
    layout = json.loads(header)
    names, (layers, timesteps) = tuple(layout["columns"]), layout["shape"]
    return names, (len(names), layers, timesteps)


# --- the wire -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records on their way from a worker to the store. Profiles and snapshots: (step, sealed blob)."""

    scalars: Scalars
    profiles: list[tuple[int, bytes]] = field(default_factory=list)
    snapshots: list[tuple[int, bytes]] = field(default_factory=list)


def pack(records: Sequence[Record]) -> tuple[dict[str, Any], bytes]:
    """Return records as the header and the bytes of a frame: the blobs that the store keeps, one after the other.

    Keys: version, count, scalars (bytes of that blob), profiles and snapshots: [row, bytes] each.
    """
    names = tuple(SCALARS)
    rows = [[getattr(record, name) for name in names] for record in records]
    values = np.array(rows, np.float64).reshape(len(records), len(names))  # NaN where a record has None
    scalars = encode_scalars(Scalars(names, values))
    profiles = [(row, encode_profile(arrays)) for row, record in enumerate(records) if (arrays := _profiles(record))]
    snapshots = [(row, seal(each.snapshot.to_bytes())) for row, each in enumerate(records) if each.snapshot is not None]
    header = {
        "version": VERSION,
        "count": len(records),
        "scalars": len(scalars),
        "profiles": [[row, len(blob)] for row, blob in profiles],
        "snapshots": [[row, len(blob)] for row, blob in snapshots],
    }
    return header, b"".join((scalars, *(blob for _, blob in profiles), *(blob for _, blob in snapshots)))


def _profiles(record: Record) -> dict[str, FloatArray]:
    return {name: array for name in (*PROFILES, *COUNTS) if (array := getattr(record, name)) is not None}


def read_batch(header: Mapping[str, Any], blob: bytes) -> Batch:
    """Undo `pack`, leaving profiles and snapshots sealed. Raises DamagedBlob."""
    if header["version"] != VERSION:
        raise DamagedBlob(f"a worker sends records in format {header['version']}, and this program reads {VERSION}")
    place = header["scalars"]
    scalars = decode_scalars(blob[:place])
    steps = scalars["step"].astype(int).tolist()
    parts: dict[str, list[tuple[int, bytes]]] = {"profiles": [], "snapshots": []}
    for kind, found in parts.items():
        for row, size in header[kind]:
            found.append((steps[row], blob[place : place + size]))
            place += size
    return Batch(scalars, **parts)
