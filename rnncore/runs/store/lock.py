"""One scheduler per data folder: a lock that the system releases when its process dies, on every platform."""

import os
import sqlite3
from pathlib import Path


class StoreError(Exception):
    """The store cannot be used; the message is one plain sentence."""


class FolderTaken(StoreError):  # noqa: N818 - it says what is wrong
    """Another process uses the folder."""


class FolderLock:
    """Held from construction to `release`, by an exclusive transaction on a small database of its own."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises StoreError if another process has it, or if the folder cannot be written."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection: sqlite3.Connection | None = None
        lock = folder / "scheduler.lock"
        try:
            lock.touch(mode=0o600)
            if os.name == "posix":
                lock.chmod(0o600)
            self._connection = sqlite3.connect(lock, isolation_level=None, check_same_thread=False, timeout=0.2)
            self._connection.execute("BEGIN EXCLUSIVE")
        except OSError as error:
            raise StoreError(
                f"The folder '{folder}' cannot be used: {error.strerror}; set RNNLAB_DATA_DIR to another folder."
            ) from error
        except sqlite3.DatabaseError as error:
            self.release()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise FolderTaken(
                    f"Another server is using the folder '{folder}'; stop it, or set RNNLAB_DATA_DIR to another folder."
                ) from None
            raise StoreError(
                f"The folder '{folder}' cannot be used: {error}; set RNNLAB_DATA_DIR to another folder."
            ) from None

    def release(self) -> None:
        """Give the lock back."""
        if self._connection is not None:
            self._connection.close()
