"""Files that hold several tables, sheets or arrays: which of them is read."""

from collections.abc import Sequence

from rnncore.data.dataset import DataError
from rnncore.words import listed, shorten

MAX_PARTS = 200  # that are offered


def chosen_part(part: str, parts: Sequence[str], usual: str, name: str, what: str) -> str:
    """Return the part of a file that is read: the chosen one, or `usual` where none is.

    what: 'sheet', 'array' or 'file', for the message.

    Raises:
        DataError: the file has no such part.
    """
    if part and part not in parts:
        shown = listed([shorten(each, 40) for each in parts], 10)
        raise DataError(f"'{name}' has no {what} '{shorten(part, 40)}'; it has {shown}.")
    return part or usual


def told(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts to choose from, none where there is no choice."""
    return tuple(parts[:MAX_PARTS]) if len(parts) > 1 else ()
