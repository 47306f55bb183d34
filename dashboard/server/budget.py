"""How many slow requests each client may have under way at once, so that none of them can hold up all others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class OverBudget(Exception):  # noqa: N818 - it says what is the case
    """One more would be too many, for this client or for the server."""


@dataclass(slots=True)
class Budget:
    """Counts what is under way for each key: a session, a workspace, a network address. For one event loop.

    each: at once for one key. total: for everybody together, the last line of defence.
    """

    each: int
    total: int
    _of_key: Counter[str] = field(default_factory=Counter)
    _of_all: int = 0

    def allows(self, *keys: str) -> bool:
        """Tell whether one more may begin for all of the keys."""
        return self._of_all < self.total and all(self._of_key[key] < self.each for key in keys)

    @contextmanager
    def one_more(self, *keys: str) -> Iterator[None]:
        """Count one for each of the keys while the block runs. Raises OverBudget."""
        if not self.allows(*keys):
            raise OverBudget
        self._of_key.update(keys)
        self._of_all += 1
        try:
            yield
        finally:
            self._of_all -= 1
            self._of_key.subtract(keys)
            for key in keys:
                if self._of_key[key] <= 0:
                    del self._of_key[key]
