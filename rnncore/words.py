"""Pieces of sentences for the user: numbers with their nouns, lists of names."""

from collections.abc import Sequence


def many(count: float, noun: str) -> str:
    """Return '1 row', '2,000 rows', '0.5 seconds'; `noun`: in the singular, such as 'row' or 'missing value'."""
    return f"{count:,.15g} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the regular plural of a noun; 'series' is its own."""
    if noun.endswith("series"):
        return noun
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names in quotes, the first ones of many."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")
