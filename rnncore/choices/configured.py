"""A choice that other fields of the configuration belong to."""

from dataclasses import dataclass

from rnncore.registry import Implemented


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured(Implemented):
    """A choice that other fields of its own part of the configuration belong to.

    fields: those that mean something beside it, and nothing beside an entry that does not name them.
    """

    fields: tuple[str, ...] = ()
