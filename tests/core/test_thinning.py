"""The rule of thinning: no spike is lost, in norm or in reach, and what stays is bounded."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.thinning import WHOLE_STEPS, Row, Thinner, extremes, size_of, thinned

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


def kept_of(rows: list[Row], bucket: int, room: int) -> list[Row]:
    """What has to be left of all rows so far: the extremes of every bucket, the ends, the first steps as a whole."""
    kept = {rows[0], rows[-1]} | {row for row in rows[:room] if row.step <= WHOLE_STEPS}
    for start in range(0, len(rows), bucket):
        kept.update(extremes(rows[start : start + bucket]))
    return sorted(kept)


@pytest.mark.parametrize(
    ("capacity", "every", "room"),
    [(8, 1, 1), (3, 1, 1), (9, 7, 2), (20, 1, 7), (20, 3, 7), (44, 1, 19), (45, 1, 20), (60, 1, 20)],
)
def test_what_the_store_keeps_is_exactly_what_the_rule_says_and_what_goes_is_told(
    capacity: int, every: int, room: int
) -> None:
    sizes = np.random.default_rng(capacity).integers(1, 9, (300, 3)).astype(float)
    rows = rows_of([tuple(size) for size in sizes.tolist()], every)
    thinner, bucket, alive = Thinner(capacity), 1, set()
    for count, row in enumerate(rows, start=1):
        alive.add(row.number)
        while len(expected := kept_of(rows[:count], bucket, room)) > max(8, capacity):
            bucket = max(4, 2 * bucket)
        gone = thinner.add(row)
        assert len(gone) == len(set(gone))
        alive -= set(gone)
        assert thinner.rows == expected
        assert sorted(alive) == [row.number for row in expected]
        assert thinner.bucket == bucket
        if count % 50 == 0:
            thinner = Thinner(capacity, iter(thinner.rows))
            assert thinner.bucket <= bucket
            thinner.bucket = bucket


@pytest.mark.parametrize(
    ("numbers", "bucket"),
    [([], 1), ([0], 1), ([0, 1, 2], 1), ([0, 2], 4), ([0, 3], 4), ([0, 4], 4), ([0, 1, 8], 8), ([0, 16], 16),
     ([0, 8, 16], 8), ([0, 4, 8], 4)],
)  # fmt: skip
def test_the_buckets_go_on_from_the_rows_that_are_left(numbers: list[int], bucket: int) -> None:
    assert Thinner(50, [Row(number, number + 1, 1.0, 1.0, 1.0) for number in numbers]).bucket == bucket


@pytest.mark.parametrize(("given", "held"), [(1, 8), (7, 8), (8, 8), (9, 9), (60, 60)])
def test_the_capacity_is_what_was_asked_for_but_at_least_eight(given: int, held: int) -> None:
    thinner = Thinner(given)
    most = 0
    for row in rows_of([(float(place % 13), float(place % 7), float(place % 5)) for place in range(400)]):
        thinner.add(row)
        most = max(most, len(thinner.rows))
    assert (thinner.capacity, most) == (held, held)


def test_the_extremes_of_a_bucket_in_their_order_and_the_norm_decides_between_reaches_only() -> None:
    rows = rows_of([(5.0, 1.0, 1.0), (9.0, 1.0, 2.0), (2.0, 0.5, 1.0), (1.0, 0.7, 3.0), (9.0, 0.5, 3.0)])
    assert [row.number for row in extremes(rows)] == [3, 1, 2, 3]


@pytest.mark.parametrize(("count", "whole"), [(6, 0), (7, 1), (8, 1), (9, 2), (43, 19), (44, 19), (45, 20), (99, 20)])
def test_how_many_of_the_first_steps_stay_whole(count: int, whole: int) -> None:
    """All later rows are further out than these, so that nothing else keeps one of the first."""
    sizes = [(50.0, 1.0, 1.0)] * 30 + [(50.0 + (-1) ** n * n, 1 / (1 + n), 1.0 + n) for n in range(1, 300)]
    kept = [row.number for row in thinned(rows_of(sizes), count) if row.number < 25]
    assert kept[: max(whole, 1)] == list(range(max(whole, 1)))
    if whole < 20:
        assert whole not in kept[max(whole, 1) :]


def test_a_profile_of_large_float32_numbers_has_a_size() -> None:
    size = size_of(np.full((1, 4), 1e30, np.float32))
    assert size == pytest.approx((2e30, 1.0, 1.0), rel=1e-6)
    assert size_of([3.0, 0.0, 4.0]) == (5.0, 0.75, 0.75)
    assert size_of([[3.0, 0.0], [0.0, 0.0]]) == (3.0, 1.0, 1.0)
    assert size_of([[0.0, 0.0], [0.0, 4.0]]) == (4.0, 0.0, 0.0)
    assert size_of(np.zeros((2, 3))) == (0.0, 1.0, 1.0)
    assert size_of([[math.nan, 1.0], [2.0, 1.0]]) == (math.inf, 2.0, math.inf)


def test_columns_that_no_sequence_has_do_not_count() -> None:
    values, counts = [[math.nan, 0.5, 2.0], [math.nan, 3.0, 1.0]], [[0, 1, 2], [0, 1, 2]]
    assert size_of(values, counts) == (math.sqrt(0.25 + 4 + 9 + 1), 0.25, 3.0)
    assert size_of(values)[0] == math.inf
