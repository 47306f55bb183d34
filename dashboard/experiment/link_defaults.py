"""What links leave out: the defaults of all settings when formats 1 and 2 were made. Never to be edited.

A setting that came later stands in a table only where runs from before it did something else than its default says.
Every link ever given away is read with them, and format 2 is compressed with them. When a default of `TrainConfig`
changes, links get another format with a table of its own (`dashboard.experiment.share.DEFAULTS`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Defaults:
    """Path of a setting -> its default; data: the same by kind of data, for the settings that have a default."""

    settings: Mapping[str, Any]
    data: Mapping[str, Mapping[str, Any]]

    def of(self, kind: object) -> dict[str, Any]:
        """Return path -> default with a kind of data; of one that is not known the kind alone is missing."""
        return {**(self.data.get(kind, {}) if isinstance(kind, str) else {}), **self.settings}


FIRST = Defaults(
    settings={
        "model.cell": "rnn", "model.nonlinearity": "tanh", "model.hidden_size": 32, "model.num_layers": 1,
        "model.dropout": 0.0, "model.readout": "last",
        "init.scheme": "default", "init.spectral_radius": 0.95, "init.std": 0.01, "init.forget_bias": None,
        "init.chrono": False,
        "loss": "auto",
        "optimizer.name": "adam", "optimizer.learning_rate": 0.005, "optimizer.momentum": 0.0,
        "optimizer.nesterov": False, "optimizer.weight_decay": 0.0,
        "schedule.name": "constant", "schedule.warmup_steps": 0, "schedule.decay": 0.5, "schedule.decay_steps": 500,
        "schedule.final_fraction": 0.0,
        "clip.method": "off", "clip.threshold": 1.0, "clip.percentile": 10.0, "clip.agc_factor": 0.01,
        "omega": 0.0, "truncation": None, "early_stopping": None, "steps": 1000, "batch_size": 32, "seed": 0,
        "eval_every": 25, "profile_every": 5, "dtype": "float32", "device": "auto",
    },
    data={
        "task": {
            "data.kind": "task", "data.task": "adding", "data.seq_len": None, "data.delay": None, "data.symbols": None,
        },
        "bundled": {
            "data.kind": "bundled", "data.name": "sunspots", "data.window": 50, "data.horizon": 1,
            "data.val_fraction": 0.2,
        },
        "csv": {"data.kind": "csv", "data.window": 50, "data.horizon": 1, "data.val_fraction": 0.2},
        "upload": {
            "data.kind": "upload", "data.layout": "auto", "data.features": None, "data.targets": None, "data.id": None,
            "data.time": None, "data.target_kind": "auto", "data.missing": "interpolate", "data.window": None,
            "data.horizon": 1, "data.stride": 1, "data.val_fraction": 0.2, "data.max_length": 1000,
            "data.delimiter": "auto", "data.decimal": "auto", "data.header": "auto",
        },
    },
)  # fmt: skip
# Before there were the settings, uploads were scaled all alike, and every number was one: a link that does not say how
# means that.
_LATER = {
    "bundled": {"data.scaling": "auto"},
    "upload": {"data.scaling": "standard", "data.placeholders": "numbers"},
}
SECOND = Defaults(FIRST.settings, {kind: {**data, **_LATER.get(kind, {})} for kind, data in FIRST.data.items()})
