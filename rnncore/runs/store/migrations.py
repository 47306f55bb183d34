"""The tables of the store, as the migrations that made them."""

import sqlite3

from rnncore.runs.store.keys import watch_key

APPLICATION_ID = 0x524E4E31  # "RNN1", in the file's header

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
        scalars BLOB NOT NULL,              -- rnncore.codec.encode_scalars
        PRIMARY KEY (run, first_step)
    ) STRICT;

    CREATE TABLE profiles (                 -- per-timestep gradient norms, thinned
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        number INTEGER NOT NULL,            -- counts the profiles as recorded, from 0
        step INTEGER NOT NULL,
        norm REAL NOT NULL,                 -- overall norm, for thinning
        layers INTEGER NOT NULL,
        timesteps INTEGER NOT NULL,
        hidden_grad_norm BLOB,              -- (L, T) float32, as the next two; of version 0.1.0, `content` since
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
        content BLOB NOT NULL,              -- Snapshot.to_bytes(), sealed (rnncore.codec)
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
    """
    ALTER TABLE profiles ADD COLUMN reach_low REAL;     -- for thinning (rnncore.thinning.Size); NULL of version 0.1.0
    ALTER TABLE profiles ADD COLUMN reach_high REAL;
    ALTER TABLE profiles ADD COLUMN content BLOB;       -- rnncore.codec.encode_profile
    DROP INDEX profile_steps;
    CREATE INDEX profile_steps ON profiles (run, step, number, norm, reach_low, reach_high);
    """,
    """
    CREATE TABLE life (                     -- one row: for how long servers have worked with this store
        id INTEGER PRIMARY KEY CHECK (id = 1),
        lived_s REAL NOT NULL,              -- ages are counted by it, since the calendar may be wrong
        wall REAL NOT NULL                  -- the calendar's time when that was noted, 0 before the first time
    ) STRICT;
    INSERT INTO life (id, lived_s, wall) VALUES (1, 0, 0);
    ALTER TABLE runs ADD COLUMN ended_lived_s REAL;     -- life.lived_s when the run ended; NULL of older versions
    ALTER TABLE files ADD COLUMN created_lived_s REAL;  -- the same of uploads
    """,
    """
    ALTER TABLE runs ADD COLUMN watch TEXT;             -- watch_key(id), see `keys`
    ALTER TABLE runs ADD COLUMN group_watch TEXT;       -- watch_key(group_id)
    UPDATE runs SET watch = watch_key(id), group_watch = watch_key(group_id);
    CREATE INDEX runs_of_watch ON runs (watch);
    CREATE INDEX runs_of_group_watch ON runs (group_watch);

    CREATE TABLE classes (
        key INTEGER PRIMARY KEY,
        code TEXT NOT NULL UNIQUE,          -- what students type
        workspace TEXT NOT NULL,            -- the teacher's
        opened_at REAL NOT NULL,
        opened_lived_s REAL NOT NULL,       -- life.lived_s then
        state TEXT NOT NULL                 -- rnncore.classes.state.ClassState as JSON
    ) STRICT;
    CREATE TABLE class_members (            -- students
        class INTEGER NOT NULL REFERENCES classes (key) ON DELETE CASCADE,
        workspace TEXT NOT NULL,
        number INTEGER NOT NULL,            -- by which one is known who gave no name
        name TEXT NOT NULL,
        PRIMARY KEY (class, workspace)
    ) STRICT;
    CREATE TABLE class_answers (            -- to the polls of a class
        class INTEGER NOT NULL REFERENCES classes (key) ON DELETE CASCADE,
        poll INTEGER NOT NULL,
        workspace TEXT NOT NULL,
        choice INTEGER NOT NULL,
        PRIMARY KEY (class, poll, workspace)
    ) STRICT;
    CREATE TABLE class_runs (               -- runs that students have put on the wall
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        class INTEGER NOT NULL REFERENCES classes (key) ON DELETE CASCADE,
        handout INTEGER NOT NULL,
        workspace TEXT NOT NULL,
        PRIMARY KEY (class, run)
    ) STRICT;
    CREATE INDEX class_runs_of_run ON class_runs (run);
    """,
    """
    CREATE TABLE studies (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        watch TEXT NOT NULL UNIQUE,         -- watch_key(id)
        workspace TEXT NOT NULL,
        name TEXT NOT NULL,
        config TEXT NOT NULL,               -- StudyConfig as JSON
        planned INTEGER NOT NULL,           -- runs
        status TEXT NOT NULL,               -- running, stopped or finished
        reason TEXT NOT NULL DEFAULT '',
        created_at REAL NOT NULL,
        ended_at REAL,
        ended_lived_s REAL
    ) STRICT;
    CREATE INDEX studies_of_workspace ON studies (workspace, created_at);

    CREATE TABLE study_runs (               -- what is kept of the runs of a study that are over
        key INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows, so that readers can ask for what is new
        study INTEGER NOT NULL REFERENCES studies (key) ON DELETE CASCADE,
        number INTEGER NOT NULL,            -- of the cell, times the number of seeds, plus the place of the seed
        summary TEXT NOT NULL,              -- RunSummary as JSON, without its curve and its profile
        thinned TEXT NOT NULL,              -- these two
        UNIQUE (study, number)
    ) STRICT;
    """,
    """
    CREATE TABLE watched_runs (             -- runs that train in programs of their users (rnncore.watching)
        run INTEGER PRIMARY KEY REFERENCES runs (key) ON DELETE CASCADE,
        beat INTEGER NOT NULL,              -- grows with each sign of life of the program
        records INTEGER NOT NULL            -- that have come, all in all
    ) STRICT;
    """,
    """
    CREATE TABLE readings (                 -- of instruments on demand (rnncore.on_demand)
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the newest is the largest
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        instrument TEXT NOT NULL,
        step INTEGER NOT NULL,
        course INTEGER NOT NULL,            -- 1: of several steps up to `step`
        changes INTEGER NOT NULL,           -- changes of settings up to that step
        content BLOB NOT NULL,              -- Reading.to_bytes(), sealed (rnncore.codec)
        UNIQUE (run, instrument, step, course)
    ) STRICT;
    """,
    """
    CREATE TABLE chosen_readings (          -- the same, and with what their readers chose
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the newest is the largest
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        instrument TEXT NOT NULL,
        step INTEGER NOT NULL,
        course INTEGER NOT NULL,            -- 1: of several steps up to `step`
        changes INTEGER NOT NULL,           -- changes of settings up to that step
        chosen TEXT NOT NULL,               -- by the reader, as "layer=1&unit=3"; '': nothing
        content BLOB NOT NULL,              -- Reading.to_bytes(), sealed (rnncore.codec)
        UNIQUE (run, instrument, step, course, chosen)
    ) STRICT;
    INSERT INTO chosen_readings
        SELECT number, run, instrument, step, course, changes, '', content FROM readings;
    DROP TABLE readings;
    ALTER TABLE chosen_readings RENAME TO readings;
    """,
    # of a watched run, the readings that its program is asked for: [instrument, chosen, asked at, wanted at] as JSON
    "ALTER TABLE watched_runs ADD COLUMN asks TEXT NOT NULL DEFAULT '[]';",
)


def newest_version() -> int:
    """Return the version that this program brings a store to."""
    return len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations that this file has not been through, each as one transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.create_function("watch_key", 1, watch_key, deterministic=True)
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number}; COMMIT;"
        )
