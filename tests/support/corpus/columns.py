"""Text tables of one series whose columns have different parts to play: inputs, targets, and some of no use."""

from tests.support.corpus.build import TWO, WAVES, Good, csv

NUMBERED = [(i, a, b) for i, (a, b) in enumerate(WAVES)]

COLUMNS: list[Good] = [
    csv("constant column", "a,b,c", [(a, b, 7) for a, b in WAVES], TWO, "constant"),
    csv("copied column", "a,b,copy", [(a, b, a) for a, b in WAVES], TWO, "a copy"),
    csv("empty column", "a,b,c", [(a, b, "") for a, b in WAVES], TWO, "empty"),
    csv("index column", ",a,b", NUMBERED, TWO, "row counter"),
    csv("words as inputs", "a,wind,b", [(a, "NSEW"[i % 4], b) for i, a, b in NUMBERED], TWO | {"input_size": 6}),
    csv("booleans", "a,open,b", [(a, i % 3 == 0, b) for i, a, b in NUMBERED], TWO | {"input_size": 4}),
    csv(
        "formulas are text",
        "a,f,b",
        [(a, "=1+1" if i % 2 else "<b>x</b>", b) for i, a, b in NUMBERED],
        TWO | {"input_size": 4},
    ),
    csv(
        "class to predict",
        "a,b,label",
        [(a, b, "up" if i % 3 else "down") for i, a, b in NUMBERED],
        {"layout": "series", "target": "binary", "targets": ("label",)},
    ),
    csv(
        "three classes",
        "a,b,class",
        [(a, b, i % 3) for i, a, b in NUMBERED],
        {"layout": "series", "target": "multiclass", "output_size": 3},
    ),
]
