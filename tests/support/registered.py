"""Entries that are in a registry for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from rnncore.registry import Choice, Registry

EntryT = TypeVar("EntryT", bound=Choice)


@contextmanager
def registered(registry: Registry[EntryT], entry: EntryT) -> Iterator[EntryT]:
    """Add an entry, and take it out again."""
    yield registry.register(entry)
    del registry._entries[entry.key]
