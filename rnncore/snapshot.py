"""A snapshot: what a run shows at one evaluation beside its numbers, in parts that instruments measure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Self

from rnncore.json_arrays import Floats32, array
from rnncore.snapshot_parts import Gates, ParameterStatistics, Predictions, SpectralBound, predictions_from_json


class Snapshot(Mapping[str, Any]):
    """The parts of a snapshot by the keys of their instruments (`rnncore.instruments`), each JSON-ready.

    A part is None where its instrument does not apply to the run. Two snapshots are equal where they are so bit for
    bit. The properties are the parts that every version has known, as Python reads them.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, key: str) -> Any:
        return self._parts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"Snapshot({', '.join(key for key, part in self._parts.items() if part is not None)})"

    @property
    def predictions(self) -> Predictions:
        """What the updated model answers on the validation set."""
        return predictions_from_json(self["predictions"])

    @property
    def parameters(self) -> ParameterStatistics:
        """Weights and gradients of the step's backward pass, before clipping and update."""
        return ParameterStatistics.from_json(self["parameters"])

    @property
    def sigma_max(self) -> SpectralBound | None:
        """What bounds a plain RNN's gradient, of the same weights as `parameters`."""
        part = self.get("sigma_max")
        return part and SpectralBound.from_json(part)

    @property
    def gates(self) -> Gates | None:
        """Mean activations of the updated model's gates."""
        part = self.get("gates")
        return part and Gates.from_json(part)

    @property
    def attention(self) -> Floats32 | None:
        """Mean weight (T,) of each timestep in the updated model's attention read-out, over the validation set."""
        part = self.get("attention")
        return part and array(part)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return dict(self._parts)

    def to_bytes(self) -> bytes:
        """Return `to_json` as compact JSON. Raises ValueError where a part holds a number that JSON has not."""
        return json.dumps(self._parts, separators=(",", ":"), allow_nan=False).encode("ascii")

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Undo `to_bytes`."""
        return cls(json.loads(content))
