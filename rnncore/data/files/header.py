"""Which lines of a text table name its columns, and what they call them."""

import itertools
import re
from collections.abc import Sequence

from rnncore.data.files.numbers import MISSING_WORDS, looks_like_number
from rnncore.words import listed, many

DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "spaces"}
_LINES = 6  # of a header at most
_BELOW = 40  # rows by which a header is told from data
_MEASURING = 0.7  # of the cells below a name, at least, that are numbers or times
_MOMENT = re.compile(
    r"^[+-]?\d[\d\s:./,\-+TZ]*( ?[ap]\.?m\.?)?$|^\d{4}[ \-]?Q[1-4]$|^Q[1-4][ \-]?\d{4}$"
    r"|^(\d{1,4}[ \-/.])?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ \-/.,]+\d",
    re.I,
)


def find_header(
    rows: list[list[str]], top: int, width: int, header: str, commented: str | None, delimiter: str
) -> tuple[list[str], bool, int, list[str]]:
    """Return names, whether there is a header, the first row of data and notes."""
    notes = [f"{many(top, 'line')} above the table left out."] if top else []
    first = rows[top]
    if header == "auto" and (above := _header_above(rows, top, width, commented, delimiter)):
        names, more = unique_names(above)
        return names, True, top, more
    if header == "auto" and (counted := _counted(rows, width)):
        number, features, classes = counted
        note = (
            f"The first line counts {many(number, 'row')} of {many(features, 'feature')} and names the classes "
            f"{listed(classes)}; the last column is the class."
        )
        return [*(f"column {place + 1}" for place in range(features)), "class"], False, 1, [note]
    below = [row for row in rows[top + 1 :] if len(row) == width][:_BELOW]
    if header == "yes" or (header == "auto" and _is_header(first, below)):
        lines = _lines_of_header(rows, top, width)
        named, more = _joined_names(rows[top : top + lines]) if lines > 1 else (first, [])
        names, again = unique_names(named)
        return names, True, top + lines, notes + more + again
    numbered = [f"column {place + 1}" for place in range(width)]
    return numbered, False, top, [*notes, "The file has no header line; the columns are numbered."]


def _counted(rows: list[list[str]], width: int) -> tuple[int, int, list[str]] | None:
    """Return what a first line counts as scikit-learn writes it: rows, features, and the names of the classes."""
    number, features, *classes = [cell.strip() for cell in rows[0]] if len(rows[0]) > 3 else ["", ""]
    if not (number.isdecimal() and features.isdecimal() and int(features) == width - 1):
        return None
    return None if any(map(looks_like_number, classes)) else (int(number), int(features), classes)


def _header_above(
    rows: list[list[str]], top: int, width: int, commented: str | None, delimiter: str
) -> list[str] | None:
    """Return a header that does not look like the rows: commented out, split otherwise, or without the row names."""
    if not any(map(looks_like_number, rows[top])):
        return None
    candidates = []
    if commented:
        candidates.append(commented.split() if delimiter == " " else commented.split(delimiter))
    if top:
        line = delimiter.join(rows[top - 1])
        candidates += [line.split(other) for other in DELIMITERS if other not in (delimiter, " ")]
        if width > 2 and len(rows[top - 1]) == width - 1:
            candidates.append(["row", *rows[top - 1]])
    fitting = [cells for cells in candidates if len(cells) == width and not any(map(looks_like_number, cells))]
    return fitting[0] if fitting else None


def _is_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether a line names columns rather than being the first row of data.

    It has no numbers and none of its words stands again below it, or it has words above most columns of numbers and
    times, or its numbers count the columns (0, 1, 2, ... or years). pandas writes a series without a name as a column
    0 beside an index that has none.
    """
    if not first[0].strip() and first[1:] == [str(place) for place in range(len(first) - 1)]:
        return len(first) > 1
    filled = [cell for cell in first if _is_filled(cell)]
    numbers = [cell.strip() for cell in filled if looks_like_number(cell) and cell.strip().lower() != "inf"]
    named = sum(map(_names, first, _columns(below, len(first))))
    if not numbers:
        return bool(filled) and (named > 0 or not _recur(first, below))
    if named > max(1, len(numbers)):
        return True
    if len(numbers) < 3 or not below or not _consecutive(numbers):
        return False
    return len(numbers) < len(filled) or (numbers[0] in ("0", "1") and len(numbers) > 4 and not _consecutive(below[0]))


def _columns(rows: list[list[str]], width: int) -> list[tuple[str, ...]]:
    """Return the cells of each column."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _is_filled(cell: str) -> bool:
    return cell.strip().lower() not in MISSING_WORDS


def _measures(cell: str) -> bool:
    """Whether a cell is a number or a time."""
    return looks_like_number(cell) or bool(_MOMENT.match(cell.strip()))


def _names(cell: str, below: Sequence[str]) -> bool:
    """Whether a cell is a word above cells that are numbers or times."""
    filled = [other for other in below if _is_filled(other)]
    measuring = sum(map(_measures, filled))
    return _is_filled(cell) and not _measures(cell) and measuring > 0 and measuring >= _MEASURING * len(filled)


def _recur(first: list[str], below: list[list[str]]) -> bool:
    """Whether a word of a line stands again below it, as classes do, though not all of them, as a repeated header."""
    others = [row for row in below if row != first]
    return any(
        sum(cell == other for other in column) > 1
        for cell, column in zip(first, _columns(others, len(first)), strict=True)
        if _is_filled(cell)
    )


def _lines_of_header(rows: list[list[str]], top: int, width: int) -> int:
    """Return how many lines name the columns: more than one where words stand above numbers in further lines.

    pandas writes several levels of names so, yfinance the ticker below the prices, and others the units.
    """
    lines = 1
    for place in range(top + 1, min(top + _LINES, len(rows) - 2)):
        row, below = rows[place], [other for other in rows[place + 1 :] if len(other) == width][:_BELOW]
        filled = [cell for cell in row if _is_filled(cell)]
        if len(row) != width or len(below) < 2:
            break
        naming = sum(map(_names, row, _columns(below, width)))
        if filled and not any(map(_measures, filled)) and naming >= max(1, 0.6 * len(filled)):
            lines = place - top + 1
    return lines


def _joined_names(lines: list[list[str]]) -> tuple[list[str], list[str]]:
    """Return the names that the lines of a header give each column together, and a note.

    What stands in a line for all columns alike tells none apart, and is left out.
    """
    alike = [line for line in lines[1:] if len(set(map(str.strip, line[1:]))) == 1 and len(line) > 2]
    telling = [line for line in lines if line not in alike]
    names = [
        " ".join(dict.fromkeys(cell.strip() for cell in cells if _is_filled(cell)))
        for cells in zip(*telling, strict=True)
    ]
    firsts = [line[0].strip() for line in lines if _is_filled(line[0])]
    names[0] = firsts[-1] if len(firsts) > 1 else names[0]  # of an index with names of the levels above it
    same = [line[1].strip() for line in alike if _is_filled(line[1])]
    shared = f"; all have {listed(same)} in common" if same else ""
    return names, [f"The first {many(len(lines), 'line')} name the columns together{shared}."]


def _consecutive(cells: list[str]) -> bool:
    """Whether cells are whole numbers that count up by one, or years in equal steps, up or down."""
    if not all(cell.strip().isdecimal() for cell in cells):
        return False
    steps = {int(after) - int(before) for before, after in itertools.pairwise(cells)}
    years = len(cells) > 3 and all(1500 <= int(cell) <= 2200 for cell in cells)
    return steps == {1} or (years and len(steps) == 1 and abs(steps.pop()) in range(1, 21))


def unique_names(header: list[str]) -> tuple[list[str], list[str]]:
    """Return unique, non-empty column names and notes on what had to be changed."""
    names: list[str] = []
    taken: set[str] = set()
    repeated: dict[str, int] = {}
    for place, cell in enumerate(header, 1):
        wanted = " ".join(cell.split())[:200]
        wanted = wanted[1:-1] if len(wanted) > 2 and wanted[0] == wanted[-1] == "'" else wanted or f"column {place}"
        unique = wanted
        while unique in taken:
            repeated[wanted] = repeated.get(wanted, 1) + 1
            unique = f"{wanted} ({repeated[wanted]})"
        taken.add(unique)
        names.append(unique)
    notes = [f"The column name '{name}' occurs more than once; the copies are numbered." for name in list(repeated)[:3]]
    if len(repeated) > 3:
        notes.append(f"The same is true of {many(len(repeated) - 3, 'more column name')}.")
    return names, notes
