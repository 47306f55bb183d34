"""Writes thinning_cases.json, by which pytest and node test that Python and JavaScript thin profiles alike.

`python -m tests.support.make_thinning_cases` after a change of the rule in rnncore/thinning.py. The sizes are made by
hand; of the histories what stays is what Python keeps, and tests/core/test_thinning.py says what that must be.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from rnncore.thinning import Row, thinned

FILE = Path(__file__).with_name("thinning_cases.json")
NAN, INF = "NaN", "Infinity"  # JSON has no numbers for them
SIZES: list[tuple[str, list[list[Any]], list[Any]]] = [
    ("fading", [[3.0, 0.0, 4.0]], [5.0, 0.75, 0.75]),
    ("nothing arrives at the first timestep", [[0.0, 3.0, 4.0]], [5.0, 0.0, 0.0]),
    ("sequences end with zeros", [[4.0, 2.0, 0.0]], [20**0.5, 2.0, 2.0]),
    ("a gradient at the first timestep alone", [[2.0, 0.0, 0.0]], [2.0, 1.0, 1.0]),
    ("no gradient at all", [[0.0, 0.0]], [0.0, 1.0, 1.0]),
    ("a layer without any", [[0.0, 0.0], [3.0, 6.0]], [45**0.5, 0.5, 0.5]),
    ("layers that differ", [[1.0, 2.0], [8.0, 2.0]], [73**0.5, 0.5, 4.0]),
    ("not a number", [[NAN, 1.0]], [INF, INF, INF]),
    ("one layer leaves the finite numbers", [[1.0, 2.0], [INF, 1.0]], [INF, 0.5, INF]),
    ("very small", [[2.0**-140, 2.0**-130]], [2.0**-130 * (1 + 2.0**-20) ** 0.5, 2.0**-10, 2.0**-10]),
    ("a single timestep", [[7.0]], [7.0, 1.0, 1.0]),
]


def history(rng: np.random.Generator, length: int, kind: str) -> list[Row]:
    """Return rows as a run of that length has them: wandering, all alike, or with values that are not finite."""
    every = int(rng.integers(1, 6))
    norm, low, high = np.exp(np.cumsum(rng.normal(0, 0.2, (3, length)), axis=1)).round(4)
    if kind == "alike":
        norm = low = high = np.ones(length)
    if kind == "diverging":
        norm[-2:] = high[-2:] = np.inf
    rows = zip(norm.tolist(), low.tolist(), np.maximum(low, high).tolist(), strict=True)
    return [Row(place, 1 + place * every, *size) for place, size in enumerate(rows)]


def main() -> None:
    """Write the file."""
    rng, cases = np.random.default_rng(7), []
    for number in range(45):
        kind = ("wandering", "alike", "diverging")[number % 3]
        rows = history(rng, int(rng.integers(1, 120)), kind)
        count = int(rng.integers(1, 70))
        told = [[row.step, *(INF if value == np.inf else value for value in row[2:])] for row in rows]
        cases.append({"rows": told, "count": count, "kept": [row.step for row in thinned(rows, count)]})
    sizes = [{"name": name, "profile": profile, "size": size} for name, profile, size in SIZES]
    FILE.write_text(json.dumps({"sizes": sizes, "histories": cases}, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
