"""Where validation must come from: windows that overlap, test files, features and labels in files of their own."""

import io

import numpy as np

from tests.support.corpus.build import npz
from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import WALK, days
from tests.support.corpus.real.panels import engines, walk
from tests.support.corpus.real.rows import labelled

rng = np.random.default_rng(19)


def windows(length: int = 20, shift: int = 1) -> tuple[np.ndarray, np.ndarray]:
    starts = np.arange(0, 400 - length - 1, shift)
    return np.stack([WALK[start : start + length] for start in starts])[:, :, None], WALK[starts + length]


def spaced(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savetxt(stream, values, "%.6f")
    return stream.getvalue()


def named(name: str, files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    return name, files[0][1]


def _overlaps() -> list[Case]:
    X, y = windows()
    half, answers = windows(40, 20)
    loose = rng.normal(size=(60, 12, 2))
    lagged = csv("a,b,c,d,e,f,label", [(*WALK[p : p + 6], int(WALK[p + 6] > WALK[p + 5])) for p in range(300)])
    order = ["windows that overlap", "in the order of time"]
    return [
        Case("npz, windows that overlap", [("x.npz", npz(X=X, y=y))], {"layout": "sequences", "note": order}),
        Case("npz, windows that overlap by half", [("x.npz", npz(X=half, y=answers > 100))], {"note": order}),
        Case(
            "npz, windows apart",
            [("x.npz", npz(X=loose, y=np.arange(60) % 3))],
            {"without": "overlap", "note": "drawn at random"},
        ),
        Case(
            "npz, the split is given",
            [("x.npz", npz(X_train=X[:200], y_train=y[:200], X_test=X[250:], y_test=y[250:]))],
            {"train_size": 200, "note": "as the files are named"},
        ),
        Case(
            "csv, windows with a label",
            lagged,
            {"layout": "rows", "note": order},
            options={"layout": "rows", "targets": ("label",)},
        ),
    ]


def _files() -> list[Case]:
    fd = "unit,cycle,s1,s2"
    train, test = (csv(fd, [row[:4] for row in engines(count)]) for count in (5, 3))
    series = csv("date,v", zip(days("%Y-%m-%d"), WALK, strict=False))
    later = csv("date,v", zip(days("%Y-%m-%d", 100, first=__import__("datetime").date(2020, 1, 1)), WALK, strict=False))
    room = csv(
        "date,Temperature,CO2,Occupancy",
        [(f"2015-02-04 {p // 60:02d}:{p % 60:02d}:00", 20 + p % 7, v, p // 50 % 2) for p, v in enumerate(WALK[:300])],
    )
    X, y = labelled(None, 3, 60, 24), None
    del y
    values = rng.normal(size=(60, 9)).cumsum(1)
    classes = np.arange(60) % 4 + 1
    held = {"note": "as the files are named"}
    stocks = [
        (
            f"{name}.csv",
            csv(
                "Date,Close,Volume",
                [(d, v, int(1000 * v)) for d, v in zip(days("%Y-%m-%d", 150), walk(150, start), strict=True)],
            )[0][1],
        )
        for name, start in (("AAPL", 150), ("MSFT", 300), ("XOM", 60))
    ]
    store = [
        (
            f"sales_{year}.csv",
            csv(
                "date,store,sales",
                [
                    (d, s, int(rng.integers(9, 99)))
                    for d in days("%Y-%m-%d", 60, first=__import__("datetime").date(year, 1, 1))
                    for s in "ABC"
                ],
            )[0][1],
        )
        for year in (2019, 2020)
    ]
    return [
        Case(
            "engines, train and test",
            [named("train_FD001.csv", train), named("test_FD001.csv", test)],
            {"layout": "long", "id": "file + unit", "time": "cycle", "sequences": 8, **held},
        ),
        Case(
            "a series and a test file",
            [named("electricity.csv", series), named("electricity_test.csv", later)],
            {"layout": "long", "id": "file", "time": "date", **held},
        ),
        Case(
            "datatraining and datatest",
            [named("datatraining.txt", room), named("datatest.txt", room), named("datatest2.txt", room)],
            {"layout": "long", "id": "file", **held},
        ),
        Case(
            "training and eval rows",
            [named("gestures_training.csv", X), named("gestures_eval.csv", X)],
            {"layout": "rows", "train_size": 60, **held},
        ),
        Case(
            "features and labels",
            [
                ("X.csv", csv(",".join(f"t{p}" for p in range(9)), values.round(3).tolist())[0][1]),
                ("y.csv", csv("label", [[k] for k in classes])[0][1]),
            ],
            {"layout": "rows", "targets": ("label",), "classes": 4},
        ),
        Case(
            "UCI style train and test",
            [
                (f"{kind}_{part}.txt", spaced(content))
                for part in ("train", "test")
                for kind, content in (("X", np.tile(values, 3)), ("y", classes[:, None]))
            ],
            {"layout": "rows", "targets": ("label",), "classes": 4, "train_size": 60, **held},
        ),
        Case("stocks, a file each", stocks, {"layout": "long", "id": "file", "time": "Date", "sequences": 3}),
        Case(
            "years of a panel, a file each",
            store,
            {"layout": "long", "id": "store", "time": "date", "sequences": 3},
            asked=True,
        ),
    ]


SPLITS = _overlaps() + _files()
