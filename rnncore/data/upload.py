"""Uploaded files become a data set: what they are, what was found and done, and what is wrong.

`inspect` does it all; `prepare` alone does what comes after reading, so that another choice costs no second reading.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rnncore.config import UploadData, UploadedFile
from rnncore.data.dataset import DataError, SequenceDataset
from rnncore.data.files.limits import MAX_FILES
from rnncore.data.files.table import Table
from rnncore.data.formats import Source
from rnncore.data.inspection import Alternative, ColumnFact, Inspection, failed
from rnncore.data.of_sequences import of_sequences
from rnncore.data.of_tables import of_table
from rnncore.data.of_texts import of_texts
from rnncore.data.roles.calendar import on_the_calendar
from rnncore.data.roles.placeholders import without_placeholders
from rnncore.data.scaling import Scaling
from rnncore.data.sequences import Sequences
from rnncore.data.sources import read_source
from rnncore.data.texts import Texts

__all__ = ["Alternative", "ColumnFact", "Inspection", "inspect", "prepare", "read_upload", "upload_dataset"]


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
            return failed(source, options, str(error))


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


_READY: dict[type, Callable[..., Inspection]] = {Table: of_table, Sequences: of_sequences, Texts: of_texts}
