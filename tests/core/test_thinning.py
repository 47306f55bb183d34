"""The rule of thinning: no spike is lost, in norm or in reach, and what stays is bounded."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.thinning import WHOLE_STEPS, Row, Thinner, size_of, thinned

CASES = json.loads((Path(__file__).parents[1] / "support" / "thinning_cases.json").read_text("utf-8"))
VALUES = st.floats(0, allow_infinity=True, allow_nan=False)
SIZES = st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=400)


def rows_of(sizes: list[tuple[float, float, float]], every: int = 1) -> list[Row]:
    return [
        Row(number, 1 + number * every, norm, min(low, high), max(low, high))
        for number, (norm, low, high) in enumerate(sizes)
    ]


def most_extreme(rows: list[Row]) -> set[Row]:
    """The earliest row that is furthest in each way."""
    return {
        max(rows, key=lambda row: row.norm), min(rows, key=lambda row: row.norm),
        max(rows, key=lambda row: row.high), min(rows, key=lambda row: row.low),
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES["sizes"], ids=[case["name"] for case in CASES["sizes"]])
def test_the_size_of_a_profile(case: dict) -> None:
    profile = np.array([[float(value) for value in layer] for layer in case["profile"]], np.float32)
    assert size_of(profile) == pytest.approx([float(value) for value in case["size"]], rel=1e-15)


@pytest.mark.parametrize("case", CASES["histories"])
def test_the_shared_cases(case: dict) -> None:
    rows = [Row(place, step, *map(float, size)) for place, (step, *size) in enumerate(case["rows"])]
    assert [row.step for row in thinned(rows, case["count"])] == case["kept"]


@given(SIZES, st.integers(1, 80), st.integers(1, 5))
def test_what_is_chosen_fits_and_has_the_extremes(sizes: list, count: int, every: int) -> None:
    rows = rows_of(sizes, every)
    kept = thinned(rows, count)
    assert kept == sorted(set(kept)), "in their order, each once"
    assert len(kept) <= count
    assert set(kept) <= set(rows)
    assert rows[-1] in kept
    if len(rows) <= count:
        assert kept == rows
    if count >= 6:
        assert most_extreme(rows) | {rows[0]} <= set(kept)
    if count >= 2 * WHOLE_STEPS + 5:
        assert {row for row in rows if row.step <= WHOLE_STEPS} <= set(kept)


@given(SIZES, st.integers(1, 80), st.integers(1, 5), st.integers(0, 400))
def test_what_the_store_keeps_is_bounded_at_every_step(sizes: list, capacity: int, every: int, restart: int) -> None:
    thinner, alive = Thinner(capacity), set()
    rows = rows_of(sizes, every)
    for row in rows:
        if row.number == restart:
            thinner = Thinner(capacity, thinner.rows)
        alive.add(row)
        alive -= {rows[number] for number in thinner.add(row)}
        assert row in alive
        assert len(alive) <= thinner.capacity
    assert sorted(alive) == thinner.rows
    assert most_extreme(rows) | {rows[0]} <= alive
    if capacity >= 2 * WHOLE_STEPS + 5:
        assert {row for row in rows if row.step <= WHOLE_STEPS} <= alive


@pytest.mark.parametrize("count", [3000, 5000, 20_000])
def test_what_the_store_keeps_is_spread_over_the_run(count: int) -> None:
    norms = np.random.default_rng(0).lognormal(size=count)
    thinner = Thinner(200)
    for number, norm in enumerate(norms):
        thinner.add(Row(number, number + 1, float(norm), 1.0, 1.0))
    assert len(thinner.rows) > 70
    assert max(np.diff([row.step for row in thinner.rows])) <= 2 * thinner.bucket < count / 10


def test_of_equal_rows_the_earliest_stays() -> None:
    sizes = [(1.0, 1.0, 1.0)] * 50
    for number in (20, 30, 40):
        sizes[number] = (math.inf, 1.0, math.inf)
    assert 21 in [row.step for row in thinned(rows_of(sizes), 6)]
