"""Texts with a label each, texts to be continued, and lines of numbers."""

import numpy as np

from tests.support.corpus.real.case import Case, csv

rng = np.random.default_rng(20)
GOOD = ["a wonderful film with a great cast", "I loved every minute of it", "brilliant and moving", "the best in years"]
POOR = ["a dull and tired story", "I walked out after an hour", "badly acted and far too long", "the worst in years"]
NAMES = {
    "Italian": ["Abate", "Bianchi", "Conti", "Esposito", "Ferrari", "Gallo", "Longo", "Marino", "Rizzo", "Serra"],
    "Japanese": ["Abe", "Endo", "Fujita", "Hayashi", "Ito", "Kato", "Mori", "Ogawa", "Sato", "Tanaka"],
    "Russian": ["Abramov", "Belov", "Danilov", "Ershov", "Gusev", "Ivanov", "Lebedev", "Morozov", "Orlov", "Popov"],
}
LABELLED = {"layout": "text", "per_step": False}


def reviews(count: int = 120) -> list[tuple[str, int]]:
    return [(f"{[GOOD, POOR][p % 2][p // 2 % 4]}, part {p}; {'really' * (p % 3)}", p % 2) for p in range(count)]


def _labelled() -> list[Case]:
    quoted = [(f'"{text}"', ["positive", "negative"][kind]) for text, kind in reviews()]
    sms = "\n".join(f"{['spam', 'ham'][kind]}\t{text}" for text, kind in reviews()) + "\n"
    tweets = [
        (4 * kind, 1467810369 + p, "Mon Apr 06 22:19:45 PDT 2009", "NO_QUERY", f"user{p}", f'"{text}"')
        for p, (text, kind) in enumerate(reviews())
    ]
    people = [(name, land) for land, names in NAMES.items() for name in names]
    spam = "\n".join(["v1,v2,,,"] + [f'{["spam", "ham"][kind]},"{text}",,,' for text, kind in reviews()]) + "\n"
    folders = [(f"{['pos', 'neg'][kind]}/{p}_9.txt", text.encode()) for p, (text, kind) in enumerate(reviews(40))]
    lands = [(f"{land}.txt", "\n".join(names).encode()) for land, names in NAMES.items()]
    lines = [
        (f"{name}.txt", ".\n".join(text for text, kind in reviews(60) if kind == own).encode() + b".\n")
        for name, own in (("positive", 0), ("negative", 1))
    ]
    return [
        Case("reviews", csv("review,sentiment", quoted), {**LABELLED, "targets": ("sentiment",), "target": "binary"}),
        Case(
            "text and label",
            csv("text,label", [(f'"{text}"', kind) for text, kind in reviews()]),
            {**LABELLED, "targets": ("label",), "target": "binary"},
        ),
        Case("messages, tabs and no header", [("SMSSpamCollection", sms.encode())], {**LABELLED, "target": "binary"}),
        Case("messages as txt", [("messages.txt", sms.encode())], {**LABELLED, "target": "binary"}),
        Case("spam with empty columns", [("spam.csv", spam.encode("latin-1"))], {**LABELLED, "targets": ("v1",)}),
        Case("tweets without a header", csv(None, tweets), {**LABELLED, "targets": ("column 1",), "target": "binary"}),
        Case("names and languages", csv("name,language", people), {**LABELLED, "targets": ("language",), "classes": 3}),
        Case("a folder for each class", folders, {**LABELLED, "target": "binary"}),
        Case("names, a file for each language", lands, {**LABELLED, "classes": 3}),
        Case("lines, a file for each class", lines, {**LABELLED, "target": "binary"}, asked=True),
        Case(
            "reviews with a rating of other things",
            csv(
                "id,review,stars,helpful",
                [(p, f'"{text}"', 1 + 4 * kind, p % 7) for p, (text, kind) in enumerate(reviews())],
            ),
            {**LABELLED, "targets": ("stars",)},
            asked=True,
        ),
    ]


def _others() -> list[Case]:
    ages = ("wisdom", "foolishness", "belief", "incredulity", "light", "darkness")
    verse = [
        f"it was the age of {age}, it was the time of {ages[5 - place]} and more,\n" for place, age in enumerate(ages)
    ]
    prose = "".join(verse) * 15
    ragged = "\n".join(" ".join(f"{v:.3f}" for v in rng.normal(size=12 + p % 9).cumsum()) for p in range(40)) + "\n"
    commas = ragged.replace(" ", ",")
    classed = (
        "\n".join(
            f"{p % 3} " + " ".join(f"{v:.3f}" for v in rng.normal(size=12 + p % 9).cumsum() + p % 3) for p in range(60)
        )
        + "\n"
    )
    books = [("a.txt", prose.encode()), ("b.txt", prose.replace("times", "years").encode())]
    split = [("ptb.train.txt", prose.encode() * 4), ("ptb.valid.txt", prose.encode()), ("ptb.test.txt", prose.encode())]
    words = csv("city,note,visitors", [(["Oslo", "Lima"][p % 2], "x", int(rng.integers(9, 99))) for p in range(100)])
    return [
        Case(
            "two books",
            books,
            {"layout": "text", "per_step": True, "note": "of each the end is for validation"},
            asked=True,
        ),
        Case("a book", [("book.txt", prose.encode())], {"layout": "text", "per_step": True}),
        Case(
            "texts split by their names",
            split,
            {"layout": "text", "per_step": True, "note": "the files named so are for validation"},
        ),
        Case(
            "ragged lines",
            [("x.txt", ragged.encode())],
            {"layout": "sequences", "target": "regression", "note": "Lengths|40|sequence"},
        ),
        Case("ragged lines with commas", [("x.csv", commas.encode())], {"layout": "sequences", "target": "regression"}),
        Case(
            "ragged lines with a class",
            [("x.txt", classed.encode())],
            {"layout": "sequences", "target": "multiclass", "classes": 3},
        ),
        Case("a table with words is no text", words, {"layout": re_any()}),
    ]


def _bad() -> list[Case]:
    return [
        Case(
            "a text without a label",
            csv("text", [[f'"{text}"'] for text, _ in reviews(30)]),
            {"error": "no column that the network could see|text only"},
        ),
        Case("one class of texts", csv("text,label", [(f'"{text}"', 1) for text, _ in reviews(30)]), {"error": "."}),
        Case(
            "no dates in the chosen clock",
            csv("when,v", [(f"w{p % 40}", p % 7) for p in range(100)]),
            {"error": "no dates or times, first 'w0' in row 2"},
            options={"time": "when"},
        ),
        Case(
            "no sequences to tell apart",
            csv("a,b", rng.normal(size=(50, 2)).round(3).tolist()),
            {"error": "tells the sequences apart"},
            options={"layout": "long"},
        ),
        Case(
            "no texts to read",
            csv("a,b", rng.normal(size=(50, 2)).round(3).tolist()),
            {"error": "no column of texts"},
            options={"layout": "text", "targets": ("b",)},
        ),
    ]


def re_any() -> object:
    import re

    return re.compile("series|long")


TEXTS = _labelled() + _others() + _bad()
