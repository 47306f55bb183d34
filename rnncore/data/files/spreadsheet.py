"""A sheet of an Excel or OpenDocument workbook becomes a `Table`; python-calamine reads the cells."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.archives import stored_again
from rnncore.data.files.cells import table_of_rows
from rnncore.data.files.limits import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, MAX_UNPACKED_BYTES
from rnncore.data.files.parts import chosen_part, told
from rnncore.data.files.table import Table

_LARGE = 0.5  # of the largest sheet: the first one so large is read where none is chosen
_PLACE = re.compile(rb"""\sr\s*=\s*["']\$?([A-Za-z]{1,3})\$?(\d{1,9})["']""")
_ODS_TAG = re.compile(rb"<(?:\w+:)?(table|table-row|table-cell|covered-table-cell)(\s[^>]*?)?(/?)>")
_REPEATED = re.compile(rb"""number-(?:rows|columns)-repeated\s*=\s*["'](\d{0,12})""")
_SHEET = re.compile(r"^xl/worksheets/[^/]*\.xml$", re.I)
_ROW = re.compile(rb"""<(?:\w+:)?row\s(?:[^>]*\s)?r\s*=\s*["'](\d{1,9})["']""")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_SPACES = re.compile(rb"""<(?:\w+:)?s\s(?:[^>]*:)?c\s*=\s*["'](\d{1,12})""")
_SHARED, _SHARED_FILE = re.compile(rb"<(?:\w+:)?si[\s>]"), re.compile(r"^xl/sharedStrings\.xml$", re.I)
_USE = re.compile(rb"""\st\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>\s*(\d{1,9})""")


def read_spreadsheet(data: bytes, name: str, part: str = "", header: str = "auto") -> Table:
    """Read a sheet of an .xlsx, .xlsb, .xls or .ods workbook.

    part: the sheet; '' = the first of the large ones. header: as in `read_csv`.

    Raises:
        DataError: damaged, with a password, too large, without cells, no such sheet, or what `read_csv` raises.
    """
    if data.startswith(b"PK"):
        data, files = stored_again(data, name)
        _check_extent(files, name)
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = _sheets(book)
        sizes = {sheet: _size(book, sheet) for sheet in sheets}
        filled = [sheet for sheet, size in sizes.items() if size]
        if not filled:
            raise DataError(f"'{name}' is a workbook whose sheets are all empty.")
        most = max(sizes.values())
        usual = next(sheet for sheet in filled if sizes[sheet] >= _LARGE * most)
        chosen = chosen_part(part, filled, usual, name, "sheet")
        content = book.get_sheet_by_name(chosen)
        height, width = content.total_height + 1, content.total_width + 1
        _check_size(height, width, name)
        rows = content.to_python(skip_empty_area=False)
    except DataError:
        raise
    except MemoryError:
        raise
    except calamine.PasswordError:
        raise DataError(f"'{name}' needs a password; save it without one.") from None
    except Exception as error:
        raise _damaged(name, error) from None
    except BaseException as error:  # a panic of the library in Rust derives from BaseException alone
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(name, error) from None
    table = table_of_rows(_with_titles(rows), name, header)
    return replace(table, parts=told(filled), part=chosen, notes=(*_note(chosen, filled), *table.notes))


def _with_titles(rows: list[list[Any]]) -> Iterator[list[Any]]:
    """Yield rows, those above the table without the empty cells that a sheet fills them up with."""
    above = True
    for row in rows:
        filled = [place for place, cell in enumerate(row) if cell != ""]
        above = above and len(filled) < 2 <= len(row)
        yield row[: filled[-1] + 1 if filled else 0] if above else row


def _note(chosen: str, filled: list[str]) -> tuple[str, ...]:
    return (f"The sheet '{chosen}' was read, one of {len(filled)}.",) if len(filled) > 1 else ()


def _sheets(book: Any) -> list[str]:
    """Return the names of the sheets of cells, without hidden ones where others are visible."""
    of_cells = [sheet for sheet in book.sheets_metadata if "WorkSheet" in str(sheet.typ)]
    visible = [sheet.name for sheet in of_cells if str(sheet.visible).endswith("Visible")]
    return visible or [sheet.name for sheet in of_cells]


def _size(book: Any, sheet: str) -> int:
    content = book.get_sheet_by_name(sheet)
    return int(content.height * content.width)


def _check_extent(files: dict[str, bytes], name: str) -> None:
    """Refuse sheets whose cells lie so far apart that the library, which fills the space between, needs too much."""
    lengths = np.zeros(0, np.int64)
    for member, content in files.items():
        if _SHARED_FILE.match(member):
            places = [match.start() for match in _SHARED.finditer(content)]
            lengths = np.diff([*places, len(content)])
    for member, content in files.items():
        if _SHEET.match(member):
            _check_size(*_extent(content), name)
            _check_texts(content, lengths, name)
        elif member == "content.xml":
            for extent in _extents_of_ods(content):
                _check_size(*extent, name)
            _check_bytes(sum(int(spaces) for spaces in _SPACES.findall(content)), name)


def _extent(sheet: bytes) -> tuple[int, int]:
    """Return the last row and column of which a sheet has a cell."""
    places = _PLACE.findall(sheet)
    last = max((int(row) for _, row in places), default=0)
    width = max(map(_column, {column for column, _ in places}), default=0)
    if len(_CELL.findall(sheet)) > len(places):  # some stand where they are written, one behind the other
        rows = re.split(rb"<(?:\w+:)?row[\s/>]", sheet)
        width += max(len(_CELL.findall(row)) for row in rows)
        last = max([last + len(rows), *(int(match[1]) for match in _ROW.finditer(sheet))])
    return last, width


def _check_texts(sheet: bytes, lengths: NDArray[np.int64], name: str) -> None:
    """Refuse a sheet whose cells repeat long texts that the workbook keeps once; lengths: of these, in bytes."""
    used = np.fromiter((int(match[1]) for match in _USE.finditer(sheet)), np.int64) if len(lengths) else lengths
    _check_bytes(int(lengths[used[used < len(lengths)]].sum()), name)


def _check_bytes(size: int, name: str) -> None:
    if size > MAX_UNPACKED_BYTES:
        raise DataError(
            f"The texts in a sheet of '{name}' take {size / 1e6:,.0f} MB; at most {MAX_UNPACKED_BYTES / 1e6:.0f} MB "
            "can be read."
        )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - ord("A") + 1
    return number


def _extents_of_ods(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the last row and column of each sheet that hold something, with cells and rows counted as they repeat."""
    rows = columns = last_row = last_column = 0
    for match in _ODS_TAG.finditer(content):
        about = match[2] or b""
        found = _REPEATED.search(about)
        times = int(found[1] or 0) if found else 1
        if match[1] == b"table":
            yield last_row, last_column
            rows = columns = last_row = last_column = 0
        elif match[1] == b"table-row":
            rows, columns = rows + times, 0
        else:
            columns += times
            if not match[3] or b"value" in about:
                last_row, last_column = max(last_row, rows), max(last_column, columns)
    yield last_row, last_column


def _check_size(rows: int, columns: int, name: str) -> None:
    if rows > MAX_ROWS:
        raise DataError(f"'{name}' has {rows:,} rows; at most {MAX_ROWS:,} can be read, so thin it out or split it.")
    if rows * columns > MAX_CELLS:
        raise DataError(
            f"A sheet of '{name}' has {rows:,} rows of {columns:,} columns, empty cells between others included; at "
            f"most {MAX_CELLS:,} cells can be read."
        )
    if columns > MAX_COLUMNS:
        raise DataError(f"A sheet of '{name}' has {columns:,} columns; at most {MAX_COLUMNS:,} can be read.")


def _damaged(name: str, error: BaseException) -> DataError:
    what = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
    return DataError(f"'{name}' is a damaged or old Excel workbook, or a Word document ({what}); save it as .xlsx.")
