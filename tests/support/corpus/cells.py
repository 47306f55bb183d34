"""Text tables whose cells are written in every manner: numbers with marks, missing values, and times."""

import numpy as np

from tests.support.corpus.build import DAYS, OTHER, SERIES, TWO, WAVE, Good, csv, dated, table, text

NO_TIME = SERIES | {"time": ""}


def _numbers() -> list[Good]:
    points = [[f"{1e6 * v:,.2f}".translate(str.maketrans(",.", ".,"))] for v in WAVE]
    spaces = [[f"{1e6 * v:,.2f}".replace(",", " "), 1.5 * v] for v in WAVE]
    return [
        csv("thousands commas", "value", [[f'"{1e6 * v:,.2f}"'] for v in WAVE], NO_TIME),
        text("thousands points", table(points, ";", ["value"]), NO_TIME),
        text("thousands spaces", table(spaces, ";", ["value", "b"]), TWO),
        csv("percent", "date,value", [(d, f"{v}%") for d, v in zip(DAYS, WAVE, strict=True)], SERIES),
        csv("currency", "date,value", [(d, f'"${1000 * v:,.2f}"') for d, v in zip(DAYS, WAVE, strict=True)], SERIES),
        csv("exponents", "value", [[f"{v:.3e}"] for v in WAVE], NO_TIME),
        csv("signs", "value", [[f"{v:+.2f}"] for v in OTHER], NO_TIME),
    ]


def _holes(*words: str) -> str:
    """Return the series of days with these words in place of some values."""
    lines = dated().splitlines()
    for place, word in enumerate(words):
        day = lines[10 + 7 * place].split(",")[0]
        lines[10 + 7 * place] = f"{day},{word}"
    return "\n".join(lines) + "\n"


def _missing() -> list[Good]:
    return [
        text("missing words", _holes("NA", "n/a", "null", "-", "?", ""), SERIES, "missing"),
        text("few wrong cells", _holes("broken", "n. a."), SERIES, "no number"),
        text("hash for missing", _holes("#N/A", "#DIV/0!"), SERIES, "missing"),
    ]


def _times() -> list[Good]:
    days = dated()
    first, *rest = days.splitlines()
    steps = range(120)
    quarters = [f"{1990 + i // 4}Q{i % 4 + 1}" for i in steps]
    months = [f"{1990 + i // 12}-{i % 12 + 1:02d}" for i in steps]
    minutes = [f"2020-01-01T{i // 60:02d}:{i % 60:02d}:00Z" for i in steps]
    return [
        text("unsorted days", "\n".join([first, *rest[::-1]]) + "\n", SERIES, "sorted"),
        text("a gap in the days", "\n".join([first, *rest[:39], *rest[59:]]) + "\n", SERIES, "irregular"),
        csv("years", "year,value", enumerate(WAVE, 1900), SERIES | {"time": "year"}),
        text("day numbers", days.replace("-", ""), SERIES),
        csv("quarters", "date,value", zip(quarters, WAVE, strict=True), SERIES),
        csv("months", "date,value", zip(months, WAVE, strict=True), SERIES),
        csv("clock times", "date,value", zip(minutes, WAVE, strict=True), SERIES),
    ]


def _patterns() -> list[Good]:
    """Dates in the usual manners of writing them."""
    days = [np.datetime64(day).astype(object) for day in DAYS]
    patterns = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%d %b %Y", "%b %d, %Y", "%Y/%m/%d %H:%M", "%d.%m.%y %H:%M:%S")
    return [
        text(
            f"days as {pattern}",
            table([[day.strftime(pattern), v] for day, v in zip(days, WAVE, strict=True)], ";", ["when", "value"]),
            SERIES | {"time": "when"},
        )
        for pattern in patterns
    ]


CELLS = _numbers() + _missing() + _times() + _patterns()
