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
        self._write = _way(writer, prefix)

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


def _way(writer: Any, prefix: str) -> Callable[[dict[str, float], int], None]:
    if callable(getattr(writer, "add_scalar", None)):

        def add(values: dict[str, float], step: int) -> None:
            for name, value in values.items():
                writer.add_scalar(name, value, step)

        return add
    if not callable(getattr(writer, "log", None)):
        raise TypeError(f"writer: {type(writer).__name__} has neither add_scalar(name, value, step) nor log(dict)")
    if _takes(writer.log, "commit"):
        return _Rows(writer, f"{prefix}step")
    if _takes(writer.log, "step"):
        return lambda values, step: writer.log(values, step=step)
    return lambda values, step: writer.log({**values, "step": step})


class _Rows:
    """Weights & Biases: its rows have a counter that each `log` moves on, and a step below it is thrown away.

    So the numbers are put into the row that is under way, with the step as one of them, and the user's own `log` ends
    it. Where the user has not logged since the last record, that row is ended here.
    """

    def __init__(self, writer: Any, step: str) -> None:
        self._writer, self._step = writer, step
        self._waiting: int | None = None  # the row that holds the last record, if it may be under way still

    def __call__(self, values: dict[str, float], step: int) -> None:
        row = self._row()
        if self._waiting is None and callable(getattr(self._writer, "define_metric", None)):
            self._writer.define_metric(self._step.removesuffix("step") + "*", step_metric=self._step)
        elif self._waiting == row:
            self._writer.log({}, commit=True)
        self._writer.log({**values, self._step: step}, commit=False)
        self._waiting = self._row()

    def _row(self) -> int:
        run = getattr(self._writer, "run", None) or self._writer  # the package has the run that is under way
        return int(run.step)


def _takes(log: Callable[..., Any], name: str) -> bool:
    try:
        parameters = inspect.signature(log).parameters
    except (TypeError, ValueError):  # of a builtin
        return False
    return name in parameters or (name == "step" and any(each.kind is each.VAR_KEYWORD for each in parameters.values()))
