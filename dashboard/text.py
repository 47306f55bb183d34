"""Texts of the user's (names of files and columns, cells, messages that quote them) among our own words."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$^&])")
_LINES = re.compile(r"\s+")


def escape(text: str) -> str:
    """Return text that markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", _LINES.sub(" ", text))


def shorten(text: str, width: int = 40) -> str:
    """Return text cut in its middle where it is long, so that the ending of a file's name stays."""
    return text if len(text) <= width else f"{text[: width // 2]}…{text[-(width - width // 2 - 1) :]}"
