"""Imitations of files that people have, as packages that carry data hold them, and how each is read."""

from itertools import product
from typing import Any

import numpy as np

from tests.support.corpus.build import DAYS, OTHER, WAVE, Good, X, csv, npz, rng

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ONE = {"layout": "series", "input_size": 1, "target": "regression", "targets": ("value",)}


def _calendar() -> list[Good]:
    """Times in several columns, and tables whose columns are months."""

    def parts(header: str, *columns: Any) -> Good:
        expect = {**ONE, "time": header.replace(",", " + ")}
        rows = zip(*columns, WAVE, strict=True)
        return csv(f"{header} in columns", f"{header},value", rows, expect, "are read as one time")

    place = np.arange(120)
    days = [day.split("-") for day in DAYS]
    years = [[1990 + year, *WAVE[12 * year : 12 * year + 12]] for year in range(10)]
    quarters = [[1990 + year, *WAVE[4 * year : 4 * year + 4]] for year in range(30)]
    across = {**ONE, "rows": 120}
    return [
        parts("year,quarter", 1990 + place // 4, place % 4 + 1),
        parts("Year,Month", 1990 + place // 12, place % 12 + 1),
        parts("YEAR,MONTH", 1990 + place // 12, [MONTHS[month % 12] for month in place]),
        parts("year,month,day", *zip(*days, strict=True)),
        parts("year,month,day,hour", [2020] * 120, [2] * 120, 1 + place // 24, place % 24),
        parts("date,hour", [DAYS[hour // 24] for hour in place], place % 24),
        parts("date,time", [DAYS[hour // 24] for hour in place], [f"{hour % 24:02d}:30" for hour in place]),
        csv(
            "months as numbers",
            "month,value",
            zip(100 * (1990 + place // 12) + place % 12 + 1, WAVE, strict=True),
            {**ONE, "time": "month"},
        ),
        csv(
            "days as six digits",
            "date,value",
            zip([day.replace("-", "")[2:] for day in DAYS], WAVE, strict=True),
            {**ONE, "time": "date"},
        ),
        csv(
            "counts that look like days",
            "n,value",
            zip(range(110101, 110221), WAVE, strict=True),
            {**ONE, "time": ""},
            "row counter",
        ),
        csv(
            "numbers that tell series apart",
            "county,year,crimes",
            [
                (1 + unit, 1981 + year, round(value, 2))
                for (unit, year), value in zip(product(range(12), range(10)), WAVE, strict=True)
            ],
            {"layout": "long", "id": "county", "time": "year", "targets": ("crimes",)},
        ),
        csv(
            "several rows of each year",
            "year,a,b",
            [(1980 + i // 4, a, b) for i, (a, b) in enumerate(zip(WAVE, OTHER, strict=True))],
            {"layout": "series", "time": "year"},
            "A value of 'year' stands in 4.0 rows on average",
        ),
        csv(
            "days of each subject",
            "subject,days,reaction",
            [(f"s{i // 10}", i % 10, value) for i, value in enumerate(WAVE)],
            {"layout": "long", "id": "subject", "time": "days", "targets": ("reaction",), "input_size": 1},
        ),
        csv(
            "attributes of each unit",
            "id,year,distance,fare,fare_1",
            [
                (i // 10, 1980 + i % 10, 0.1 + (i // 10) ** 2, a, b)
                for i, (a, b) in enumerate(zip(WAVE, OTHER, strict=True))
            ],
            {"layout": "long", "id": "id", "targets": ("fare",), "target": "regression"},
        ),
        csv(
            "a label in the first row of each sequence",
            "id,t,x,label",
            [(i // 10, i % 10, a, "" if i % 10 else "ab"[i // 10 % 2]) for i, a in enumerate(WAVE)],
            {"layout": "long", "id": "id", "targets": ("label",), "target": "binary", "train_size": 10},
        ),
        csv(
            "a group of each unit",
            "chick,time,weight,diet",
            [(i // 10, i % 10, a, i // 30) for i, a in enumerate(WAVE)],
            {"layout": "long", "targets": ("diet",), "target": "multiclass", "features": ("weight",)},
            "Suggested: predict 'diet' (the same in all rows of a sequence) from whole sequences of 1 column.",
        ),
        csv(
            "a name for each row",
            "model,mpg,hp",
            [(f"model {i}", a, b) for i, (a, b) in enumerate(zip(WAVE[:40], OTHER[:40], strict=True))],
            {"layout": "series", "features": ("mpg", "hp")},
            "Left out, a name for each row: 'model'",
        ),
        csv(
            "row names of a sample",
            ",mpg,hp",
            zip(rng.permutation(900)[:120], WAVE, OTHER, strict=True),
            {"layout": "series", "features": ("mpg", "hp")},
            "a name for each row",
        ),
        csv(
            "pigs, one of them weighed less often",
            "weight,pig,time",
            [(a, 4601 + i // 10, i % 10) for i, a in enumerate(WAVE[:118])],
            {"layout": "long", "id": "pig", "time": "time", "targets": ("weight",)},
        ),
        csv(
            "visits of each subject",
            "subject,visit,reaction",
            [(f"s{i // 10}", 2 * (i % 10), value) for i, value in enumerate(WAVE)],
            {"layout": "long", "id": "subject", "time": "visit", "targets": ("reaction",), "input_size": 1},
        ),
        csv("years by months", ",".join(("YEAR", *MONTHS)).upper(), years, {**across, "time": "month"}, "120 months"),
        csv(
            "years by months and their mean",
            ",".join(("Year", *MONTHS, "Annual")),
            [[*row, np.mean(row[1:])] for row in reversed(years)],
            {**across, "time": "month"},
            "left out: 'Annual'",
        ),
        csv("years by quarters", "year,Q1,Q2,Q3,Q4", quarters, {**across, "time": "quarter"}, "120 quarters"),
    ]


def _answers() -> list[Good]:
    """Columns that answer for their row beside those that measure, and targets at every step."""
    wave = list(zip(range(120), WAVE, OTHER, strict=True))
    spike = [row[1] > 29.8 for row in wave]
    steps = list(product(range(12), range(10)))
    noise = rng.normal(size=120)
    signs = ["up" if value > 0 else "down" for value in noise]
    by_step = {"layout": "sequences", "per_step": True, "input_size": 2, "seq_len": 12}
    return [
        csv(
            "rare anomalies",
            "timestamp,value,is_anomaly",
            [(t, a, int(odd and t < 40)) for (t, a, _), odd in zip(wave, spike, strict=True)],
            {**ONE, "features": ("value",)},
            "Left out, an answer rather than a measurement (choose it as the target to predict it): 'is_anomaly'",
        ),
        csv(
            "anomalies that are not rare",
            "t,a,b,anomaly",
            [(*row, int(row[1] > 25)) for row in wave],
            {"targets": ("anomaly",), "target": "binary", "features": ("a", "b"), "per_step": False},
            "of the last timestep of each window",
        ),
        csv(
            "events beside a label",
            "t,a,event,label",
            [(t, a, int(t % 9 == 0), "xyz"[t % 3]) for t, a, _ in wave],
            {"targets": ("label",), "target": "multiclass", "features": ("a",)},
            "'event'",
        ),
        csv("states and nothing else", "t,state", [(t, "ab"[t % 3 > 0]) for t in range(120)], {"features": ("state",)}),
        csv(
            "prices",
            "Date,Open,Close,Volume",
            zip(DAYS, WAVE, WAVE + OTHER, 1000 + OTHER * 9, strict=True),
            {"targets": ("Close",), "input_size": 3},
            "Suggested: predict 'Close' (for its name) from the past of 3 columns, 'Close' itself among them.",
        ),
        csv(
            "many siblings",
            ",".join(["month", *(f"branch_{word}" for word in "abcdefghijkl")]),
            [(day, *rng.normal(size=12)) for day in DAYS],
            {"targets": ("branch_l",), "input_size": 12},
            "12 are many for 120 rows",
        ),
        csv(
            "cases in no order",
            "height,weight",
            rng.normal(size=(200, 2)),
            {"layout": "series", "targets": ("weight",)},
            "the rows may not be timesteps",
        ),
        csv(
            "long form, a label at every step",
            "id,t,x,label",
            [
                (f"s{unit}", t, round(value, 3), sign)
                for (unit, t), value, sign in zip(steps, noise, signs, strict=True)
            ],
            {"layout": "long", "target": "binary", "per_step": True, "seq_len": 10, "features": ("x",)},
            "'label' is the target at every timestep",
        ),
        Good("npz, a number at every step", [("x.npz", npz(X=X, y=X.sum(2)))], {**by_step, "target": "regression"}),
        Good(
            "npz, two numbers at every step",
            [("x.npz", npz(X=X, y=X[:, :, ::-1]))],
            {**by_step, "target": "regression", "output_size": 2},
        ),
        Good(
            "npz, a class at every step",
            [("x.npz", npz(X=X, y=np.arange(360).reshape(30, 12) % 3))],
            {**by_step, "target": "multiclass", "output_size": 3},
        ),
        Good(
            "npz, padded with NaN",
            [
                (
                    "x.npz",
                    npz(
                        X=np.where(np.arange(12)[:, None] < 8 + np.arange(30)[:, None, None] % 3, X, np.nan),
                        y=X[:, :, 0] > 0,
                    ),
                )
            ],
            {**by_step, "target": "binary", "seq_len": 10},
            "Lengths differ (8 to 10)",
        ),
    ]


ARFF = """% a comment
@RELATION waves
@attribute 'first value' numeric
@attribute second REAL
@attribute target {calm,wild}

@DATA
"""
READ_ME = "# A project\n\nIt counts things, slowly but well, and says so.\n\n- first, read this\n- then, run `make`\n\n"
MAKE_FILE = (
    "run: install\n\tpython -m app --port 80, --fast\n\n# Tests, all of them\ntest: install\n\tpytest -q tests\n"
)


def _formats() -> list[Good]:
    """Ways to write a file."""
    cases = [(*np.round(row, 2), kind) for row, kind in zip(rng.normal(size=(30, 4)), np.arange(30) // 10, strict=True)]
    flowers = {"layout": "rows", "targets": ("class",), "target": "multiclass", "seq_len": 4, "rows": 30}
    pairs = "".join(
        f"{a},?,{'calm' if a > 20 else 'wild'}\n" if place == 7 else f"{a},{b},{'calm' if a > 20 else 'wild'}\n"
        for place, (a, b) in enumerate(zip(WAVE, OTHER, strict=True))
    )
    return [
        csv(
            "quotes behind spaces",
            "a, b, place",
            [(f'{a}, "{b}"', ' "down, under"' if b > 0 else ' "up"') for a, b in zip(WAVE, OTHER, strict=True)],
            {"layout": "series", "targets": ("b",), "input_size": 4},
        ),
        csv(
            "a column named inf",
            "year,unem,inf",
            zip(1900 + np.arange(120), WAVE, OTHER, strict=True),
            {"targets": ("inf",), "time": "year"},
        ),
        csv("a first line that counts", "30,4,setosa,versicolor,virginica", cases, flowers, "'setosa', 'versicolor'"),
        csv(
            "a shorter first line that counts",
            "30,4,yes,no",
            [(*case[:-1], case[-1] // 2) for case in cases],
            {**flowers, "target": "binary"},
            "the last column is the class",
        ),
        csv("a series as pandas writes it", ",0", enumerate(WAVE, 1821), {**ONE, "targets": ("0",), "rows": 120}),
        Good(
            "arff", [("x.arff", (ARFF + pairs).encode())], {"targets": ("target",), "target": "binary", "input_size": 2}
        ),
        Good("readme", [("README", READ_ME.encode() * 20)], {"layout": "text"}),
        Good("makefile", [("Makefile", MAKE_FILE.encode() * 20)], {"layout": "text"}),
        Good(
            "program in another language",
            [("main.rs", b"fn main() {\n    let x = next(a, b);\n}\n" * 60)],
            {"layout": "text"},
        ),
        Good("typescript", [("app.ts", b"const next = (a: string, b: string) => a + b;\n" * 60)], {"layout": "text"}),
    ]


FOUND = _calendar() + _answers() + _formats()
