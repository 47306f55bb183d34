"""The ready-made studies, run as the page runs them: `python -m benchmarks.ready [KEY ...]`.

What came out goes into rnncore/studies/results.json, which the page reads, and is printed as the tables of
docs/measurements.md. The minutes are processor time of all processes over the number of cores: what an idle machine of
so many cores would take. At two cores it all takes some minutes.
"""

import json
import platform
import sys
from pathlib import Path
from typing import Any

from benchmarks.study import processor_seconds
from rnncore import study
from rnncore.runs.machine import available_cores
from rnncore.studies.ready import READY
from rnncore.studies.results import FILE, mark_of, markdown, results, table_of


def main() -> int:
    """Run the studies named, or all, and keep what came out."""
    keys = sys.argv[1:] or list(READY)
    unknown = [key for key in keys if key not in READY]
    if unknown:
        print(f"{unknown[0]}: there is no such study; there are {', '.join(READY)}.", file=sys.stderr)
        return 2
    known = {key: result._asdict() for key, result in results().items()} if FILE.exists() else {}
    for key in keys:
        asked = READY[key].study.model_copy(update={"batched": True})
        began = processor_seconds()
        cells = study(asked).to_json()["cells"]
        minutes = round((processor_seconds() - began) / available_cores() / 60, 2)
        columns, rows = table_of([axis.title for axis in asked.axes], cells)
        known[key] = {
            "study": mark_of(asked), "minutes": minutes, "machine": machine(), "batched": True, "columns": columns,
            "rows": rows,
        }  # fmt: skip
        FILE.write_text(written(known), "utf-8")
        results.cache_clear()
        print(f"\n{READY[key].title} ({minutes} minutes)\n\n{markdown(results()[key])}", flush=True)
    return 0


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
