"""A small example file for every layout of an upload, to be downloaded and filled in."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """A file to start from: its layout, what it shows, its name and its text."""

    title: str
    explanation: str
    file: str
    text: str


_SPEEDS = ("slow", "fast")


def _csv(header: str, rows: list[str]) -> str:
    return "\n".join([header, *rows]) + "\n"


def _wave(step: float, shift: float = 0.0) -> str:
    return f"{20 + 5 * math.sin(step / 5 + shift):.2f}"


TEMPLATES: dict[str, Template] = {
    "series": Template(
        "One long series",
        "A row per timestep, oldest first; any number of columns. The network sees a window of them and forecasts one.",
        "series.csv",
        _csv(
            "date,temperature,wind",
            [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{_wave(day)},{_wave(day, 2)}" for day in range(112)],
        ),
    ),
    "long": Template(
        "Many sequences, one below the other",
        "A row per timestep; `id` tells the sequences apart, `step` orders them, `label` is the same in all rows of "
        "one sequence.",
        "long.csv",
        _csv(
            "id,step,x,y,label",
            [
                f"s{place:02d},{step},{_wave(step * (1 + place % 2))},{_wave(step, place)},{_SPEEDS[place % 2]}"
                for place in range(20)
                for step in range(12 + place % 3)
            ],
        ),
    ),
    "rows": Template(
        "One sequence per row",
        "A row per sequence: its label, then its values in order; rows of different length end in empty cells.",
        "rows.csv",
        _csv(
            "label," + ",".join(f"t{step}" for step in range(16)),
            [
                f"{_SPEEDS[place % 2]},"
                + ",".join(_wave(step * (1 + place % 2), place) if step < 16 - place % 3 else "" for step in range(16))
                for place in range(20)
            ],
        ),
    ),
    "text": Template(
        "Text",
        "Plain text; the network reads it character by character and predicts the next one.",
        "text.txt",
        "The sun rose over the quiet hills, and the birds began to sing. " * 20 + "\n",
    ),
}
