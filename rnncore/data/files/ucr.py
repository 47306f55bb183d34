"""The `.ts` format of the UCR and UEA archives becomes `Sequences`."""

import re

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.decode import to_utf8
from rnncore.data.files.limits import MAX_CELLS, MAX_COLUMNS
from rnncore.data.files.table import shorten
from rnncore.data.sequences import Feature, Labels, Sequences, class_labels, columns_of, offsets_of
from rnncore.words import many

_TAG = re.compile(r"^@(\w+)\s*(.*)$")
_PARENTHESIS_OR_COLON = re.compile("[():]")
_STAMPED = re.compile(r"\(([^,()]*),([^()]*)\)")


def read_ts(data: bytes, name: str) -> Sequences:
    """Read a `.ts` file: dimensions split by ':', values by ',', the class or target value last, '?' for missing.

    Raises:
        DataError: no @data, or a line that does not fit; the line is named.
    """
    text, _ = to_utf8(data, name)
    tags: dict[str, str] = {}
    cases: list[NDArray[np.float64]] = []
    answers: list[str] = []
    inside, cells = False, 0
    for number, line in enumerate(text.decode("utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if not inside:
            if match := _TAG.match(line):
                tags[match[1].lower()] = match[2].strip()
                inside = match[1].lower() == "data"
            continue
        parts = _dimensions(line)
        if _has_answer(tags):
            answers.append(parts.pop().strip())
        if len(parts) > MAX_COLUMNS:
            raise DataError(
                f"Line {number:,} of '{name}' has {len(parts):,} dimensions; at most {MAX_COLUMNS:,} can be read."
            )
        case = _case(parts, name, number)
        if cases and case.shape[1] != cases[0].shape[1]:
            raise DataError(
                f"Line {number:,} of '{name}' has {many(case.shape[1], 'dimension')} where the first case has "
                f"{cases[0].shape[1]}."
            )
        cells += case.size
        if cells > MAX_CELLS:
            raise DataError(f"'{name}' holds more than {MAX_CELLS:,} values; that many cannot be read.")
        cases.append(case)
    if not cases:
        raise DataError(f"'{name}' has no cases after '@data'.")
    width = cases[0].shape[1]
    columns = tuple(Feature("value" if width == 1 else f"dimension {place + 1}") for place in range(width))
    ids = tuple(str(place + 1) for place in range(len(cases)))
    every, labels = tuple(range(width)), _labels(answers, tags, name)
    offsets = offsets_of([len(case) for case in cases])
    targets = () if labels else (width - 1,)
    return Sequences(name, columns, columns_of(np.concatenate(cases)), offsets, ids, every, targets, labels)


def _dimensions(line: str) -> list[str]:
    """Split a case at the colons that stand outside of parentheses: inside, they belong to times."""
    if "(" not in line:
        return line.split(":")
    parts, start, depth = [], 0, 0
    for match in _PARENTHESIS_OR_COLON.finditer(line):
        if match[0] == ":":
            if depth == 0:
                parts.append(line[start : match.start()])
                start = match.end()
        else:
            depth = max(0, depth + (1 if match[0] == "(" else -1))
    return [*parts, line[start:]]


def _has_answer(tags: dict[str, str]) -> bool:
    return any(tags.get(tag, "false").lower().startswith("true") for tag in ("classlabel", "targetlabel"))


def _case(parts: list[str], name: str, number: int) -> NDArray[np.float64]:
    rows = []
    for part in parts:
        words = [value for _, value in _STAMPED.findall(part)] if "(" in part else part.split(",")
        try:
            rows.append([np.nan if word.strip() in ("?", "", "NaN") else float(word) for word in words])
        except ValueError as error:
            raise DataError(f"Line {number:,} of '{name}' holds no number: {shorten(str(error)[-40:])}.") from None
    longest = max(map(len, rows), default=0)
    if longest == 0:
        raise DataError(f"Line {number:,} of '{name}' holds no values.")
    if longest * len(rows) > MAX_CELLS:
        raise DataError(f"Line {number:,} of '{name}' holds more than {MAX_CELLS:,} values; that many cannot be read.")
    case = np.full((longest, len(rows)), np.nan)
    for place, row in enumerate(rows):
        case[: len(row), place] = row
    used = ~np.isnan(case).all(1)
    return case[: int(np.flatnonzero(used)[-1]) + 1] if used.any() else case[:1]


def _labels(answers: list[str], tags: dict[str, str], name: str) -> Labels | None:
    if not answers:
        return None
    if tags.get("targetlabel", "false").lower().startswith("true"):
        try:
            return Labels(("target",), np.array([[float(answer)] for answer in answers]))
        except ValueError:
            raise DataError(f"A target value of '{name}' is no number.") from None
    return class_labels("class", answers)
