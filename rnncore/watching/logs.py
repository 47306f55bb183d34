"""The numbers of a watched model for what logs a user's other numbers: TensorBoard, or an object with `log(dict)`."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rnncore.watching.record import WatchRecord

_NUMBERS = ("loss", "grad_norm", "clipped_norm", "update_norm", "learning_rate")


class Log:
    """Listens to a lab and logs each of its records."""

    def __init__(self, writer: Any, prefix: str) -> None:
        """Raises TypeError where the writer has neither `add_scalar` nor `log`."""
        self._prefix = prefix
        self._write = _way(writer)

    def __call__(self, record: WatchRecord) -> None:
        """Log the numbers that are known."""
        self._write({f"{self._prefix}{name}": value for name, value in numbers(record)}, record.step)


def numbers(record: WatchRecord) -> Iterator[tuple[str, float]]:
    """Yield the name and the value of each number of a record; of sequences of unequal length the first is the longest.

    What does not arrive at all at the last timestep has no ratio.
    """
    for name in _NUMBERS:
        value = getattr(record, name)
        if value is not None:
            yield name, float(value)
    for module, profile in record.profiles.items():
        known = profile.hidden[:, np.flatnonzero(profile.count > 0)]
        for row, values in zip(profile.row_names(), known, strict=True):
            if values.size:
                where = "/".join(filter(None, (module, row.replace(", ", " "))))
                yield f"{where}/first timestep", float(values[0])
                yield f"{where}/last timestep", float(values[-1])
                if values[-1] > 0:
                    yield f"{where}/first over last", float(values[0] / values[-1])


def _way(writer: Any) -> Callable[[dict[str, float], int], None]:
    if callable(getattr(writer, "add_scalar", None)):

        def add(values: dict[str, float], step: int) -> None:
            for name, value in values.items():
                writer.add_scalar(name, value, step)

        return add
    if not callable(getattr(writer, "log", None)):
        raise TypeError(f"writer: {type(writer).__name__} has neither add_scalar(name, value, step) nor log(dict)")
    if _takes_step(writer.log):
        return lambda values, step: writer.log(values, step=step)
    return lambda values, step: writer.log({**values, "step": step})


def _takes_step(log: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(log).parameters
    except (TypeError, ValueError):  # of a builtin
        return False
    return "step" in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())
