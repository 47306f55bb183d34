"""A Parquet file becomes a `Table`; its size is checked in the metadata before anything is unpacked."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as kinds

from rnncore.data.dataset import DataError
from rnncore.data.files.header import unique_names
from rnncore.data.files.limits import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, MAX_UNPACKED_BYTES
from rnncore.data.files.table import Column, Table, make_column, numeric_column, time_column


def read_parquet(data: bytes, name: str) -> Table:
    """Read a Parquet file.

    Raises:
        DataError: truncated or damaged, too many rows, columns or unpacked bytes, or no rows.
    """
    try:
        about = pq.read_metadata(pa.BufferReader(data))
        unpacked = sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))
    except MemoryError:  # one of Arrow's exceptions, too
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(name, error) from None
    if about.num_columns > MAX_COLUMNS:
        raise DataError(f"'{name}' has {about.num_columns:,} columns; at most {MAX_COLUMNS:,} can be read.")
    if about.num_rows > MAX_ROWS:
        raise DataError(f"'{name}' has {about.num_rows:,} rows; at most {MAX_ROWS:,} can be read.")
    if unpacked > MAX_UNPACKED_BYTES or about.num_rows * about.num_columns > MAX_CELLS:
        raise DataError(
            f"'{name}' unpacks to {unpacked / 1e6:,.0f} MB in {about.num_rows * about.num_columns:,} cells; at most "
            f"{MAX_UNPACKED_BYTES / 1e6:.0f} MB and {MAX_CELLS:,} cells can be read."
        )
    if about.num_rows == 0:
        raise DataError(f"'{name}' has columns but no rows of data.")
    try:
        # Texts stay dictionaries until their size is known: a few bytes of indices can stand for gigabytes.
        content = pq.ParquetFile(pa.BufferReader(data), read_dictionary=_texts(about)).read(use_threads=False)
        content.validate(
            full=True
        )  # places in a dictionary, and text as UTF-8: what damage leaves is not checked before
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(name, error) from None
    return table_of_arrow(content, name)


def table_of_arrow(content: pa.Table, name: str) -> Table:
    """Return a table of Arrow as one of ours.

    Raises:
        DataError: too many rows, columns or unpacked bytes of text, no rows, or nothing but nested values.
    """
    if content.num_columns > MAX_COLUMNS:
        raise DataError(f"'{name}' has {content.num_columns:,} columns; at most {MAX_COLUMNS:,} can be read.")
    if content.num_rows > MAX_ROWS or content.num_rows * content.num_columns > MAX_CELLS:
        raise DataError(
            f"'{name}' has {content.num_rows:,} rows of {content.num_columns:,} columns; at most {MAX_ROWS:,} rows and "
            f"{MAX_CELLS:,} cells can be read."
        )
    if content.num_rows == 0:
        raise DataError(f"'{name}' has columns but no rows of data.")
    decoded = sum(_decoded_bytes(column) for column in content.columns)
    if decoded > MAX_UNPACKED_BYTES:
        raise DataError(
            f"The texts in '{name}' unpack to {decoded / 1e6:,.0f} MB; at most {MAX_UNPACKED_BYTES / 1e6:.0f} MB "
            "can be read."
        )
    names, notes = unique_names(content.column_names)
    columns: list[Column] = []
    left_out: list[str] = []
    for place, column in enumerate(names):
        made = _column(column, content.column(place).combine_chunks())
        columns += [made] if made else []
        left_out += [] if made else [column]
    if left_out:
        notes.append(f"Columns of lists or other nested values were left out: {', '.join(left_out[:5])}.")
    if not columns:
        raise DataError(f"'{name}' has no column of numbers or text, only nested values.")
    return Table(name, tuple(columns), content.num_rows, 1, tuple(notes))


def _texts(about: pq.FileMetaData) -> list[str]:
    """Return the columns of text (or bytes) that are no parts of nested ones."""
    leaves = [about.schema.column(place) for place in range(about.num_columns)]
    return [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and "." not in leaf.path]


def _decoded_bytes(column: pa.ChunkedArray) -> int:
    """Return how many bytes the texts of a dictionary column take once each stands in its own row."""
    total = 0
    for chunk in column.chunks if kinds.is_dictionary(column.type) else ():
        if not len(chunk.dictionary) or chunk.dictionary.type not in (pa.string(), pa.large_string(), pa.binary()):
            continue
        lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0).to_numpy(zero_copy_only=False)
        counts = np.bincount(chunk.indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(lengths))
        total += int(counts @ lengths.astype(np.int64))
    return total


def _damaged(name: str, error: Exception) -> DataError:
    what = str(error).splitlines()[0].rstrip(".")[:150] if str(error) else "unknown damage"
    return DataError(f"'{name}' is a damaged or cut off Parquet file ({what}); export it again.")


def _column(name: str, cells: pa.Array) -> Column | None:
    if isinstance(cells, pa.ChunkedArray):
        cells = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], cells.type)
    kind = cells.type
    if kinds.is_dictionary(kind):
        cells = cells.dictionary_decode()
        kind = cells.type
    if kinds.is_boolean(kind):
        cells, kind = pc.cast(cells, pa.string()), pa.string()
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return make_column(name, pc.fill_null(pc.cast(cells, pa.string()), ""))
    if kinds.is_timestamp(kind) or kinds.is_date(kind):
        moments = pc.cast(pc.cast(cells, pa.timestamp("us"), safe=False), pa.int64())
        seconds = pc.cast(moments, pa.float64(), safe=False).to_numpy(zero_copy_only=False) * 1e-6
        return time_column(name, cells, np.asarray(seconds))
    if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind):
        return numeric_column(name, pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    if kinds.is_null(kind):
        return Column(name, "empty", pa.nulls(len(cells), pa.string()))
    return None
