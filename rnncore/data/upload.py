"""Uploaded files become a data set: what they are, what was found and done, and what is wrong.

`inspect` does it all; `prepare` alone does what comes after reading, so that another choice costs no second reading.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnncore.config import UploadData, UploadedFile
from rnncore.data.dataset import DataError, SequenceDataset
from rnncore.data.files.limits import MAX_FILES
from rnncore.data.files.numbers import MISSING_WORDS
from rnncore.data.files.table import Table
from rnncore.data.formats import Source
from rnncore.data.labelled import labelled_dataset
from rnncore.data.roles import reading_panel, reading_rows, reading_series, reading_texts  # noqa: F401 (they register themselves)
from rnncore.data.roles.calendar import JOINED, on_the_calendar
from rnncore.data.roles.clocks import with_clock
from rnncore.data.roles.columns import Roles, check_named, find_roles
from rnncore.data.roles.file_names import FILE_LABEL
from rnncore.data.roles.keys import with_key
from rnncore.data.roles.layouts import arrange, arrange_texts
from rnncore.data.roles.placeholders import without_placeholders
from rnncore.data.roles.readings import READINGS, Reading, close, ranked
from rnncore.data.scaling import Scaling
from rnncore.data.sequences import Labels, Sequences, numbered_classes
from rnncore.data.series import forecast_dataset
from rnncore.data.sources import read_source
from rnncore.data.tasks.text import text_dataset
from rnncore.data.texts import Texts, files_with_labels, label_of_files, lines_are_texts, lines_with_labels
from rnncore.words import many

_TEXT_WINDOW = 100
_PREVIEW_POINTS = 2_000


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """What the UI says about a column: kind ("number", "category", "time", "text", "empty"), role and what is missing.

    role: "input", "target", "input and target", "id", "time", "step" or "unused".
    """

    name: str
    kind: str
    role: str
    missing: int
    different: int | None
    example: str


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What uploaded files are and become.

    layout: "series", "long", "rows", "sequences" (the files hold sequences, no table) or "text". options: the given
    ones with layout and roles filled in. head: the first rows as text, to be shown as text. sample, sample_names: the
    first sequence to draw, (T, C) at most 2,000 steps. notes: what was found and done. dataset: ready to train on, or
    None with `error`, one sentence. title: what a row is taken to be; reason: why, one sentence. alternatives: other
    readings that are nearly as likely, empty where it is sure; choosing one is to use its options. parts: the sheets,
    files or arrays to choose from (the option `part`), empty where there is no choice. roles: of a table's columns.
    """

    layout: str
    options: UploadData
    rows: int
    columns: tuple[ColumnFact, ...]
    head: list[dict[str, str]]
    sample: NDArray[np.float64]
    sample_names: tuple[str, ...]
    notes: tuple[str, ...]
    dataset: SequenceDataset | None
    error: str | None
    title: str = ""
    reason: str = ""
    alternatives: tuple["Alternative", ...] = ()
    parts: tuple[str, ...] = ()
    roles: Roles | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """Another reading of the same files: what it takes a row to be, why, its options, and a sequence to draw.

    sample, sample_names: as in `Inspection`.
    """

    title: str
    reason: str
    options: UploadData
    sample: NDArray[np.float64]
    sample_names: tuple[str, ...]


def inspect(files: Sequence[tuple[str, bytes]], options: UploadData | None = None) -> Inspection:
    """Read files, find out layout and roles as far as the options leave them open, and prepare the data set.

    files: (name, bytes) of each; several files of one kind are one data set. options: its `files` are not read.

    Raises:
        DataError: the files cannot be read at all. What other options could mend is told in `Inspection.error`.
    """
    if options is None:
        names = [name[-500:] or "file" for name, _ in files[:MAX_FILES]] or ["file"]
        options = UploadData(files=tuple(UploadedFile(file=name, name=name) for name in names))
    return prepare(read_source(files, options), options)


def prepare(source: Source, options: UploadData, scaling: Scaling | None = None) -> Inspection:
    """Find out layout and roles of what was read, as far as the options leave them open, and prepare the data set.

    source: from `read_source` with options of the same `reading`; it is not changed. scaling: other than the options
    say, None = as they say.
    """
    parts: tuple[str, ...] = ()
    if not isinstance(source, Texts) and source.parts:
        parts, options = source.parts, options.model_copy(update={"part": source.part})
    return replace(_prepared(source, options, scaling or Scaling(options.scaling, options.scaling)), parts=parts)


def _prepared(source: Source, options: UploadData, scaling: Scaling) -> Inspection:
    # Files hold values like 1e308 and inf, which are refused by name where they are used.
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(source, Table):
            source = on_the_calendar(source, options)
            source = without_placeholders(source) if options.placeholders == "missing" else source
        try:
            return _READY[type(source)](source, options, scaling)
        except DataError as error:
            return _failed(source, options, str(error))


def read_upload(options: UploadData, read_file: Callable[[str], bytes]) -> Source:
    """Read the files of an upload. Raises DataError."""
    files = [(entry.name or entry.file.rsplit("/", 1)[-1], read_file(entry.file)) for entry in options.files]
    return read_source(files, options)


def upload_dataset(
    options: UploadData, read_file: Callable[[str], bytes], scaling: Scaling | None = None
) -> SequenceDataset:
    """Build the data set of an upload, or raise the DataError that says why there is none; scaling: see `prepare`."""
    inspection = prepare(read_upload(options, read_file), options, scaling)
    if inspection.dataset is None:
        raise DataError(inspection.error or "The files cannot be used.")
    return inspection.dataset


def _of_table(table: Table, options: UploadData, scaling: Scaling) -> Inspection:
    """Read a table in the likeliest way that gives a data set, and say which others are nearly as likely."""
    table = with_clock(with_key(table, options.id), options.time)
    check_named(table, options)
    readings = ranked(table, options)
    others: list[Alternative] = []
    first, problem = None, None
    for reading in (readings[0], *close(readings)):
        try:
            read = _read_as(table, options, reading, scaling)
        except DataError as error:
            problem = problem or error
            continue
        if first is None or (first.dataset is None and read.dataset is not None):
            first = read
        elif read.dataset is not None:
            title = READINGS[reading.kind].title
            others.append(Alternative(title, reading.reason, read.options, read.sample, read.sample_names))
    if first is None:
        raise problem or DataError(f"'{table.name}' cannot be used.")
    return replace(first, alternatives=tuple(others))


def _read_as(table: Table, options: UploadData, reading: Reading, scaling: Scaling) -> Inspection:
    if reading.text:
        return _of_text_column(table, options, reading, scaling)
    roles = find_roles(table, options, reading)
    sequences = arrange(table, roles, options)
    filled = options.model_copy(
        update={
            "layout": roles.layout,
            "id": roles.id,
            "time": roles.time,
            "targets": roles.targets or (() if roles.layout == "rows" else None),
            "features": None if roles.layout == "rows" else roles.features,
        }
    )
    notes = (*table.notes, *roles.notes)
    result = _of_sequences(replace(sequences, notes=(*notes, *sequences.notes)), filled, scaling)
    return replace(
        result, layout=roles.layout, rows=table.rows, columns=_facts(table, roles), head=table.head(),
        title=READINGS[reading.kind].title, reason=reading.reason, roles=roles,
    )  # fmt: skip


def _of_sequences(sequences: Sequences, options: UploadData, scaling: Scaling) -> Inspection:
    dataset, error = None, None
    binary = options.target_kind != "multiclass"
    try:
        if sequences.labels is not None:
            sequences = replace(sequences, labels=_wanted(sequences.labels, options))
            dataset = labelled_dataset(
                sequences, options.val_fraction, options.max_length, options.missing, binary, scaling
            )
        else:
            dataset = forecast_dataset(
                sequences,
                options.window,
                0 if sequences.at_last_step else options.horizon,
                options.stride,
                options.val_fraction,
                options.missing,
                binary,
                scaling,
            )
        if options.target_kind == "binary" and dataset.target != "binary":
            raise DataError(f"The target has {dataset.output_size:,} classes, so it is not a yes/no target.")
    except DataError as problem:
        dataset, error = None, str(problem)
    sample = sequences.sequence(0, stride=-(-int(sequences.lengths[0]) // _PREVIEW_POINTS))
    names = tuple(column.name for column in sequences.columns)
    facts = tuple(
        ColumnFact(name, "number", _role(place, sequences), int(np.isnan(sequences.values[place]).sum()), None, "")
        for place, name in enumerate(names)
    )
    notes = dataset.notes if dataset else sequences.notes
    if dataset and options.window is None and sequences.labels is None:
        options = options.model_copy(update={"window": dataset.seq_len})
    head = [dict(zip(names, (f"{value:g}" for value in row), strict=True)) for row in sequences.sequence(0, most=20)]
    return Inspection("sequences", options, sequences.rows, facts, head, sample, names, notes, dataset, error)


def _wanted(labels: Labels, options: UploadData) -> Labels:
    """Return labels as the user wants them: numbers as classes, or classes that are numbers as such."""
    if options.target_kind in ("binary", "multiclass") and not labels.classes:
        return numbered_classes(labels)
    if options.target_kind == "auto" and not labels.classes and labels.values.shape[1] == 1:
        known = labels.values[~np.isnan(labels.values)]
        few = len(np.unique(known)) <= max(2, min(20, len(known) // 3))
        if few and (known == np.round(known)).all():
            return numbered_classes(labels)
    if options.target_kind == "regression" and labels.classes:
        try:
            numbers = np.array([float(word) for word in labels.classes])
        except ValueError:
            raise DataError(
                f"The target '{labels.names[0]}' holds words, so it cannot be predicted as a number."
            ) from None
        known = ~np.isnan(labels.values)
        values = np.full(labels.values.shape, np.nan)
        values[known] = numbers[labels.values[known].astype(np.int64)]
        return replace(labels, values=values, classes=())
    return labels


def _role(place: int, sequences: Sequences) -> str:
    roles = [role for role, own in (("input", sequences.inputs), ("target", sequences.targets)) if place in own]
    return " and ".join(roles) or "unused"


def _facts(table: Table, roles: Roles) -> tuple[ColumnFact, ...]:
    steps = {name for names in roles.steps.values() for name in names}
    facts = []
    for column in table.columns:
        own = [role for role, names in (("input", roles.features), ("target", roles.targets)) if column.name in names]
        role = " and ".join(own) or "unused"
        for special, names in (
            ("id", set(roles.id.split(JOINED))),
            ("time", {roles.time}),
            ("step", steps),
        ):
            role = special if column.name in names else role
        example = next((cell for cell in column.shown if cell.strip().lower() not in MISSING_WORDS), "")
        different = len(column.categories) or None
        facts.append(ColumnFact(column.name, column.kind, role, column.missing, different, example[:60]))
    return tuple(facts)


def _of_texts(texts: Texts, options: UploadData, scaling: Scaling) -> Inspection:
    """Read texts as one to be continued, or as one each with a label that the names of the files say."""
    classes, lines = label_of_files(texts), lines_are_texts(texts)
    chosen = options.layout == "text" and options.targets is not None
    labelled = options.targets == (FILE_LABEL,) if chosen else bool(classes) or lines > 0.5
    if not labelled:
        result = _continued(texts, options)
    else:
        sequences = files_with_labels(texts, classes) if classes else lines_with_labels(texts)
        result = _labelled_texts(sequences, options.model_copy(update={"targets": (FILE_LABEL,)}), scaling)
        why = (
            "a file each, in folders or with names that say its class" if classes else "a line each of a file named so"
        )
        title = "Each file is a text with a label" if classes else "Each line is a text with the label of its file"
        result = replace(result, title=title, reason=f"The texts are short: {why}.")
    if chosen or classes or options.layout == "text" or not 0.2 < lines < 0.8:
        return result
    other = (
        _continued(texts, options)
        if labelled
        else _of_texts(texts, options.model_copy(update={"layout": "text", "targets": (FILE_LABEL,)}), scaling)
    )
    return replace(result, alternatives=(Alternative(other.title, other.reason, other.options, other.sample, ()),))


def _continued(texts: Texts, options: UploadData) -> Inspection:
    """Read texts as one whose next character is to be predicted."""
    share = texts.held_out_share or options.val_fraction
    text = texts.in_time(share)
    window = options.window or min(_TEXT_WINDOW, max(2, int(len(text) * min(options.val_fraction, 0.5)) // 4))
    dataset, error = None, None
    notes: tuple[str, ...] = ()
    if len(texts.contents) > 1:
        end = "the files named so are" if texts.held_out_share else "of each the end is"
        notes = (f"{many(len(texts.contents), 'text')} as one; {end} for validation.",)
    try:
        dataset = text_dataset("text", text, window, share, notes)
    except DataError as problem:
        error = str(problem)
    filled = options.model_copy(update={"layout": "text", "window": window, "targets": (), "val_fraction": share})
    head = [{"text": line} for line in texts.contents[0][:5_000].splitlines()[:20]]
    notes = dataset.notes if dataset else (f"{many(len(text), 'character')}.",)
    reason = "The next character is to be predicted from those before it."
    title = "All texts together are one long text"
    return Inspection("text", filled, len(text), (), head, np.empty((0, 0)), (), notes, dataset, error, title, reason)


def _labelled_texts(sequences: Sequences, options: UploadData, scaling: Scaling) -> Inspection:
    result = _of_sequences(sequences, options.model_copy(update={"layout": "text"}), scaling)
    words = sequences.columns[0].categories
    first = sequences.values[0][: int(sequences.offsets[1])].astype(int)
    head = [{"text": "".join(words[code] if len(words[code]) == 1 else " " for code in first[:200])}]
    return replace(
        result, layout="text", rows=sequences.rows, columns=(), head=head, sample=np.empty((0, 0)), sample_names=()
    )


def _of_text_column(table: Table, options: UploadData, reading: Reading, scaling: Scaling) -> Inspection:
    """Read a table of texts with a label in another column."""
    label, sequences = arrange_texts(table, options, reading)
    filled = options.model_copy(
        update={"layout": "text", "id": "", "time": "", "features": (reading.text,), "targets": (label,)}
    )
    notes = (*table.notes, *sequences.notes)
    result = _labelled_texts(replace(sequences, notes=notes), filled, scaling)
    roles = Roles("text", "", "", (reading.text,), (label,), {})
    return replace(
        result,
        rows=table.rows,
        columns=_facts(table, roles),
        head=table.head(),
        title=READINGS[reading.kind].title,
        reason=reading.reason,
        roles=roles,
    )


def _failed(source: Source, options: UploadData, error: str) -> Inspection:
    """Show what was read although no data set came of it, so that the user can choose otherwise."""
    nothing = np.empty((0, 0))
    if not isinstance(source, Table):
        return Inspection("sequences", options, 0, (), [], nothing, (), (), None, error)
    roles = Roles(options.layout, "", "", (), (), {})
    return Inspection(
        options.layout,
        options,
        source.rows,
        _facts(source, roles),
        source.head(),
        nothing,
        (),
        source.notes,
        None,
        error,
    )


_READY: dict[type, Callable[..., Inspection]] = {Table: _of_table, Sequences: _of_sequences, Texts: _of_texts}
