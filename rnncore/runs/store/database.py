"""Access to the store's database for many threads: one writer, readers with a consistent view of what is committed."""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue

from rnncore.runs import clock as clocks
from rnncore.runs.clock import Clock
from rnncore.runs.store.opening import BUSY_MS, connect, open_database

MAX_LOG_BYTES = 64 * 2**20  # size the write-ahead log is cut back to

ANY_STEP = 2**62
Connection = sqlite3.Connection
StoreFault = sqlite3.Error  # what goes wrong with an open store: a full disk, damage, another program's lock
GONE = "its file is gone"
_EVERYBODYS = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL,
)  # fmt: skip
_OF_A_PLACE = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
_OWN_FAULTS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


def marks(values: Collection[object]) -> str:
    """Return as many question marks as there are values, for `IN (...)`."""
    return ", ".join("?" * len(values))


def may_pass(error: BaseException) -> bool:
    """Whether an error comes from the state that the store or the machine is in, so that trying again may help."""
    return isinstance(error, StoreFault | OSError | MemoryError) and not isinstance(error, _OWN_FAULTS)


def is_damage(error: BaseException) -> bool:
    """Whether what is stored is damaged, which does not pass."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_everybodys(error: BaseException) -> bool:
    """Whether an error has nothing to do with what was to be written: the store is locked, the disk full, and so on.

    False does not mean that it has.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _EVERYBODYS or (code & 0xFF == sqlite3.SQLITE_IOERR and code not in _OF_A_PLACE)


def is_locked(error: BaseException) -> bool:
    """Whether another program holds the store at this moment."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Database:
    """Transactions on the one file. Safe for threads; any process may read, one scheduler writes.

    What a reader has been given is committed, and survives a kill -9 of any process (see `opening.connect`).
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        """Open or create the store. Raises StoreError."""
        self.path, self.clock = path, clock or clocks.system
        self._busy_ms = BUSY_MS
        self._lock = threading.RLock()
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._closed = False
        self._open()

    def _open(self) -> None:
        self._connection, self.message = open_database(self.path)
        self._file = _identity(self.path)
        self._connection.execute("PRAGMA wal_autocheckpoint = 0")  # `checkpoint` does it, between commits
        self._connection.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")
        self._connection.execute(f"PRAGMA busy_timeout = {self._busy_ms}").fetchall()

    def reopen(self) -> None:
        """Go on with the file that is in place now, or a new one, instead of one that is gone. Raises StoreError."""
        with self._lock:
            gone = self._connection
            self._open()
            gone.close()
            self._close_idle()

    def is_gone(self) -> bool:
        """Whether the file was deleted or replaced, so that what is written would be lost."""
        return _identity(self.path) != self._file

    def what_is_there(self) -> object:
        """Return what is in the place of the file, to see whether it changes; None if there is not even its folder."""
        try:
            found = self.path.stat()
        except OSError:
            return self.path.parent.stat().st_ino if self.path.parent.is_dir() else None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def close(self) -> None:
        """Bring the file up to date, so that it holds everything without its log, and close all connections.

        Those that are being read from are closed as soon as they are not; the last one takes the log away.
        """
        with suppress(StoreFault):
            self.checkpoint()
        with self._lock:
            self._closed = True
            self._connection.close()
        self._close_idle()

    def _close_idle(self) -> None:
        with suppress(Empty):
            while True:
                self._readers.get_nowait().close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end, undone on an exception. Nested calls join the outer one."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            if self.is_gone():
                raise sqlite3.OperationalError(GONE)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                _commit(self._connection)
            except BaseException:
                self._connection.rollback()
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A consistent view of what is committed, for any thread."""
        try:
            connection = self._readers.get_nowait()
        except Empty:
            if self.is_gone():
                raise sqlite3.OperationalError(GONE) from None
            connection = connect(self.path)
            connection.execute("PRAGMA query_only = ON")
        file = self._file
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.rollback()
            self._readers.put(connection)
            if self._closed or file != self._file:
                self._close_idle()

    def checkpoint(self) -> None:
        """Move committed pages from the write-ahead log into the file; writers wait meanwhile, readers do not.

        FULL holds the write lock, and a busy timeout of 0 keeps it from waiting for readers: older SQLite (before
        3.51.3) can damage the file when one connection begins the log anew while another one is checkpointing it
        ("WAL-reset bug"), be it that of `python -m rnncore runs prune`.
        """
        with self._lock:
            self._connection.execute("PRAGMA busy_timeout = 0").fetchall()
            try:
                self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {self._busy_ms}").fetchall()

    def wait_for_others(self, milliseconds: int) -> None:
        """Let a write wait for other programs as long as this, no longer."""
        with self._lock:
            self._busy_ms = milliseconds
            self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}").fetchall()

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the store into a new file, also while a server works on it.

        Raises:
            FileExistsError: there is such a file already. OSError, StoreFault: it cannot be written.
        """
        if target.exists():
            raise FileExistsError(f"'{target}' exists already")
        unfinished = target.with_name(f"{target.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        copy = sqlite3.connect(unfinished)
        try:
            with self.read() as connection:
                connection.backup(copy, pages=1000)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, no log beside it
        finally:
            copy.close()
        unfinished.rename(target)

    def give_back_pages(self, pages: int) -> None:
        """Return up to `pages` freed pages to the file system."""
        with self._lock:
            self._connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()


def _commit(connection: Connection) -> None:
    if not connection.in_transaction:  # SQLite itself undoes all of it when a disk is full, for example
        raise sqlite3.OperationalError("the transaction was undone")
    connection.commit()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
