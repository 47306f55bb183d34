"""Codes of classes: six letters that are easily told apart on a projector, and typed on any device."""

import secrets

# Without vowels, so that no words come about, and without what looks like a digit or another letter: O, Q, I, L, S, ...
LETTERS = "CDFHJKMNPRTVWXY"
LENGTH = 6


def new_code() -> str:
    """Return a random code; there are 11 million."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def typed(text: str) -> str | None:
    """Return the code that somebody typed, in small letters or with spaces and dashes; None if it cannot be one."""
    if len(text) > 40:
        return None
    code = text.upper().replace(" ", "").replace("-", "")
    return code if len(code) == LENGTH and set(code) <= set(LETTERS) else None
