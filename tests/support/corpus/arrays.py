"""Files that are no tables of text: arrays of numpy, Parquet, and plain text to predict the next character of."""

import numpy as np
import pyarrow as pa

from tests.support.corpus.build import DAYS, OTHER, SERIES, WAVE, Good, X, Y, npy, npz, parquet, rng, text

STORY = "It was a bright cold day in April, and the clocks were striking thirteen; nobody minded much. " * 40


def _arrays() -> list[Good]:
    data = {"layout": "sequences", "target": "multiclass", "output_size": 3, "input_size": 2, "seq_len": 12}
    return [
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
    ]


def _parquet_files() -> list[Good]:
    return [
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
    ]


def _texts() -> list[Good]:
    as_text = {"layout": "text"}
    return [
        text("text", STORY, as_text | {"target": "multiclass"}, file="story.txt"),
        text("text, latin-1", STORY.replace("cold", "café").encode("latin-1"), as_text, file="story.txt"),
        Good("text, several files", [("a.txt", STORY.encode()), ("b.txt", STORY.encode())], as_text),
        text("text with commas in lines", "roses are red, violets are blue,\n" * 60, as_text, file="poem.txt"),
        text("source code", "def f(x):\n    return [x, x + 1]\n" * 60, as_text, file="model.py"),
    ]


ARRAYS = _arrays() + _parquet_files() + _texts()
