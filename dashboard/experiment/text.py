"""Texts of the user's (names of files and columns, cells, messages that quote them) among our own words."""

import re

from rnncore.words import visible

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$^&])")
_POWER = re.compile(r"(?<=\d)e\+?(-?)0*(?=[1-9])")
_ADDRESS = re.compile(r"(https?:)(?=//)|(www)(?=\.)|(@)", re.IGNORECASE)  # where markdown begins a link by itself


def escape(text: str) -> str:
    """Return text that markdown shows as it is; an invisible word joiner keeps addresses in it from becoming links."""
    plain = _ADDRESS.sub("\\g<0>\u2060", visible(text))
    return _MARKUP.sub(r"\\\1", plain)


def short_powers(text: str) -> str:
    """Return text with powers of ten as people write them: '1e-06' becomes '1e-6'."""
    return _POWER.sub(r"e\1", text)


def size(number: int) -> str:
    """Return a number of bytes in words: '1.7 kB'."""
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.1f} kB"
