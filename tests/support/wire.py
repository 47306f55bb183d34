"""Records as a worker's frames bring them, and back again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnncore.codec import decode_profile, open_content, pack, read_batch
from rnncore.records import SCALARS, Record
from rnncore.runs.backend.frames import Frame
from rnncore.snapshot import Snapshot


def frames(records: Sequence[Record], size: int = 100) -> Iterator[Frame]:
    """Yield the records in frames of `size` each."""
    for start in range(0, len(records), size):
        header, blob = pack(records[start : start + size])
        yield Frame({"type": "records", **header}, blob)


def unpack(header: Mapping[str, Any], blob: bytes) -> list[Record]:
    """Undo `rnncore.codec.pack`."""
    batch = read_batch(header, blob)
    fields: dict[int, dict[str, Any]] = {}
    for values in zip(*(batch.scalars[name].tolist() for name in SCALARS), strict=True):
        row = dict(zip(SCALARS, values, strict=True))
        for name, scalar in SCALARS.items():
            if scalar.whole:
                row[name] = int(row[name])
            elif scalar.optional and row[name] != row[name]:
                row[name] = None
        fields[row["step"]] = row
    for step, profile in batch.profiles:
        fields[step] |= decode_profile(profile)
    for step, snapshot in batch.snapshots:
        fields[step]["snapshot"] = Snapshot.from_bytes(open_content(snapshot))
    return [Record(**row) for row in fields.values()]
