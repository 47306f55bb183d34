"""One scheduler per data folder: a lock that the system releases when its process dies, on every platform."""

import sqlite3
from pathlib import Path

from rnncore.runs.schema import StoreError


class FolderLock:
    """Held from construction to `release`, by an exclusive transaction on a small database of its own."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises StoreError if another process has it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            folder / "scheduler.lock", isolation_level=None, check_same_thread=False, timeout=0.2
        )
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            self._connection.close()
            raise StoreError(
                f"Another server is using the folder '{folder}'; stop it, or set RNNLAB_DATA_DIR to another folder."
            ) from None

    def release(self) -> None:
        """Give the lock back."""
        self._connection.close()
