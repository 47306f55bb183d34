"""Ids that nobody can guess."""

import secrets


def new_id() -> str:
    """Return an unguessable id (128 bit) that does not begin with '-', so that it can stand on a command line."""
    while (token := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return token
