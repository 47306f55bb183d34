"""Pieces of sentences for the user: numbers, numbers with their nouns, lists of names, texts of the user's own."""

import math
import re
from collections.abc import Sequence

_SPACES = re.compile(r"\s+")
# Control characters, marks that turn the direction of all that follows, halves of characters.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def many(count: float, noun: str) -> str:
    """Return '1 row', '2,000 rows', '0.5 seconds'; `noun`: in the singular, such as 'row' or 'missing value'."""
    return f"{count:,.15g} {noun if count == 1 else plural(noun)}"


def of_many(count: int, total: int, noun: str, one: str, more: str) -> str:
    """Return a part of a whole with its verb: '1 of 10 units has', '2 of 10 units have', 'none of the 10 units have'.

    one, more: the verb of one, and of several. Of a whole of one: 'the only unit has', 'no unit has'.
    """
    if total == 1:
        return f"{'the only' if count else 'no'} {noun} {one}"
    part = f"{count:,} of" if count else "none of the"
    return f"{part} {total:,} {plural(noun)} {one if count == 1 else more}"


def first_of(count: int, total: int, noun: str) -> str:
    """Return 'the first of 10 rows', 'the first 2 of 10 rows', 'all 10 rows' or 'the only row'."""
    if count == total:
        return f"the only {noun}" if total == 1 else f"all {total:,} {plural(noun)}"
    return f"the first {f'{count:,} ' if count > 1 else ''}of {total:,} {plural(noun)}"


def figure(value: float, digits: int = 2) -> str:
    """Return a number in a few significant digits as people write it: 1.6, 240, 3e-9."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinite"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if not -4 < int(exponent) < 5:
        return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
    decimals = max(0, digits - 1 - int(exponent))
    text = f"{float(f'{mantissa}e{exponent}'):,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(noun: str) -> str:
    """Return the regular plural of a noun; 'series' is its own."""
    if noun.endswith("series"):
        return noun
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def sentence(text: str) -> str:
    """Return `text` with a capital letter in front and a full stop at its end."""
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names in quotes, the first ones of many."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def visible(text: str) -> str:
    """Return text in one line, without the characters that are not seen but change what is."""
    return _HIDDEN.sub("", _SPACES.sub(" ", text))


def shorten(text: str, width: int = 40) -> str:
    """Return text cut in its middle where it is long, so that the ending of a file's name stays."""
    text = visible(text)
    return text if len(text) <= width else f"{text[: width // 2]}…{text[-(width - width // 2 - 1) :]}"
