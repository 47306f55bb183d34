"""What came out of the ready-made studies when they were run: read from one file, which a benchmark writes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from rnncore.changes import merged
from rnncore.config import TrainConfig
from rnncore.studies.config import StudyConfig

FILE = Path(__file__).with_name("results.json")
NEWER = ("flossing", "model.bound_weights")  # settings that came after results were kept


class Result(NamedTuple):
    """One study as it was run.

    study: `mark_of` what was run. minutes: that it took. machine: on what. batched: whether runs trained together.
    columns, rows: the table of its cells.
    """

    study: str
    minutes: float
    machine: str
    batched: bool
    columns: list[str]
    rows: list[list[Any]]


@lru_cache(maxsize=1)
def results() -> dict[str, Result]:
    """Return the results by the key of the ready-made study."""
    return {key: Result(**each) for key, each in json.loads(FILE.read_text("utf-8")).items()}


def mark_of(study: StudyConfig) -> str:
    """Return a short text that is another one where a study's runs are others.

    A setting that is newer than the results says nothing as long as it is at its default: the runs are the same.
    """
    same: dict[str, Any] = {}
    for path in NEWER:
        part, _, name = path.rpartition(".")
        if attrgetter(path)(study.base) == attrgetter(path)(TrainConfig()):
            same = merged(same, {part: {name: True}} if part else {name: True})
    text = study.model_copy(update={"batched": False}).model_dump_json(by_alias=True, exclude={"base": same})
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def markdown(result: Result) -> str:
    """Return the table of a result as docs/measurements.md shows it."""
    lines = [result.columns, ["---:"] * len(result.columns), *(map(told, row) for row in result.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def told(value: Any) -> str:
    """Return a number of a table in three significant digits, and nothing where there is none."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


TOLD = {"validation loss": "final_val_loss", "half-life": "half_life", "steps to success": "steps_to_success"}


def table_of(
    axes: Sequence[str], cells: Sequence[dict[str, Any]], numbers: Mapping[str, str] = TOLD
) -> tuple[list[str], list[list[Any]]]:
    """Return columns and rows of what is told of cells (`CellOutcome.to_json`); empty columns are left out.

    numbers: heading -> name of a number of each run (`rnncore.studies.summary.NUMBERS`), whose median is told.
    """
    columns = [*axes, "successes", *numbers]
    rows = [
        [*(cell["values"][axis] for axis in axes),
         None if cell["successes"] is None else f"{cell['successes']} of {cell['runs']}",
         *(cell[f"median_{name}"] for name in numbers.values())]
        for cell in cells
    ]  # fmt: skip
    kept = [place for place in range(len(columns)) if any(row[place] is not None for row in rows)]
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]
