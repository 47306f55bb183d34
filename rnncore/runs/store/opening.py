"""Opening the store's database file, and what happens to one that is damaged or of another program."""

import logging
import os
import sqlite3
import time
from pathlib import Path

from rnncore.runs.store.lock import FolderLock, StoreError
from rnncore.runs.store.migrations import APPLICATION_ID, migrate, newest_version

logger = logging.getLogger(__name__)

BUSY_MS = 10_000  # how long a connection waits for another process
CHECK_SECONDS = 5.0  # a file too large to be read through in this time is checked as far as that goes


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection for any thread, one at a time.

    WAL with synchronous=NORMAL: a commit is in the operating system's hands before it returns, so that it survives
    the death of any process; only a crash of the machine itself can take the last commits, and never leaves a broken
    file. FULL would add a disk flush to each of 20 commits a second.
    """
    there = f"{path.absolute().as_uri()}?mode=rw"  # a file that is gone must not be made anew, empty, by a reader
    connection = sqlite3.connect(there, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a flipped bit spoils no other row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_database(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open or create the database and bring it to the newest version.

    A file that is corrupt or foreign is moved aside, never deleted, and a new one is begun; the second value then says
    so in one sentence. One that is newer than this program is left as it is.

    Raises:
        StoreError: the folder cannot hold a store, the file cannot be opened or is of a newer format.
    """
    message = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _problem(path) or not path.exists():
            lock = FolderLock(path.parent)  # of a server that runs nothing is moved away
            try:
                message = _begin_anew(path)
            finally:
                lock.release()
        connection = connect(path)
        migrate(connection)
        _keep_private(path)
    except OSError as error:
        raise StoreError(f"The folder '{path.parent}' cannot hold the run store: {error.strerror}.") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"The run store '{path}' cannot be opened: {error}.") from error
    return connection, message


def _begin_anew(path: Path) -> str | None:
    """Move aside what cannot be used and create what is missing; return what was done, None if nothing was in the way.

    A log without its database is moved too: SQLite would write its pages into the new file.
    """
    problem, message = _problem(path), None
    if not path.exists() and _part(path, "-wal").exists():
        problem = "has lost its database file, only its log was found"
    if problem:
        aside = _move_aside(path)
        message = f"The run store {problem}; it was moved to '{aside.name}' and a new one was begun."
        logger.warning("%s All in the folder '%s'.", message, path.parent)
    if not path.exists():
        _create(path)
    return message


def _create(path: Path) -> None:
    """Make an empty store under another name and rename it, so that a file in place is always a whole one."""
    fresh = _part(path, f".new-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    connection = sqlite3.connect(fresh)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # can only be chosen before there is anything in the file
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection)
    connection.close()
    fresh.replace(path)


def _problem(path: Path) -> str | None:
    """Say what is wrong with the file, without changing one of another program; None if nothing is, or it is absent."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        return "is not a database"
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        return "is the database of another program"
    connection = None
    try:
        connection = connect(path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > newest_version():
            raise StoreError(
                f"The run store '{path}' was written by a newer version of this program (format {version}; this one"
                f" knows up to {newest_version()}); start that version, or name another folder in RNNLAB_DATA_DIR."
            )
        verdict = _quick_check(connection)
        if verdict != "ok":
            return f"is damaged ({verdict.splitlines()[-1]})"
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        return f"is damaged ({error})"
    finally:
        if connection is not None:
            connection.close()
    return None


def _keep_private(path: Path) -> None:
    """Let nobody but the server's own user read the files; SQLite gives a log the permissions of its database."""
    if os.name != "posix":
        return
    for part in path.parent.glob(f"{path.name}*"):
        try:
            part.chmod(0o600)
        except OSError as error:  # a log that has just gone, or a file of another user's
            logger.debug("'%s' stays as it is: %s", part, error)


def _quick_check(connection: sqlite3.Connection) -> str:
    deadline = time.monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
    try:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return "ok"
        raise


def _part(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _move_aside(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = _part(path, f".aside-{stamp}")
    number = 1
    while aside.exists() or _part(aside, "-wal").exists():
        number += 1
        aside = _part(path, f".aside-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        if _part(path, suffix).exists():
            _part(path, suffix).rename(_part(aside, suffix))
    return aside
