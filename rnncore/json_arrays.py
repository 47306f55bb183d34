"""Arrays in JSON: base64 of little-endian float32 where they fill a figure, plain lists where each number is read."""

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]


def floats(values: NDArray[Any]) -> dict[str, Any]:
    """Return an array as {"shape", "data"}: base64 of float32 in C order. NaN and infinities pass through."""
    return {"shape": list(values.shape), "data": base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")}


def array(value: dict[str, Any]) -> Floats32:
    """Undo `floats`."""
    return np.frombuffer(base64.b64decode(value["data"]), "<f4").reshape(value["shape"])


def numbers(values: NDArray[Any]) -> Sequence[float | None]:
    """Return a vector as a list of numbers; JSON has no word for one that is not finite, which becomes None."""
    return [value if math.isfinite(value) else None for value in values.tolist()]
