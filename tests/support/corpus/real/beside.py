"""A third batch: labels in files of their own, archives of many tables, nested JSON, and windows in any order."""

import json
from datetime import date, timedelta

import numpy as np

from tests.support.corpus.build import npz
from tests.support.corpus.real.case import Case, csv
from tests.support.formats import zipped

rng = np.random.default_rng(32)
W = np.round(60 + rng.normal(size=900).cumsum(), 2)
LONG, HELD = {"layout": "long"}, {"layout": "sequences"}
WORDS = ["a", "series", "of", "good", "and", "bad", "films"]
LENGTHS = (31, 49, 66, 47, 58, 75, 40, 36)
ENGINES = [(n + 1, t + 1, *rng.normal(size=4).round(3)) for n, length in enumerate(LENGTHS) for t in range(length)]
LEFT = csv(None, [(int(v),) for v in rng.integers(20, 140, 8)], "RUL_FD001.txt")


def engines(name: str) -> list[tuple[str, bytes]]:
    return csv(None, ENGINES, name, " ")


def member(files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    return files[0]


def _labels() -> list[Case]:
    signals = csv("subject,t,x,y", [row[:4] for row in ENGINES], "signals.csv")
    diagnoses = csv(
        "subject,diagnosis", [(n, "sick" if n % 2 else "well") for n in rng.permutation(8) + 1], "labels.csv"
    )
    paths = [csv("rss 1,rss 2", rng.normal(size=(int(n), 2)).round(3), f"run_{p + 1}.csv")[0]
             for p, n in enumerate(rng.integers(20, 40, 24))]  # fmt: skip
    answers = csv("sequence_ID,class_label", [(p + 1, (1, -1)[p % 2]) for p in range(24)], "run_target.csv")
    groups = csv("sequence_ID,group", [(p + 1, p % 3) for p in range(24)], "groups.csv")
    named = csv("file,mood", [(f"run_{p + 1}.csv", "ab"[p % 2]) for p in range(24)], "index.csv")
    readme = ("about_the_data.txt", b"Recorded in a corridor. Every file is a walk of one person past four anchors.\n")
    left_out = r"left out\. Upload it with the one file"
    return [
        Case("what is left of each engine", engines("test_FD001.txt") + LEFT,
             {**LONG, "id": "column 1", "targets": ("label",), "target": "regression", "sequences": 8}),
        Case("what is left of the engines of one of two files",
             engines("train_FD001.txt") + engines("test_FD001.txt") + LEFT,
             {**LONG, "sequences": 16, "note": left_out}),
        Case("labels by a key of both files", signals + diagnoses,
             {**LONG, "id": "subject", "targets": ("diagnosis",), "target": "binary", "sequences": 8}),
        Case("labels by the number of the file", [*paths, *answers],
             {**LONG, "id": "file", "targets": ("class_label",), "sequences": 24}, asked=True),
        Case("labels by the name of the file", [*paths, *named],
             {**LONG, "id": "file", "targets": ("mood",), "sequences": 24}, asked=True),
        Case("a folder of recordings, two files of labels and a description",
             [("walks.zip", zipped(readme, *(("data/" + n, c) for n, c in (*paths, *answers)), *groups))],
             {**LONG, "targets": ("class_label",), "sequences": 24,
              "note": ["Texts beside the tables left out", "other labels"]}, asked=True),
    ]  # fmt: skip


def _folders() -> list[Case]:
    kinds = {"pos": ["good", "great", "loved"], "neg": ["bad", "boring", "hated"]}
    texts = [(f"films/{part}/{kind}/{n}.txt", " ".join(rng.choice(words, 30)).encode())
             for part in ("train", "test") for kind, words in kinds.items() for n in range(6)]  # fmt: skip
    held = {"layout": "text", "target": "binary", "classes": 2, "train_size": 12, "note": "as the files are named"}
    return [Case("folders of train and test, each of classes", texts, held)]


def _tables() -> list[Case]:
    days = [str(date(2010, 2, 5) + timedelta(7 * n)) for n in range(100)]
    stores = csv("Store,Type,Size", [(n, "ABC"[n % 3], 1000 + n) for n in range(1, 46)], "stores.csv")
    weather = csv(
        "Store,Date,Temp,Fuel", [(s, d, W[n], n / 7) for s in (1, 2, 3) for n, d in enumerate(days)], "features.csv"
    )
    sales = csv(
        "Store,Date,Weekly_Sales", [(s, d, W[50 * s + n]) for s in (1, 2, 3) for n, d in enumerate(days)], "train.csv"
    )
    sample = "sample.csv", "Id,W\n1,0\n"
    choices = [(p, m, int(m == c), int(rng.integers(0, 90)), int(rng.integers(10, 90)))
               for p in range(1, 61) for c in [rng.integers(1, 5)] for m in (1, 2, 3, 4)]  # fmt: skip
    phrases = csv("PhraseId,SentenceId,Phrase,Sentiment",
                  [(n, n // 4 + 1, " ".join(rng.choice(WORDS, 7)), rng.integers(0, 5))
                   for n in range(120)], "train.tsv", "\t")  # fmt: skip
    return [
        Case("an archive of different tables", [("w.zip", zipped(*stores, *weather, *sales, sample))],
             {**LONG, "id": "Store", "time": "Date", "targets": ("Weekly_Sales",), "part": "train.csv"}),
        Case("choices of a person", csv("individual,mode,choice,ttme,invc", choices), {"layout": "series"}, asked=True),
        Case("phrases with numbers of both", phrases,
             {"layout": "text", "targets": ("Sentiment",), "alternatives": ()}),
    ]  # fmt: skip


def _json() -> list[Case]:
    days = [str(date(2020, 1, 1) + timedelta(n)) for n in range(90)]
    sites = [{"site": s, "readings": [{"t": t, "v": float(v)} for t, v in enumerate(W[40 * k : 40 * k + 30 + k])]}
             for k, s in enumerate("abcd")]  # fmt: skip
    shares = {
        s: [{"date": d, "close": float(v)} for d, v in zip(days, W[90 * k :], strict=False)]
        for k, s in enumerate("XYZ")
    }
    lists = [{"id": s, "time": days[: 40 + k], "v": W[50 * k : 50 * k + 40 + k].tolist()} for k, s in enumerate("abc")]

    def case(name: str, content: object, **expect: object) -> Case:
        return Case(name, [("x.json", json.dumps(content).encode())], {**LONG, **expect})

    return [
        case("records inside of records", sites, id="site", time="t", targets=("v",), sequences=4),
        case("records by the name of a share", shares, id="key", time="date", targets=("close",), sequences=3),
        case("times beside lists of numbers", lists, id="id", time="time", targets=("v",), sequences=3),
    ]


def _windows() -> list[Case]:
    cut = np.stack([W[start : start + 20] for start in range(480)])
    order = rng.permutation(480)
    wide = np.stack([W[start : start + 16] for start in range(0, 480, 4)])
    two = np.stack([wide, np.sqrt(wide)], 2)[rng.permutation(120)]
    answers = W[20:500]
    train, test = np.sort(order[:400]), np.sort(order[400:])
    lags = [[*W[n : n + 10], W[n + 10]] for n in rng.permutation(300)]
    header = ",".join([f"t-{lag}" for lag in range(10, 0, -1)] + ["y"])
    split = ["in another order", "in the order of time"]
    return [
        Case("windows in any order", [("x.npz", npz(X=cut[order, :, None], y=answers[order]))],
             {**HELD, "note": split}),
        Case("windows of two columns in any order", [("x.npz", npz(x=two, labels=np.arange(120) % 2))],
             {**HELD, "note": split}),
        Case("windows whose own split overlaps",
             [("x.npz", npz(X_train=cut[train], y_train=answers[train], X_test=cut[test], y_test=answers[test]))],
             {**HELD, "note": ["own split is not used", "in the order of time"]}),
        Case("windows whose own split overlaps at its border",
             [("x.npz", npz(X_train=cut[:400], y_train=answers[:400], X_test=cut[400:], y_test=answers[400:]))],
             {**HELD, "note": ["20 windows for training that reach", "as the files are named"], "train_size": 380}),
        Case("lags in any order", csv(header, lags), {"layout": "rows", "targets": ("y",), "note": split}),
        Case("curves that do not overlap", [("x.npz", npz(X=rng.normal(size=(200, 30)), y=rng.integers(0, 3, 200)))],
             {**HELD, "note": "drawn at random", "without": "overlap"}),
    ]  # fmt: skip


BESIDE = _labels() + _folders() + _tables() + _json() + _windows()
