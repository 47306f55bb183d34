"""The ready-made studies, run as the page runs them: `python -m benchmarks.ready [KEY ...]`.

What came out goes into rnncore/studies/results.json, which the page reads, and is printed as the tables of
docs/measurements.md. The minutes are processor time of all processes over the number of cores: what an idle machine of
so many cores would take. At two cores it all takes some minutes.
"""

import json
import platform
import sys
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.study import processor_seconds
from rnncore import TrainConfig, study
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.runs.machine import available_cores
from rnncore.studies.config import StudyConfig
from rnncore.studies.expansion import cells_of
from rnncore.studies.ready import READY
from rnncore.studies.ready_study import ReadyStudy
from rnncore.studies.results import FILE, mark_of, markdown, results, table_of


def main() -> int:
    """Run the studies named, or all, and keep what came out."""
    keys = sys.argv[1:] or list(READY)
    unknown = [key for key in keys if key not in READY]
    if unknown:
        print(f"{unknown[0]}: there is no such study; there are {', '.join(READY)}.", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    for key in keys:
        asked = READY[key].study.model_copy(update={"batched": True})
        began = processor_seconds()
        columns, rows = numbers(READY[key], asked, study(asked).to_json()["cells"])
        keep(key, asked, columns, rows, processor_seconds() - began)
    return 0


def numbers(ready: ReadyStudy, asked: StudyConfig, cells: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return columns and rows of a study's table."""
    columns, rows = table_of([axis.title for axis in asked.axes], cells, ready.told)
    for heading, (instrument, array) in ready.at_start.items():
        columns.append(heading)
        for cell, row in zip(cells_of(asked), rows, strict=True):
            row.append(median(at_start(config, instrument, array) for config in cell.configs))
    return columns, rows


def keep(key: str, asked: StudyConfig, columns: list[str], rows: list[list[Any]], seconds: float) -> None:
    """Write what came out of a study to the file, and print it."""
    known = {name: result._asdict() for name, result in results().items()} if FILE.exists() else {}
    minutes = round(seconds / available_cores() / 60, 2)
    known[key] = {
        "study": mark_of(asked), "minutes": minutes, "machine": machine(), "batched": True, "columns": columns,
        "rows": rows,
    }  # fmt: skip
    FILE.write_text(written(known), "utf-8")
    results.cache_clear()
    print(f"\n{READY[key].title} ({minutes} minutes)\n\n{markdown(results()[key])}", flush=True)


def at_start(config: TrainConfig, instrument: str, array: str) -> float:
    """Return the last number of an instrument's array at step 1 of a run."""
    reading = Inspection(config, load_dataset(config.data)).read(instrument, 1)
    return float(reading.arrays[array][-1])


def written(known: dict[str, dict[str, Any]]) -> str:
    """Return the file's text, a study a line."""
    lines = [f"{json.dumps(key)}: {json.dumps(result)}" for key, result in known.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def machine() -> str:
    """Return the processor of this machine, without what its maker adds to the name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{available_cores()} cores, {model or platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
