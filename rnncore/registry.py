"""Registries: each choice of a configuration is one entry that knows all that is to be known of it."""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, TypeVar

from rnncore.errors import ConfigError

PLUGINS = "RNNLAB_PLUGINS"  # environment variable: names of modules that register more entries, separated by commas


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One entry of a registry.

    key: what the configuration says. title: what the page lists. help: one sentence about it.
    """

    key: str
    title: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Implemented(Choice):
    """An entry whose work is done elsewhere, mostly in the engine, which this module must not import.

    implementation: where, as "module:attribute".
    """

    implementation: str

    def load(self) -> Any:
        """Import and return the implementation."""
        return load(self.implementation)


def load(place: str) -> Any:
    """Import and return what stands at "module:attribute"."""
    module, _, attribute = place.partition(":")
    return getattr(_imported(module), attribute)


@cache
def _imported(module: str) -> ModuleType:
    return importlib.import_module(module)


EntryT = TypeVar("EntryT", bound=Choice)


class Registry(Mapping[str, EntryT]):
    """The entries of one kind by their keys, in the order in which they were registered.

    kind: what an entry is, in the singular, for texts of errors.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, EntryT] = {}

    def register(self, entry: EntryT) -> EntryT:
        """Add an entry and return it. Raises ValueError if its key is taken."""
        if entry.key in self._entries:
            raise ValueError(f"there is a {self.kind} {entry.key!r} already")
        self._entries[entry.key] = entry
        return entry

    def titles(self) -> dict[str, str]:
        """Return key -> title of every entry."""
        return {key: entry.title for key, entry in self._entries.items()}

    def __getitem__(self, key: str) -> EntryT:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def load_plugins(names: str, *, pages: bool = False) -> None:
    """Import the modules that `names` lists, separated by commas; each registers its entries as it is imported.

    pages: import the submodule `page` of each as well, where there is one; it holds what only the page's server needs.

    Raises:
        ConfigError: a module cannot be imported; one sentence.
    """
    for name in filter(None, (part.strip() for part in names.split(","))):
        try:
            module = importlib.import_module(name)
            if pages and hasattr(module, "__path__") and importlib.util.find_spec(f"{name}.page"):
                importlib.import_module(f"{name}.page")
        except Exception as error:
            raise ConfigError(f"{PLUGINS}: the module {name!r} cannot be imported: {error}") from error
