"""What a run yields: one `Record` per training step, `RunInfo` before the first, and their wire form."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.snapshot import Snapshot

FloatArray = NDArray[np.float32]

# Columns of a packed batch, in order; one float64 each, NaN where a value is None.
SCALARS = (
    "step", "epoch", "train_loss", "learning_rate", "grad_norm", "clip_coef", "update_norm",
    "val_loss", "val_metric", "elapsed_s",
)  # fmt: skip
_OPTIONAL = ("val_loss", "val_metric")
# Per-timestep arrays of a record, each (L, T) float32 or None.
PROFILES = ("hidden_grad_norm", "cell_grad_norm", "direct_grad_norm")


@dataclass(frozen=True, slots=True)
class Record:
    """One training step, measured: backward, measure, clip, optimiser step.

    step: optimiser step, from 1. epoch: pass over the training set, from 1; 0 where every batch is fresh.
    train_loss: batch loss before the step. learning_rate: the one used by this step.
    grad_norm: global L2 norm over all parameters before clipping. clip_coef: <= 1, 1 when not clipped.
    update_norm: L2 norm of the parameter change. elapsed_s: seconds since the run began.
    hidden_grad_norm, cell_grad_norm, direct_grad_norm: (L, T) float32, mean over the batch of
    ||d l_b / d h_{l,t}||, the same for the LSTM's c, and the part of it that does not come through later timesteps;
    None on steps where profiles are not recorded.
    val_loss, val_metric, snapshot: None between evaluations. diverged: why the run cannot go on, on its last record
    only.
    """

    step: int
    epoch: int
    train_loss: float
    learning_rate: float
    grad_norm: float
    clip_coef: float
    update_norm: float
    hidden_grad_norm: FloatArray | None = None
    cell_grad_norm: FloatArray | None = None
    direct_grad_norm: FloatArray | None = None
    val_loss: float | None = None
    val_metric: float | None = None
    elapsed_s: float = 0.0
    diverged: str | None = None
    snapshot: Snapshot | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict without the snapshot; non-finite numbers become None, arrays nested lists."""
        return {name: _json_value(getattr(self, name)) for name in self.__dataclass_fields__ if name != "snapshot"}


@dataclass(frozen=True, slots=True)
class Baseline:
    """The loss of a model that has learned nothing (or one thing), e.g. 'always predict 1': 1/6."""

    name: str
    loss: float


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known of a run before its first step; JSON-ready through `dataclasses.asdict`."""

    loss: str
    metric: str | None
    parameter_count: int
    input_size: int
    output_size: int
    seq_len: int
    num_layers: int
    steps_per_epoch: int | None
    device: str
    device_reason: str
    baselines: tuple[Baseline, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def _json_value(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_json_value(row) for row in value.tolist()]
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def pack(records: Sequence[Record]) -> tuple[dict[str, Any], bytes]:
    """Pack records column-wise: a small JSON header and one block of bytes.

    The bytes are float64 scalars, float32 profiles, and snapshots as JSON, each kind in the order of the records.
    """
    scalars = np.array(
        [[np.nan if (v := getattr(r, name)) is None else v for name in SCALARS] for r in records], np.float64
    ).reshape(len(records), len(SCALARS))  # (N, columns)
    blob = bytearray(scalars.tobytes())
    profiles: list[list[Any]] = []
    for row, record in enumerate(records):
        for name in PROFILES:
            array = getattr(record, name)
            if array is not None:
                profiles.append([row, name, *array.shape])
                blob += np.ascontiguousarray(array, np.float32).tobytes()
    snapshots: list[list[int]] = []
    for row, record in enumerate(records):
        if record.snapshot is not None:
            content = record.snapshot.to_bytes()
            snapshots.append([row, len(content)])
            blob += content
    reasons = [[row, record.diverged] for row, record in enumerate(records) if record.diverged]
    header = {"count": len(records), "profiles": profiles, "snapshots": snapshots, "diverged": reasons}
    return header, bytes(blob)


def unpack(header: dict[str, Any], blob: bytes) -> list[Record]:
    """Undo `pack`."""
    count = header["count"]
    scalars = np.frombuffer(blob, np.float64, count * len(SCALARS)).reshape(count, len(SCALARS))
    fields: list[dict[str, Any]] = [dict(zip(SCALARS, row, strict=True)) for row in scalars.tolist()]
    for row in fields:
        row["step"], row["epoch"] = int(row["step"]), int(row["epoch"])
        for name in _OPTIONAL:
            row[name] = None if np.isnan(row[name]) else row[name]
    offset = scalars.nbytes
    for row_index, name, layers, timesteps in header["profiles"]:
        array = np.frombuffer(blob, np.float32, layers * timesteps, offset).reshape(layers, timesteps)
        fields[row_index][name] = array
        offset += array.nbytes
    for row_index, size in header["snapshots"]:
        fields[row_index]["snapshot"] = Snapshot.from_bytes(blob[offset : offset + size])
        offset += size
    for row_index, reason in header["diverged"]:
        fields[row_index]["diverged"] = reason
    return [Record(**row) for row in fields]
