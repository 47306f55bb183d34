"""The reading of a table as one series: each row is one timestep."""

import numpy as np

from rnncore.config import UploadData
from rnncore.data.files.table import Table
from rnncore.data.roles.clocks import clock_of
from rnncore.data.roles.file_names import FILE_COLUMN, held_out_files
from rnncore.data.roles.readings import READINGS, Reading, ReadingKind
from rnncore.data.roles.smoothness import smoothness
from rnncore.words import many

_FEW_COLUMNS = 4  # of numbers, below which a row is no curve


def _propose(table: Table, options: UploadData) -> list[Reading]:
    if options.layout not in ("auto", "series"):
        return []
    time = options.time if options.time is not None else clock_of(table)
    if options.layout == "series":
        return [Reading("series", "series", 1.0, "As chosen: one series.", time=time)]
    if FILE_COLUMN in table.names and held_out_files(table.column(FILE_COLUMN).categories) is not None:
        return [Reading("series", "series", 0.4, "All files as one series.", time=time)]
    if time and _stands_in_many(table, time):
        return [
            Reading("series", "series", 0.62, f"'{time}' stands in several rows, which follow one another.", time=time)
        ]
    if time and table.column(time).kind == "time":
        return [Reading("series", "series", 0.9, f"'{time}' tells the time of every row: one series.", time=time)]
    if time:
        return [Reading("series", "series", 0.8, f"'{time}' counts the rows: one series.", time=time)]
    numbers = table.numeric_columns
    if len(numbers) >= _FEW_COLUMNS:
        down, across = smoothness(table, numbers)
        if down > across + 0.2:
            why = "Values change less from row to row than from column to column, so each row is one timestep."
            return [Reading("series", "series", 0.78, why)]
        if across > down + 0.4 and across > 0.6:
            return [Reading("series", "series", 0.3, "Each row may be one timestep.")]
    why = f"Nothing tells the {many(table.rows, 'row')} apart: one series, in the order of the file."
    return [Reading("series", "series", 0.6, why)]


def _stands_in_many(table: Table, time: str) -> bool:
    """Whether most values of a clock stand in several rows."""
    moments = table.column(time).small
    return moments is not None and len(np.unique(moments)) < 0.7 * len(moments)


READINGS.register(
    ReadingKind(
        key="series",
        title="Each row is one timestep of one series",
        help="The network sees a window of rows and predicts what follows.",
        propose=_propose,
    )
)
