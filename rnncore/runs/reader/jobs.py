"""What a reader does with files: one function for each kind of request, from JSON and bytes to JSON and arrays."""

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncore.config import TrainConfig, UploadData
from rnncore.data.findings import Arrays, DataSummary
from rnncore.data.formats import Source
from rnncore.data.sources import read_source, reading
from rnncore.data.upload import Alternative, ColumnFact, Inspection, prepare
from rnncore.errors import ConfigError
from rnncore.registry import PLUGINS, load_plugins
from rnncore.script import script_files, script_of

Files = Sequence[tuple[str, bytes]]  # (name, content)
Reply = tuple[dict[str, Any], Arrays]

DRAWN_COLUMNS = 6  # of the sample: those to be predicted first
KEPT_SOURCES = 2
_HEAD_CELL = 200  # characters of a cell of the first rows


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What uploaded files are and become: an `Inspection` whose data set is a summary.

    summary: of the data set, None with `inspection.error`. `inspection.dataset` is always None, its sample has at most
    `DRAWN_COLUMNS` of the `sample_columns` that there are.
    """

    inspection: Inspection
    summary: DataSummary | None
    sample_columns: int

    def to_parts(self) -> Reply:
        """Return a JSON-ready dict and arrays by name."""
        found = self.inspection
        plain: dict[str, Any] = {
            "layout": found.layout,
            "options": found.options.model_dump(mode="json"),
            "rows": found.rows,
            "columns": [asdict(fact) for fact in found.columns],
            "head": found.head,
            "sample_names": found.sample_names,
            "notes": found.notes,
            "error": found.error,
            "title": found.title,
            "reason": found.reason,
            "parts": found.parts,
            "alternatives": [
                {
                    "title": other.title,
                    "reason": other.reason,
                    "options": other.options.model_dump(mode="json"),
                    "sample_names": other.sample_names,
                }
                for other in found.alternatives
            ],
            "summary": None,
            "sample_columns": self.sample_columns,
        }
        arrays: Arrays = {"sample": found.sample}
        arrays |= {f"sample of {place}": other.sample for place, other in enumerate(found.alternatives)}
        if self.summary is not None:
            plain["summary"], more = self.summary.to_parts()
            arrays |= more
        return plain, arrays

    @classmethod
    def from_parts(cls, plain: dict[str, Any], arrays: Arrays) -> Self:
        """Undo `to_parts`."""
        summary = plain["summary"] and DataSummary.from_parts(plain["summary"], arrays)
        inspection = Inspection(
            layout=plain["layout"],
            options=UploadData.model_validate(plain["options"]),
            rows=plain["rows"],
            columns=tuple(ColumnFact(**fact) for fact in plain["columns"]),
            head=plain["head"],
            sample=arrays["sample"],
            sample_names=tuple(plain["sample_names"]),
            notes=tuple(plain["notes"]),
            dataset=None,
            error=plain["error"],
            title=plain["title"],
            reason=plain["reason"],
            parts=tuple(plain["parts"]),
            alternatives=tuple(
                Alternative(
                    other["title"],
                    other["reason"],
                    UploadData.model_validate(other["options"]),
                    arrays[f"sample of {place}"],
                    tuple(other["sample_names"]),
                )
                for place, other in enumerate(plain["alternatives"])
            ),
        )
        return cls(inspection, summary, plain["sample_columns"])


class Inspector:
    """Inspects files; what was read last is kept, so that another choice about the same files reads nothing anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Source] = OrderedDict()

    def __call__(self, request: dict[str, Any], files: Files) -> Reply:
        """Return the `Findings` of `request["options"]` (an `UploadData`) in parts. Raises DataError."""
        options = UploadData.model_validate(request["options"])
        found = prepare(self._source(options, files), options)
        summary = None if found.dataset is None else DataSummary.of(found.dataset)
        return Findings(_bounded(found), summary, len(found.sample_names)).to_parts()

    def _source(self, options: UploadData, files: Files) -> Source:
        wanted = reading(options)
        source = self._kept.pop(wanted, None)
        if source is None:
            while len(self._kept) >= KEPT_SOURCES:
                self._kept.popitem(last=False)  # given back before the next one is made
            source = read_source(files, options)
        self._kept[wanted] = source
        return source


def _bounded(found: Inspection) -> Inspection:
    """Return an inspection without its data set, with no more of its samples and first rows than is shown."""
    head = [{name[:_HEAD_CELL]: cell[:_HEAD_CELL] for name, cell in row.items()} for row in found.head]
    sample, names = _drawn(found.sample, found.sample_names, found.options.targets)
    others = []
    for other in found.alternatives:
        drawn, drawn_names = _drawn(other.sample, other.sample_names, other.options.targets)
        others.append(replace(other, sample=drawn, sample_names=drawn_names))
    return replace(
        found, head=head, sample=sample, sample_names=names, dataset=None, alternatives=tuple(others)
    )  # fmt: skip


def _drawn(
    sample: NDArray[np.float64], names: tuple[str, ...], targets: tuple[str, ...] | None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the columns of a sample that are drawn, those to be predicted first."""
    order = sorted(range(len(names)), key=lambda place: names[place] not in (targets or ()))[:DRAWN_COLUMNS]
    return np.ascontiguousarray(sample[:, order]) if order else sample, tuple(names[place] for place in order)


def _script(request: dict[str, Any], files: Files) -> Reply:
    """Return `request["config"]` as a script, or the problem that there is none. Raises DataError."""
    events = [(int(step), str(name), float(value)) for step, name, value in request["events"]]
    try:
        text = script_of(config_of_request(request), dict(files).__getitem__, events)
    except ConfigError as error:
        return {"script": "", "problem": str(error)}, {}
    return {"script": text, "problem": ""}, {}


def _script_files(request: dict[str, Any], files: Files) -> Reply:
    """Return the files beside the script, as bytes. Raises DataError."""
    made = script_files(config_of_request(request), dict(files).__getitem__)
    return {}, {name: np.frombuffer(content, np.uint8) for name, content in made.items()}


def config_of_request(request: dict[str, Any]) -> TrainConfig:
    """Return the config of a request; plugins, which it may name entries of, are imported only here."""
    load_plugins(os.environ.get(PLUGINS, ""))
    return TrainConfig.model_validate(request["config"])


# What a reader can be asked for; each is made once for each process.
JOBS: dict[str, Callable[[], Callable[[dict[str, Any], Files], Reply]]] = {
    "inspect": Inspector,
    "script": lambda: _script,
    "script_files": lambda: _script_files,
}
