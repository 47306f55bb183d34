"""Faults of the store: sqlite3 connections of which one statement or commit fails, and a store that is locked."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any


class Faults:
    """Counts what the scheduler's own thread asks of SQLite, and lets some of it fail.

    at: the number of a statement that fails once, from 1. victim: key and id of a run of which nothing can be read or
    written by the statements `sick` (None: by any), with the error `code`. seen: the statements about each value.
    """

    def __init__(self) -> None:
        self.count, self.at = 0, 0
        self.failed = ""
        self.victim: tuple[object, ...] = ()
        self.sick: str | None = None
        self.code = sqlite3.SQLITE_CORRUPT
        self.seen: dict[str, set[object]] = {}

    def pass_by(self, statement: str, values: Iterable[object] = ()) -> None:
        """Count a statement. Raises OperationalError or DatabaseError when it is to fail."""
        if threading.current_thread().name != "scheduler" or statement.startswith("ROLLBACK"):
            return
        self.count += 1
        if self.count == self.at:
            self.failed = statement
            raise sqlite3.OperationalError("disk I/O error")
        of = {value for value in values if isinstance(value, int | str)}
        self.seen.setdefault(statement, set()).update(of)
        if of & set(self.victim) and self.sick in (None, statement):
            raise _error(self.code)


def _error(code: int) -> sqlite3.Error:
    damaged = code == sqlite3.SQLITE_CORRUPT
    error = (
        sqlite3.DatabaseError("database disk image is malformed")
        if damaged
        else sqlite3.OperationalError("disk I/O error")
    )
    error.sqlite_errorcode = code
    return error


class FaultyConnection(sqlite3.Connection):
    """A connection under `Faults`."""

    faults: Faults

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        self.faults.pass_by(sql, values.values() if isinstance(values, dict) else values)
        return super().execute(sql, values)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        rows = list(rows)
        self.faults.pass_by(sql, (value for row in rows for value in row))
        return super().executemany(sql, rows)

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
