"""At what pace a network address may be wrong about the code of a class, so that nobody finds one by trying."""

import time

from cachetools import LRUCache

BURST, REFILL_S = 60, 5.0  # wrong codes in a row, which is a class that mistypes it twice each; then one in 5 seconds
EVERYBODYS_BURST, EVERYBODYS_REFILL_S = 1000, 0.2


class Guesses:
    """Counts wrong codes. For one event loop."""

    def __init__(self) -> None:
        self._of: LRUCache[str, tuple[float, float]] = LRUCache(10_000)  # address -> wrong ones that count, and when
        self._all = 0.0, 0.0

    def wait_s(self, address: str) -> float:
        """Return after how many seconds this address may try a code, 0 for now."""
        own = self._counted(self._of.get(address, (0.0, 0.0)), REFILL_S)
        everybodys = self._counted(self._all, EVERYBODYS_REFILL_S)
        waits = (own + 1 - BURST) * REFILL_S, (everybodys + 1 - EVERYBODYS_BURST) * EVERYBODYS_REFILL_S
        return max(0.0, *waits)

    def was_wrong(self, address: str) -> None:
        """Count a wrong code."""
        now = time.monotonic()
        self._of[address] = self._counted(self._of.get(address, (0.0, now)), REFILL_S) + 1, now
        self._all = self._counted(self._all, EVERYBODYS_REFILL_S) + 1, now

    @staticmethod
    def _counted(known: tuple[float, float], refill_s: float) -> float:
        count, at = known
        return max(0.0, count - (time.monotonic() - at) / refill_s)
