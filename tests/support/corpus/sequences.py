"""Files of many sequences: tables in long form or with one row each, `.ts` files, and several files."""

import numpy as np

from tests.support.corpus.build import DAYS, WAVE, Good, X, Y, csv, long_form, rng, table, text, ts


def one_row_each(label_first: bool = True, header: bool = False, steps: int = 24, ragged: bool = False) -> str:
    rows = []
    for place in range(40):
        values = [f"{v:.4f}" for v in rng.normal(size=steps) + place % 3]
        if ragged:
            values = [v if i < steps - place % 5 else "" for i, v in enumerate(values)]
        label = str(place % 3)
        rows.append([label, *values] if label_first else [*values, label])
    names = [f"t{i}" for i in range(steps)]
    return table(rows, ",", (["label", *names] if label_first else [*names, "label"]) if header else None)


def _long_tables() -> list[Good]:
    labelled = {"layout": "long", "id": "unit_id", "time": "step", "targets": ("class",), "target": "binary"}
    stocks = [
        (day, name, round(10 * k + float(value), 2))
        for k, name in enumerate(["AAA", "BBB", "CCC"])
        for day, value in zip(DAYS, WAVE, strict=True)
    ]
    return [
        text("long form", long_form(), labelled),
        text("long form, shuffled", long_form("shuffled"), labelled, "sorted"),
        text("long form, label named otherwise", long_form(label="mood"), labelled | {"targets": ("mood",)}),
        text("long form, a number for each", long_form(regression=True), labelled | {"target": "regression"}),
        csv(
            "several series",
            "date,symbol,price",
            stocks,
            {"layout": "long", "id": "symbol", "time": "date", "targets": ("price",), "target": "regression"},
        ),
    ]


def _rows() -> list[Good]:
    """One sequence in each row, as the UCR archive writes them."""
    rows = {"layout": "rows", "target": "multiclass", "output_size": 3, "input_size": 1, "seq_len": 24}
    names = [f"{feature}_{t}" for feature in ("x", "z") for t in range(12)]
    wide = [(*np.round(np.r_[row[:, 0], row[:, 1]], 3), y) for row, y in zip(X, Y, strict=True)]
    walks = [(f"c{i}", *np.round(rng.normal(size=30).cumsum(), 2)) for i in range(12)]

    def tabs() -> bytes:
        return one_row_each().replace(",", "\t").encode()

    return [
        text("ucr", tabs(), rows | {"targets": ("column 1",)}, file="x.tsv"),
        text("ucr, label last", one_row_each(label_first=False), rows | {"targets": ("column 25",)}),
        text("ucr with header", one_row_each(header=True), rows | {"targets": ("label",)}),
        text("ucr, ragged", one_row_each(ragged=True), rows, "padded"),
        text("ucr, spaces", one_row_each().replace(",", "  "), rows, file="x.txt"),
        Good(
            "ucr, train and test",
            [("X_TRAIN.tsv", tabs()), ("X_TEST.tsv", tabs())],
            rows | {"train_size": 40},
            "as the files are named",
        ),
        csv("rows with two features", ",".join([*names, "label"]), wide, rows | {"input_size": 2, "seq_len": 12}),
        csv(
            "years across",
            ",".join(["country", *map(str, range(1990, 2020))]),
            walks,
            {"layout": "rows", "target": "regression"},
        ),
    ]


def _ts_files() -> list[Good]:
    sequences = {"layout": "sequences"}
    regression = sequences | {"target": "regression"}
    return [
        text("ts", ts(), sequences | {"target": "binary", "seq_len": 8}, file="x.ts"),
        text("ts, several dimensions", ts(3), sequences | {"input_size": 3}, file="x.ts"),
        text("ts, ragged", ts(2, ragged=True), sequences | {"seq_len": 10}, "padded", file="x.ts"),
        text("ts, regression", ts(label="@targetLabel true"), regression, file="x.ts"),
        text("ts, time stamps", ts(2, stamps=True), sequences | {"input_size": 2}, file="x.ts"),
        text("ts, no labels", ts(label="@classLabel false"), regression, file="x.ts"),
        Good(
            "ts, train and test",
            [("X_TRAIN.ts", ts().encode()), ("X_TEST.ts", ts().encode())],
            {"train_size": 20},
            "as the files are named",
        ),
    ]


def _several_files() -> list[Good]:
    walks = [
        (f"walking_{i}.csv", table([[t, float(rng.normal())] for t in range(30)], ",", ["t", "x"]).encode())
        for i in range(4)
    ]
    runs = [(name.replace("walking", "running"), data) for name, data in walks]
    labelled = table([[i, round(float(v), 3), i % 2] for i, v in enumerate(WAVE)], ",", ["t", "x", "y"]).encode()
    by_file = {"layout": "long", "id": "file"}
    return [
        Good("several files, one series each", walks, by_file | {"targets": ("x",)}),
        Good(
            "several files, classes in their names",
            walks + runs,
            by_file | {"targets": ("label by file name",), "target": "binary"},
        ),
        Good(
            "several files of a labelled series",
            [("a.csv", labelled), ("b.csv", labelled)],
            by_file | {"targets": ("y",)},
        ),
    ]


SEQUENCES = _long_tables() + _rows() + _ts_files() + _several_files()
