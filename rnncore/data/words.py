"""Pieces of sentences for the user: counts and lists of names."""

from collections.abc import Sequence


def many(count: int, noun: str) -> str:
    """Return '1 row', '2,000 rows'."""
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names in quotes, the first ones of many."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")
