"""What came out of a study as tables: of its runs and of its cells, for files and for a terminal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from rnncore.studies.config import StudyConfig
from rnncore.studies.expansion import StudyCell
from rnncore.studies.outcome import CellOutcome, outcome_of
from rnncore.studies.summary import NUMBERS
from rnncore.words import figure

Summaries = Mapping[int, Mapping[str, Any]]  # `RunSummary.to_json()` by number of the run
_TEXTS = ("status", "reason", "flow")
_WHOLE = ("steps", "steps_to_success", "parameters")


def outcomes_of(study: StudyConfig, cells: Sequence[StudyCell], summaries: Summaries) -> list[CellOutcome]:
    """Return what came out of each cell so far. Runs are numbered cell by cell, and in each by seed."""
    seeds = len(study.seeds)
    return [
        outcome_of(
            cell.index,
            cell.values,
            seeds,
            [found for place in range(seeds) if (found := summaries.get(cell.index * seeds + place)) is not None],
            study.success is not None,
        )
        for cell in cells
    ]


def runs_table(study: StudyConfig, cells: Sequence[StudyCell], summaries: Summaries) -> pa.Table:
    """Return a row per run that is over: its cell's values, its seed, and all numbers that are kept of it."""
    seeds, numbers = len(study.seeds), sorted(summaries)
    columns = {
        axis.title: _column([cells[number // seeds].values[axis.title] for number in numbers]) for axis in study.axes
    }
    columns["seed"] = pa.array([study.seeds[number % seeds] for number in numbers], pa.int64())
    for name in (*_TEXTS, "steps", "success", *NUMBERS, "baseline", "parameters"):
        kind = pa.string() if name in _TEXTS else pa.bool_() if name == "success" else pa.float64()
        values = [summaries[number].get(name) for number in numbers]
        columns[name] = pa.array(values, pa.int64() if name in _WHOLE else kind)
    return pa.table(columns).replace_schema_metadata({"study": study.model_dump_json(by_alias=True)})


def cells_table(study: StudyConfig, outcomes: Sequence[CellOutcome]) -> pa.Table:
    """Return a row per cell: values, counts, success rate with its interval, medians with quartiles, shares."""
    columns = {axis.title: _column([cell.values[axis.title] for cell in outcomes]) for axis in study.axes}
    for name in ("planned", "runs", "diverged", "failed", "successes"):
        columns[name] = pa.array([getattr(cell, name) for cell in outcomes], pa.int64())
    intervals = [cell.success_interval or (None, None) for cell in outcomes]
    numbers: dict[str, list[float | None]] = {
        "success_rate": [cell.success_rate for cell in outcomes],
        "success_low": [low for low, _ in intervals],
        "success_high": [high for _, high in intervals],
    }
    for name in NUMBERS:
        numbers[f"median_{name}"] = [cell.medians[name] for cell in outcomes]
        numbers[f"low_{name}"] = [cell.low[name] for cell in outcomes]
        numbers[f"high_{name}"] = [cell.high[name] for cell in outcomes]
    numbers["share_vanishing"] = [cell.share("vanishing") for cell in outcomes]
    numbers["share_exploding"] = [cell.share("exploding") for cell in outcomes]
    numbers["baseline"] = [cell.baseline for cell in outcomes]
    columns |= {name: pa.array(values, pa.float64()) for name, values in numbers.items()}
    columns["left_out_final_val_loss"] = pa.array([cell.left_out["final_val_loss"] for cell in outcomes], pa.int64())
    return pa.table(columns).replace_schema_metadata({"study": study.model_dump_json(by_alias=True)})


def _column(values: Sequence[Any]) -> pa.Array:
    """Return the values of an axis: as numbers where all are, else as text."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        whole = all(isinstance(value, int) for value in values)
        return pa.array(values, pa.int64() if whole else pa.float64())
    return pa.array([value if isinstance(value, str) else json.dumps(value) for value in values], pa.string())


def text_table(study: StudyConfig, outcomes: Sequence[CellOutcome]) -> str:
    """Return the cells as lines of text with aligned columns."""
    rows = [[*(axis.title for axis in study.axes), "runs", "diverged"]]
    rows[0] += ["success", "95 % interval"] if study.success else []
    rows[0] += ["val. loss", "left out", "half-life", "vanishing", "steps to success"]
    for cell in outcomes:
        row = [_text(cell.values[axis.title]) for axis in study.axes]
        row += [
            f"{cell.runs:,} of {cell.planned:,}" if cell.runs < cell.planned else f"{cell.runs:,}",
            f"{cell.diverged:,}",
        ]
        if study.success:
            interval = cell.success_interval
            row.append("" if cell.success_rate is None else f"{cell.success_rate:.0%}")
            row.append("" if interval is None else f"{interval[0]:.0%} to {interval[1]:.0%}")
        share, medians = cell.share("vanishing"), cell.medians
        row += [_number(medians["final_val_loss"], 3), f"{cell.left_out['final_val_loss']:,}"]
        row += [_number(medians["half_life"], 2), "" if share is None else f"{share:.0%}"]
        row.append(_number(medians["steps_to_success"], 4))
        rows.append(row)
    shown = [place for place in range(len(rows[0])) if place < len(study.axes) or any(row[place] for row in rows[1:])]
    widths = {place: max(len(row[place]) for row in rows) for place in shown}
    return "".join("  ".join(row[place].rjust(widths[place]) for place in shown) + "\n" for row in rows)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else figure(value, digits)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
