"""What the files of the corpus are made of: a few numbers, and writers of every format that the readers know."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

rng = np.random.default_rng(0)
WAVE = np.round(np.sin(np.arange(120) / 5) * 10 + 20, 3)
OTHER = np.round(np.cos(np.arange(120) / 7) * 3, 3)
DAYS = [str(np.datetime64("2020-01-30") + day) for day in range(120)]
X = rng.normal(size=(30, 12, 2))
Y = np.arange(30) % 3
WAVES = list(zip(WAVE, OTHER, strict=True))
SERIES = {"layout": "series", "time": "date", "targets": ("value",), "target": "regression", "input_size": 1}
TWO = {"layout": "series", "input_size": 2, "targets": ("b",)}


@dataclass
class Good:
    """A file that is read right without help.

    files: (name, bytes); expect: attributes of the Inspection, its options or its dataset, by name; note: part of one.
    """

    name: str
    files: list[tuple[str, bytes]]
    expect: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def table(rows: list[list[Any]], delimiter: str = ",", header: list[str] | None = None, end: str = "\n") -> str:
    lines = [delimiter.join(header)] if header else []
    lines += [delimiter.join(map(str, row)) for row in rows]
    return end.join(lines) + end


def text(name: str, content: str | bytes, expect: dict[str, Any], note: str = "", file: str = "x.csv") -> Good:
    return Good(name, [(file, content.encode() if isinstance(content, str) else content)], expect, note)


def csv(name: str, header: str, rows: Any, expect: dict[str, Any], note: str = "", file: str = "x.csv") -> Good:
    return text(name, table([list(row) for row in rows], ",", header.split(",")), expect, note, file)


def dated(
    form: str = "{}", decimal: str = ".", delimiter: str = ",", header: tuple[str, str] = ("date", "value")
) -> str:
    rows = [[form.format(day), str(value).replace(".", decimal)] for day, value in zip(DAYS, WAVE, strict=True)]
    return table(rows, delimiter, list(header))


def long_form(order: str = "sorted", label: str = "class", regression: bool = False) -> str:
    rows = []
    for unit in range(30):
        kind = ["calm", "wild"][unit % 2] if not regression else str(unit * 1.5)
        for step in range(10 + unit % 3):
            rows += [[f"unit{unit:02d}", step, round(float(rng.normal()), 3), unit % 2 + step * 0.1, kind]]
    if order == "shuffled":
        rng.shuffle(rows)
    return table(rows, ",", ["unit_id", "step", "a", "b", label])


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def parquet(**columns: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def ts(dimensions: int = 1, ragged: bool = False, label: str = "@classLabel true a b", stamps: bool = False) -> str:
    lines = ["# comment", "@problemName X", f"@timeStamps {'true' if stamps else 'false'}", label, "@data"]
    for case in range(20):
        length = 8 + (case % 3 if ragged else 0)
        parts = []
        for _ in range(dimensions):
            values = rng.normal(size=length) + case % 2
            parts.append(",".join(f"({i},{v:.3f})" if stamps else f"{v:.3f}" for i, v in enumerate(values)))
        answer = {"@classLabel true a b": "ab"[case % 2], "@targetLabel true": f"{case * 0.5}"}.get(label)
        lines.append(":".join([*parts, *([answer] if answer else [])]))
    return "\n".join(lines) + "\n"
