"""Texts of the user's (names of files and columns, cells, messages that quote them) among our own words."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$^&])")
_POWER = re.compile(r"(?<=\d)e\+?(-?)0*(?=[1-9])")
_LINES = re.compile(r"\s+")
# Control characters, marks that turn the direction of all that follows, halves of characters.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def escape(text: str) -> str:
    """Return text that markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", visible(_LINES.sub(" ", text)))


def visible(text: str) -> str:
    """Return text without the characters that are not seen but change what is."""
    return _HIDDEN.sub("", text)


def short_powers(text: str) -> str:
    """Return text with powers of ten as people write them: '1e-06' becomes '1e-6'."""
    return _POWER.sub(r"e\1", text)


def size(number: int) -> str:
    """Return a number of bytes in words: '1.7 kB'."""
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.1f} kB"


def shorten(text: str, width: int = 40) -> str:
    """Return text cut in its middle where it is long, so that the ending of a file's name stays."""
    text = visible(text)
    return text if len(text) <= width else f"{text[: width // 2]}…{text[-(width - width // 2 - 1) :]}"
