"""The store's database file: its tables, its migrations, and what happens to a file that is not ours."""

import logging
import os
import sqlite3
import time
from pathlib import Path

from rnncore.runs.store.lock import FolderLock, StoreError

logger = logging.getLogger(__name__)

APPLICATION_ID = 0x524E4E31  # "RNN1", in the file's header
BUSY_MS = 10_000  # how long a connection waits for another process
CHECK_SECONDS = 5.0  # a file too large to be read through in this time is checked as far as that goes

# One script per version; a file's PRAGMA user_version says how many it has been through. Append, never edit.
MIGRATIONS = (
    """
    CREATE TABLE runs (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        workspace TEXT NOT NULL,
        group_id TEXT NOT NULL,
        label TEXT NOT NULL,
        note TEXT NOT NULL DEFAULT '',
        config TEXT NOT NULL,               -- TrainConfig as JSON
        info TEXT,                          -- RunInfo as JSON, once the run has begun
        file TEXT,                          -- sha256:... of the uploaded file it trains on
        status TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        created_at REAL NOT NULL,           -- seconds since 1970, as all times
        started_at REAL,
        ended_at REAL,
        step INTEGER NOT NULL DEFAULT 0,    -- last step stored
        steps INTEGER NOT NULL,
        steps_per_second REAL,
        last TEXT NOT NULL DEFAULT '{}',    -- newest values as JSON
        checkpoint_step INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX runs_of_group ON runs (group_id);
    CREATE INDEX runs_of_workspace ON runs (workspace, created_at);
    CREATE INDEX runs_of_status ON runs (status);

    CREATE TABLE chunks (                   -- consecutive records
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        first_step INTEGER NOT NULL,
        last_step INTEGER NOT NULL,
        scalars BLOB NOT NULL,              -- (N, len(SCALARS)) float64
        PRIMARY KEY (run, first_step)
    ) STRICT;

    CREATE TABLE profiles (                 -- per-timestep gradient norms, thinned
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        number INTEGER NOT NULL,            -- counts the profiles as recorded, from 0
        step INTEGER NOT NULL,
        norm REAL NOT NULL,                 -- overall norm, for thinning
        layers INTEGER NOT NULL,
        timesteps INTEGER NOT NULL,
        hidden_grad_norm BLOB,              -- (L, T) float32, as the next two
        cell_grad_norm BLOB,
        direct_grad_norm BLOB,
        PRIMARY KEY (run, number)
    ) STRICT;
    CREATE INDEX profile_steps ON profiles (run, step, number, norm);

    CREATE TABLE events (                   -- settings changed while running, in force from `step` on
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        name TEXT NOT NULL,
        value REAL NOT NULL,
        at REAL NOT NULL
    ) STRICT;
    CREATE INDEX events_of_run ON events (run, step);

    CREATE TABLE checkpoints (
        run INTEGER PRIMARY KEY REFERENCES runs (key) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        content BLOB NOT NULL
    ) STRICT;

    CREATE TABLE files (                    -- uploads
        workspace TEXT NOT NULL,
        id TEXT NOT NULL,                   -- sha256:...
        size INTEGER NOT NULL,
        created_at REAL NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (workspace, id)
    ) STRICT;
    """,
    """
    CREATE TABLE snapshots (                -- what a run shows at its evaluations, thinned
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        number INTEGER NOT NULL,            -- counts the snapshots as taken, from 0
        step INTEGER NOT NULL,
        content BLOB NOT NULL,              -- Snapshot.to_bytes()
        PRIMARY KEY (run, number)
    ) STRICT;
    CREATE INDEX snapshot_steps ON snapshots (run, step);
    """,
    """
    CREATE TABLE run_files (                -- the uploads that a run trains on
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        file TEXT NOT NULL,                 -- sha256:...
        PRIMARY KEY (run, file)
    ) STRICT;
    CREATE INDEX runs_of_file ON run_files (file);
    INSERT INTO run_files (run, file) SELECT key, file FROM runs WHERE file IS NOT NULL;
    ALTER TABLE runs DROP COLUMN file;
    ALTER TABLE files ADD COLUMN name TEXT NOT NULL DEFAULT '';
    """,
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection for any thread, one at a time.

    WAL with synchronous=NORMAL: a commit is in the operating system's hands before it returns, so that it survives
    the death of any process; only a crash of the machine itself can take the last commits, and never leaves a broken
    file. FULL would add a disk flush to each of 20 commits a second.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def open_database(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open or create the database and bring it to the newest version.

    A file that is corrupt, foreign or newer than this program is moved aside, never deleted, and a new one is begun;
    the second value then says so in one sentence. Raises StoreError.
    """
    message = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _problem(path) or not path.exists():
            lock = FolderLock(path.parent)  # of a server that runs nothing is moved away
            try:
                message = _begin_anew(path)
            finally:
                lock.release()
        connection = connect(path)
        migrate(connection)
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
        message = f"The run store {problem}; it was moved to '{aside}' and a new one was begun."
        logger.warning(message)
    if not path.exists():
        _create(path)
    return message


def _create(path: Path) -> None:
    """Make an empty store under another name and rename it, so that a file in place is always a whole one."""
    fresh = _part(path, f".new-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    connection = sqlite3.connect(fresh)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # can only be chosen before there is anything in the file
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection)
    connection.close()
    fresh.replace(path)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations that this file has not been through, each as one transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number}; COMMIT;"
        )


def _problem(path: Path) -> str | None:
    """Say what is wrong with the file, without changing one that is not ours; None if nothing is, or it is absent."""
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
        if version > len(MIGRATIONS):
            return f"was written by a newer version of this program (format {version})"
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
