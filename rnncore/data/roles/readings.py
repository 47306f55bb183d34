"""The ways in which a table may be read, each with a score that its values give it: the registry of readings."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.table import Table
from rnncore.registry import Choice, Registry

CLOSE = 0.15  # readings whose scores differ by less are asked about


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a table. layout, id, time: as in `UploadData`. score: 0 to 1. reason: one short sentence.

    kind: the key of its entry in READINGS. steps: step columns of each feature, where a row is a sequence; timely:
    they are named by times. text: the column of texts, where a row is one.
    """

    kind: str
    layout: str
    score: float
    reason: str
    id: str = ""
    time: str = ""
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    timely: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingKind(Choice):
    """A kind of reading: `propose` returns those of a table that its options allow."""

    propose: Callable[[Table, UploadData], list[Reading]]


READINGS: Registry[ReadingKind] = Registry("reading")


def ranked(table: Table, options: UploadData) -> list[Reading]:
    """Return the readings of a table that the options allow, the likeliest first.

    Raises:
        DataError: there is none; the sentence says what the wanted layout lacks.
    """
    found = [reading for kind in READINGS.values() for reading in kind.propose(table, options)]
    if found:
        return sorted(found, key=lambda reading: -reading.score)
    if options.layout == "rows":
        raise DataError(f"'{table.name}' has no columns of numbers that could be the steps of one sequence per row.")
    if options.layout == "text":
        raise DataError(f"'{table.name}' has no column of texts beside a label.")
    raise DataError(f"The long form needs a column that tells the sequences apart; choose one of '{table.name}'.")


def close(readings: list[Reading]) -> list[Reading]:
    """Return the readings that are nearly as likely as the first, without it."""
    return [reading for reading in readings[1:] if reading.score > readings[0].score - CLOSE][:2]
