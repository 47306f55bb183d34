"""A case of the corpus of real kinds of files, and how what was found is judged."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncore.config import UploadData, UploadedFile
from rnncore.data import DataError
from rnncore.data.upload import Inspection, inspect


@dataclass
class Case:
    """Files and what they must be found to be.

    expect: attributes of the Inspection, its options or its data set; "sequences": how many there are; "first": column
    -> first values of the sample; "note": a pattern that some note matches; "error": one that the sentence matches.
    asked: whether it is as good to name the expected reading among the alternatives. options: chosen by hand.
    """

    name: str
    files: list[tuple[str, bytes]]
    expect: dict[str, Any] = field(default_factory=dict)
    asked: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def csv(
    header: str | None, rows: Iterable[Sequence[Any]], name: str = "x.csv", mark: str = ","
) -> list[tuple[str, bytes]]:
    lines = [header] if header is not None else []
    lines += [mark.join("" if cell is None else str(cell) for cell in row) for row in rows]
    return [(name, ("\n".join(lines) + "\n").encode())]


def read(case: Case) -> Inspection | str:
    options = UploadData(files=(UploadedFile(file="x"),), **case.options) if case.options else None
    try:
        return inspect(case.files, options)
    except DataError as error:
        return str(error)


def faults(case: Case, found: Inspection | str) -> list[str]:
    """Return what is not as expected."""
    expect = dict(case.expect)
    wrong = expect.pop("error", None)
    message = found if isinstance(found, str) else found.error
    if wrong is not None:
        return [] if message and re.search(wrong, message) else [f"error: {message!r}"]
    if isinstance(found, str) or found.dataset is None:
        return [f"refused: {message}"]
    return [
        f"{name}: {got!r} instead of {want!r}"
        for name, want in expect.items()
        if not _fits(name, want, got := _found(found, name, want))
    ]


def _found(found: Inspection, name: str, want: Any) -> Any:
    assert found.dataset is not None
    if name in ("note", "without"):
        return found.notes
    if name == "sequences":
        return _sequences(found)
    if name == "first":
        places = {each: place for place, each in enumerate(found.sample_names)}
        return {
            each: found.sample[: len(values), places[each]].tolist() if each in places else None
            for each, values in want.items()
        }
    if name == "classes":
        return len(found.dataset.class_names or ())
    for holder in (found, found.options, found.dataset):
        if hasattr(holder, name):
            return getattr(holder, name)
    raise AttributeError(name)


def _sequences(found: Inspection) -> int:
    for note in found.notes:
        if match := re.search(
            r"([\d,]+) sequences? (?:told apart|, one per row|with a text)|([\d,]+) sequences, one per row", note
        ):
            return int((match[1] or match[2]).replace(",", ""))
    return 1


def _fits(name: str, want: Any, got: Any) -> bool:
    if name == "note":
        return all(any(re.search(each, note) for note in got) for each in ([want] if isinstance(want, str) else want))
    if name == "without":
        return not any(re.search(want, note) for note in got)
    if name == "first":
        return all(
            got[each] is not None and np.allclose(got[each], values, equal_nan=True) for each, values in want.items()
        )
    if isinstance(want, re.Pattern):
        return bool(want.search(str(got)))
    if isinstance(want, set):
        return set(got or ()) == want
    return bool(got == want)


def verdict(case: Case) -> tuple[str, list[str]]:
    """Return "right", "asked" or "wrong", and what is not as expected."""
    found = read(case)
    own = faults(case, found)
    if not own:
        return "right", []
    if isinstance(found, Inspection):
        for other in found.alternatives:
            again = inspect(case.files, other.options)
            if not faults(case, again):
                return "asked", own
    return "wrong", own
