"""Files that are read right without help; generated, so that each says what it tests."""

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


@dataclass
class Good:
    """files: (name, bytes); expect: attributes of the Inspection, its options or its dataset, by name."""

    name: str
    files: list[tuple[str, bytes]]
    expect: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def table(rows: list[list[Any]], delimiter: str = ",", header: list[str] | None = None, end: str = "\n") -> str:
    lines = [delimiter.join(header)] if header else []
    lines += [delimiter.join(map(str, row)) for row in rows]
    return end.join(lines) + end


def dated(
    form: str = "{}", decimal: str = ".", delimiter: str = ",", header: tuple[str, str] = ("date", "value")
) -> str:
    rows = [[form.format(day), str(value).replace(".", decimal)] for day, value in zip(DAYS, WAVE, strict=True)]
    return table(rows, delimiter, list(header))


def other_days(pattern: str) -> str:
    days = [np.datetime64(day).astype(object) for day in DAYS]
    return table(
        [[day.strftime(pattern), value] for day, value in zip(days, WAVE, strict=True)], ";", ["when", "value"]
    )


def long_form(order: str = "sorted", label: str = "class", regression: bool = False) -> str:
    rows = []
    for unit in range(30):
        kind = ["calm", "wild"][unit % 2] if not regression else str(unit * 1.5)
        for step in range(10 + unit % 3):
            rows += [[f"unit{unit:02d}", step, round(float(rng.normal()), 3), unit % 2 + step * 0.1, kind]]
    if order == "shuffled":
        rng.shuffle(rows)
    return table(rows, ",", ["unit_id", "step", "a", "b", label])


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


SERIES = {"layout": "series", "time": "date", "targets": ("value",), "target": "regression", "input_size": 1}
STORY = "It was a bright cold day in April, and the clocks were striking thirteen; nobody minded much. " * 40
X = rng.normal(size=(30, 12, 2))
Y = np.arange(30) % 3


def _text_tables() -> list[Good]:
    days, plain = dated(), table([[v] for v in WAVE], header=["value"])
    german = dated(decimal=",", delimiter=";")
    wave = list(zip(WAVE, OTHER, strict=True))
    two = table([list(row) for row in wave], ",", ["a", "b"])
    both = {"layout": "series", "input_size": 2, "targets": ("b",)}
    good = [
        Good("comma", [("x.csv", days.encode())], SERIES),
        Good("semicolon", [("x.csv", dated(delimiter=";").encode())], SERIES),
        Good("tab", [("x.tsv", dated(delimiter="\t").encode())], SERIES),
        Good("bar", [("x.csv", dated(delimiter="|").encode())], SERIES),
        Good("semicolon, decimal comma", [("x.csv", german.encode())], SERIES, "decimal comma"),
        Good("tab, decimal comma", [("x.csv", dated(decimal=",", delimiter="\t").encode())], SERIES),
        Good(
            "quoted decimal comma",
            [
                (
                    "x.csv",
                    table(
                        [[d, f'"{str(v).replace(".", ",")}"'] for d, v in zip(DAYS, WAVE, strict=True)],
                        ",",
                        ["date", "value"],
                    ).encode(),
                )
            ],
            SERIES,
        ),
        Good("windows line ends", [("x.csv", days.replace("\n", "\r\n").encode())], SERIES),
        Good("old mac line ends", [("x.csv", days.replace("\n", "\r").encode())], SERIES),
        Good("no newline at the end", [("x.csv", days.rstrip().encode())], SERIES),
        Good("utf-8 mark", [("x.csv", b"\xef\xbb\xbf" + days.encode())], SERIES),
        Good("utf-16 little", [("x.csv", b"\xff\xfe" + days.encode("utf-16-le"))], SERIES, "utf-16"),
        Good("utf-16 big", [("x.csv", b"\xfe\xff" + days.encode("utf-16-be"))], SERIES, "utf-16"),
        Good("utf-16 without mark", [("x.csv", days.encode("utf-16-le"))], SERIES, "utf-16"),
        Good("utf-32", [("x.csv", days.encode("utf-32"))], SERIES, "utf-32"),
        Good(
            "latin-1",
            [("x.csv", dated(header=("date", "größe")).encode("latin-1"))],
            {**SERIES, "targets": ("größe",)},
            "cp1252",
        ),
        Good("utf-8 names", [("x.csv", dated(header=("date", "气温")).encode())], {**SERIES, "targets": ("气温",)}),
        Good(
            "all quoted",
            [
                (
                    "x.csv",
                    table(
                        [[f'"{d}"', f'"{v}"'] for d, v in zip(DAYS, WAVE, strict=True)], ",", ['"date"', '"value"']
                    ).encode(),
                )
            ],
            SERIES,
        ),
        Good(
            "quoted delimiter in a name",
            [("x.csv", ('date,"value, scaled"\n' + days.split("\n", 1)[1]).encode())],
            {**SERIES, "targets": ("value, scaled",)},
        ),
        Good(
            "quoted line break in a name",
            [("x.csv", ('date,"value\nhere"\n' + days.split("\n", 1)[1]).encode())],
            {**SERIES, "targets": ("value here",)},
        ),
        Good("comment lines on top", [("x.csv", ("# made by hand\n# in 2020\n" + days).encode())], SERIES),
        Good(
            "comment lines between", [("x.csv", days.replace("2020-02-10", "# a pause\n2020-02-10").encode())], SERIES
        ),
        Good("header in a comment", [("x.txt", ("# a b\n" + table([list(r) for r in wave], " ")).encode())], both),
        Good("title lines", [("x.csv", ("Station 7\n\nProvided as is\n" + days).encode())], SERIES, "left out"),
        Good("footer", [("x.csv", (days + "Source: the station\n").encode())], SERIES, "left out"),
        Good("blank lines", [("x.csv", days.replace("\n", "\n\n").encode())], SERIES),
        Good("empty rows", [("x.csv", (days + ",\n,\n").encode())], SERIES, "left out"),
        Good("excel's sep line", [("x.csv", ("sep=;\n" + dated(delimiter=";")).encode())], SERIES),
        Good("spaces", [("x.txt", table([list(r) for r in wave], "  ", ["a", "b"]).encode())], both),
        Good(
            "aligned columns",
            [("x.dat", "\n".join(f"{a:10.3f}{b:10.3f}" for a, b in wave).encode())],
            {"layout": "series", "input_size": 2, "targets": ("column 2",)},
        ),
        Good(
            "no header",
            [("x.csv", table([list(r) for r in wave]).encode())],
            {"layout": "series", "input_size": 2, "targets": ("column 2",)},
            "no header",
        ),
        Good("one column", [("x.csv", plain.encode())], {**SERIES, "time": ""}),
        Good(
            "one column, no header",
            [("x.csv", plain.split("\n", 1)[1].encode())],
            {**SERIES, "time": "", "targets": ("column 1",)},
        ),
        Good("txt ending", [("x.txt", days.encode())], SERIES),
        Good("no ending", [("data", days.encode())], SERIES),
        Good(
            "empty names",
            [("x.csv", ("date,\n" + days.split("\n", 1)[1]).encode())],
            {**SERIES, "targets": ("column 2",)},
        ),
        Good(
            "twice the same name",
            [("x.csv", two.replace("a,b", "a,a", 1).encode())],
            {**both, "targets": ("a (2)",)},
            "more than once",
        ),
        Good(
            "thousands commas",
            [("x.csv", table([[f'"{1e6 * v:,.2f}"'] for v in WAVE], ",", ["value"]).encode())],
            {**SERIES, "time": ""},
        ),
        Good(
            "thousands points",
            [
                (
                    "x.csv",
                    table(
                        [[f"{1e6 * v:,.2f}".translate(str.maketrans(",.", ".,"))] for v in WAVE], ";", ["value"]
                    ).encode(),
                )
            ],
            {**SERIES, "time": ""},
        ),
        Good(
            "thousands spaces",
            [
                (
                    "x.csv",
                    table([[f"{1e6 * v:,.2f}".replace(",", " "), 1.5 * v] for v in WAVE], ";", ["value", "b"]).encode(),
                )
            ],
            {**both, "targets": ("b",)},
        ),
        Good(
            "percent",
            [
                (
                    "x.csv",
                    table([[d, f"{v}%"] for d, v in zip(DAYS, WAVE, strict=True)], ",", ["date", "value"]).encode(),
                )
            ],
            SERIES,
        ),
        Good(
            "currency",
            [
                (
                    "x.csv",
                    table(
                        [[d, f'"${1000 * v:,.2f}"'] for d, v in zip(DAYS, WAVE, strict=True)], ",", ["date", "value"]
                    ).encode(),
                )
            ],
            SERIES,
        ),
        Good(
            "exponents",
            [("x.csv", table([[f"{v:.3e}"] for v in WAVE], header=["value"]).encode())],
            {**SERIES, "time": ""},
        ),
        Good(
            "signs",
            [("x.csv", table([[f"{v:+.2f}"] for v in OTHER], header=["value"]).encode())],
            {**SERIES, "time": ""},
        ),
        Good("missing words", [("x.csv", _holes(days, "NA", "n/a", "null", "-", "?", "").encode())], SERIES, "missing"),
        Good("few wrong cells", [("x.csv", _holes(days, "broken", "n. a.").encode())], SERIES, "no number"),
        Good("hash for missing", [("x.csv", _holes(days, "#N/A", "#DIV/0!").encode())], SERIES, "missing"),
        Good(
            "constant column",
            [("x.csv", table([[*r, 7] for r in wave], ",", ["a", "b", "c"]).encode())],
            both,
            "constant",
        ),
        Good(
            "copied column",
            [("x.csv", table([[a, b, a] for a, b in wave], ",", ["a", "b", "copy"]).encode())],
            both,
            "a copy",
        ),
        Good(
            "empty column",
            [("x.csv", table([[a, b, ""] for a, b in wave], ",", ["a", "b", "c"]).encode())],
            both,
            "empty",
        ),
        Good(
            "row names, shorter header",
            [("x.csv", table([[f"r{i}", *r] for i, r in enumerate(wave)], ",").replace("r0,", "a,b\nr0,", 1).encode())],
            both,
        ),
        Good(
            "index column",
            [("x.csv", table([[i, *r] for i, r in enumerate(wave)], ",", ["", "a", "b"]).encode())],
            both,
            "row counter",
        ),
        Good(
            "words as inputs",
            [
                (
                    "x.csv",
                    table([[a, "NSEW"[i % 4], b] for i, (a, b) in enumerate(wave)], ",", ["a", "wind", "b"]).encode(),
                )
            ],
            {**both, "input_size": 6},
        ),
        Good(
            "booleans",
            [("x.csv", table([[a, i % 3 == 0, b] for i, (a, b) in enumerate(wave)], ",", ["a", "open", "b"]).encode())],
            {**both, "input_size": 4},
        ),
        Good(
            "formulas are text",
            [
                (
                    "x.csv",
                    table(
                        [[a, "=1+1" if i % 2 else "<b>x</b>", b] for i, (a, b) in enumerate(wave)], ",", ["a", "f", "b"]
                    ).encode(),
                )
            ],
            {**both, "input_size": 4},
        ),
        Good("unsorted days", [("x.csv", _reversed(days).encode())], SERIES, "sorted"),
        Good("a gap in the days", [("x.csv", _without(days, 40, 60).encode())], SERIES, "irregular"),
        Good(
            "class to predict",
            [
                (
                    "x.csv",
                    table(
                        [[a, b, "up" if i % 3 else "down"] for i, (a, b) in enumerate(wave)], ",", ["a", "b", "label"]
                    ).encode(),
                )
            ],
            {"layout": "series", "target": "binary", "targets": ("label",)},
        ),
        Good(
            "three classes",
            [("x.csv", table([[a, b, i % 3] for i, (a, b) in enumerate(wave)], ",", ["a", "b", "class"]).encode())],
            {"layout": "series", "target": "multiclass", "output_size": 3},
        ),
        Good(
            "years",
            [("x.csv", table([[1900 + i, v] for i, v in enumerate(WAVE)], ",", ["year", "value"]).encode())],
            {**SERIES, "time": "year"},
        ),
        Good("day numbers", [("x.csv", days.replace("-", "").encode())], SERIES),
        Good(
            "quarters",
            [
                (
                    "x.csv",
                    table(
                        [[f"{1990 + i // 4}Q{i % 4 + 1}", v] for i, v in enumerate(WAVE)], ",", ["date", "value"]
                    ).encode(),
                )
            ],
            SERIES,
        ),
        Good(
            "months",
            [
                (
                    "x.csv",
                    table(
                        [[f"{1990 + i // 12}-{i % 12 + 1:02d}", v] for i, v in enumerate(WAVE)], ",", ["date", "value"]
                    ).encode(),
                )
            ],
            SERIES,
        ),
        Good(
            "clock times",
            [
                (
                    "x.csv",
                    table(
                        [[f"2020-01-01T{i // 60:02d}:{i % 60:02d}:00Z", v] for i, v in enumerate(WAVE)],
                        ",",
                        ["date", "value"],
                    ).encode(),
                )
            ],
            SERIES,
        ),
    ]
    for pattern in ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%d %b %Y", "%b %d, %Y", "%Y/%m/%d %H:%M", "%d.%m.%y %H:%M:%S"):
        good += [Good(f"days as {pattern}", [("x.csv", other_days(pattern).encode())], {**SERIES, "time": "when"})]
    return good


def _holes(text: str, *words: str) -> str:
    lines = text.splitlines()
    for place, word in enumerate(words):
        day = lines[10 + 7 * place].split(",")[0]
        lines[10 + 7 * place] = f"{day},{word}"
    return "\n".join(lines) + "\n"


def _reversed(text: str) -> str:
    first, *rest = text.splitlines()
    return "\n".join([first, *rest[::-1]]) + "\n"


def _without(text: str, start: int, end: int) -> str:
    lines = text.splitlines()
    return "\n".join(lines[:start] + lines[end:]) + "\n"


def _sequences() -> list[Good]:
    labelled = {"layout": "long", "id": "unit_id", "time": "step", "targets": ("class",), "target": "binary"}
    rows = {"layout": "rows", "target": "multiclass", "output_size": 3, "input_size": 1, "seq_len": 24}
    stocks = table(
        [
            [day, name, round(10 * k + float(v), 2)]
            for k, name in enumerate(["AAA", "BBB", "CCC"])
            for day, v in zip(DAYS, WAVE, strict=True)
        ],
        ",",
        ["date", "symbol", "price"],
    )
    one = table([[i, round(float(v), 3), i % 2] for i, v in enumerate(WAVE)], ",", ["t", "x", "y"])
    walk = [
        (f"walking_{i}.csv", table([[t, float(rng.normal())] for t in range(30)], ",", ["t", "x"]).encode())
        for i in range(4)
    ]
    data = {"layout": "sequences", "target": "multiclass", "output_size": 3, "input_size": 2, "seq_len": 12}
    wide = table(
        [[*map(str, np.round(np.r_[row[:, 0], row[:, 1]], 3)), y] for row, y in zip(X, Y, strict=True)],
        ",",
        [f"{f}_{t}" for f in ("x", "z") for t in range(12)] + ["label"],
    )
    return [
        Good("long form", [("x.csv", long_form().encode())], labelled),
        Good("long form, shuffled", [("x.csv", long_form("shuffled").encode())], labelled, "sorted"),
        Good(
            "long form, label named otherwise",
            [("x.csv", long_form(label="mood").encode())],
            {**labelled, "targets": ("mood",)},
        ),
        Good(
            "long form, a number for each",
            [("x.csv", long_form(regression=True).encode())],
            {**labelled, "target": "regression"},
        ),
        Good(
            "several series",
            [("x.csv", stocks.encode())],
            {"layout": "long", "id": "symbol", "time": "date", "targets": ("price",), "target": "regression"},
        ),
        Good("ucr", [("x.tsv", one_row_each().replace(",", "\t").encode())], {**rows, "targets": ("column 1",)}),
        Good(
            "ucr, label last",
            [("x.csv", one_row_each(label_first=False).encode())],
            {**rows, "targets": ("column 25",)},
        ),
        Good("ucr with header", [("x.csv", one_row_each(header=True).encode())], {**rows, "targets": ("label",)}),
        Good("ucr, ragged", [("x.csv", one_row_each(ragged=True).encode())], rows, "padded"),
        Good("ucr, spaces", [("x.txt", one_row_each().replace(",", "  ").encode())], rows),
        Good(
            "ucr, train and test",
            [
                ("X_TRAIN.tsv", one_row_each().replace(",", "\t").encode()),
                ("X_TEST.tsv", one_row_each().replace(",", "\t").encode()),
            ],
            {**rows, "train_size": 40},
            "as the files are named",
        ),
        Good("rows with two features", [("x.csv", wide.encode())], {**rows, "input_size": 2, "seq_len": 12}),
        Good(
            "years across",
            [
                (
                    "x.csv",
                    table(
                        [[f"c{i}", *np.round(rng.normal(size=30).cumsum(), 2)] for i in range(12)],
                        ",",
                        ["country", *map(str, range(1990, 2020))],
                    ).encode(),
                )
            ],
            {"layout": "rows", "target": "regression"},
        ),
        Good("ts", [("x.ts", ts().encode())], {"layout": "sequences", "target": "binary", "seq_len": 8}),
        Good("ts, several dimensions", [("x.ts", ts(3).encode())], {"layout": "sequences", "input_size": 3}),
        Good("ts, ragged", [("x.ts", ts(2, ragged=True).encode())], {"layout": "sequences", "seq_len": 10}, "padded"),
        Good(
            "ts, regression",
            [("x.ts", ts(label="@targetLabel true").encode())],
            {"layout": "sequences", "target": "regression"},
        ),
        Good("ts, time stamps", [("x.ts", ts(2, stamps=True).encode())], {"layout": "sequences", "input_size": 2}),
        Good(
            "ts, no labels",
            [("x.ts", ts(label="@classLabel false").encode())],
            {"layout": "sequences", "target": "regression"},
        ),
        Good(
            "ts, train and test",
            [("X_TRAIN.ts", ts().encode()), ("X_TEST.ts", ts().encode())],
            {"train_size": 20},
            "as the files are named",
        ),
        Good("several files, one series each", walk, {"layout": "long", "id": "file", "targets": ("x",)}),
        Good(
            "several files, classes in their names",
            [*walk, *((name.replace("walking", "running"), data) for name, data in walk)],
            {"layout": "long", "id": "file", "targets": ("label by file name",), "target": "binary"},
        ),
        Good(
            "several files of a labelled series",
            [("a.csv", one.encode()), ("b.csv", one.encode())],
            {"layout": "long", "id": "file", "targets": ("y",)},
        ),
        Good("npy, one series", [("x.npy", npy(WAVE))], {"layout": "series", "target": "regression"}),
        Good("npy, float32", [("x.npy", npy(WAVE.astype(np.float32)))], {"layout": "series"}),
        Good("npy, several features", [("x.npy", npy(np.stack([WAVE, OTHER], 1)))], {"input_size": 2}),
        Good("npy, sequences", [("x.npy", npy(X))], {"layout": "sequences", "target": "regression"}),
        Good("npz, X and y", [("x.npz", npz(X=X, y=Y))], data),
        Good(
            "npz, keras names",
            [("x.npz", npz(x_train=X, y_train=Y, x_test=X[:9], y_test=Y[:9]))],
            {**data, "train_size": 30},
            "as the files are named",
        ),
        Good("npz, words for classes", [("x.npz", npz(X=X, y=np.array(["a", "b", "c"])[Y]))], data),
        Good("npz, one-hot classes", [("x.npz", npz(X=X, y=np.eye(3)[Y]))], data),
        Good(
            "npz, numbers to predict",
            [("x.npz", npz(X=X, y=rng.normal(size=30)))],
            {**data, "target": "regression", "output_size": 1},
        ),
        Good(
            "npz, two numbers to predict",
            [("x.npz", npz(X=X, y=rng.normal(size=(30, 2))))],
            {**data, "target": "regression", "output_size": 2},
        ),
        Good("npz, columns", [("x.npz", npz(wave=WAVE, other=OTHER))], {"layout": "series", "input_size": 2}),
        Good("npz, ragged", [("x.npz", npz(a=WAVE, b=WAVE[:90], c=OTHER[:70]))], {"layout": "sequences"}),
        Good("parquet", [("x.parquet", parquet(date=np.array(DAYS, "datetime64[D]"), value=WAVE))], SERIES),
        Good("parquet, text days", [("x.parquet", parquet(date=DAYS, value=WAVE))], SERIES),
        Good("parquet, holes", [("x.parquet", parquet(date=DAYS, value=[None, *WAVE[1:]]))], SERIES, "left out"),
        Good("parquet, whole numbers", [("x.parquet", parquet(date=DAYS, value=np.arange(120) ** 2 % 37))], SERIES),
        Good(
            "parquet, words",
            [("x.parquet", parquet(date=DAYS, place=["N", "S", "E"] * 40, value=WAVE))],
            {**SERIES, "input_size": 4},
        ),
        Good(
            "parquet, decimals",
            [("x.parquet", parquet(date=DAYS, value=pa.array(WAVE).cast(pa.decimal128(12, 3))))],
            SERIES,
        ),
        Good(
            "parquet, dictionary",
            [("x.parquet", parquet(date=DAYS, place=pa.array(["N", "S"] * 60).dictionary_encode(), value=WAVE))],
            {**SERIES, "input_size": 3},
        ),
        Good("parquet with another ending", [("x.data", parquet(date=DAYS, value=WAVE))], SERIES),
        Good("text", [("story.txt", STORY.encode())], {"layout": "text", "target": "multiclass"}),
        Good("text, latin-1", [("story.txt", STORY.replace("cold", "café").encode("latin-1"))], {"layout": "text"}),
        Good("text, several files", [("a.txt", STORY.encode()), ("b.txt", STORY.encode())], {"layout": "text"}),
        Good(
            "text with commas in lines", [("poem.txt", b"roses are red, violets are blue,\n" * 60)], {"layout": "text"}
        ),
        Good("source code", [("model.py", ("def f(x):\n    return [x, x + 1]\n" * 60).encode())], {"layout": "text"}),
    ]


GOOD = _text_tables() + _sequences()
