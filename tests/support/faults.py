"""Faults of the store: sqlite3 connections of which one statement or commit fails, and a store that is locked."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any


class Faults:
    """Counts what the scheduler's own thread asks of SQLite, and lets one of it fail; at: which, from 1."""

    def __init__(self) -> None:
        self.count, self.at = 0, 0
        self.failed = ""

    def pass_by(self, statement: str) -> None:
        """Count a statement. Raises OperationalError when it is the one."""
        if threading.current_thread().name != "scheduler" or statement.startswith("ROLLBACK"):
            return
        self.count += 1
        if self.count == self.at:
            self.failed = statement
            raise sqlite3.OperationalError("disk I/O error")


class FaultyConnection(sqlite3.Connection):
    """A connection under `Faults`."""

    faults: Faults

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self.faults.pass_by(sql)
        return super().execute(sql, *args)

    def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self.faults.pass_by(sql)
        return super().executemany(sql, *args)

    def commit(self) -> None:
        self.faults.pass_by("COMMIT")
        super().commit()


def with_faults(monkeypatch: Any) -> Faults:
    """Let every connection from now on be a faulty one."""
    faults = Faults()
    factory = type("Connection", (FaultyConnection,), {"faults": faults})
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=factory))
    return faults


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store's write lock, as another program would."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10.0)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        connection.close()
