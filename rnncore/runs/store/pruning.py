"""Keeping the store bounded: ended runs go by age, then by size, those of the largest workspace first."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from rnncore.runs.settings import Settings
from rnncore.runs.store.database import StoreFault, is_damage
from rnncore.runs.store.life import LIVED
from rnncore.runs.store.store import ENDED, Store
from rnncore.runs.store.studies import PREFIX, study_sizes

DAY_S = 86_400.0
ROOM = 0.9  # prune down to this share of the limit, so that it is not needed again at once
UPLOAD_GRACE_S = DAY_S  # an upload may wait this long for its first run
VACUUM_PAGES = 2048
_ENDED = ", ".join(f"'{status}'" for status in ENDED)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning removed."""

    runs: int
    files: int


def prune(
    store: Store, settings: Settings, delete: Callable[[str], object] | None = None, by_calendar: bool = True
) -> Pruned:
    """Remove ended runs older than `keep_days`, then more until the store is within `max_store_mb`, and unused uploads.

    delete: removes one ended run by its id and tells whether there was one (default: `store.delete_run`). Runs that
    are queued, running or paused are not touched: the condition is part of the deletion itself.
    by_calendar: age is what the calendar says, as somebody wants it who is there; else, where nobody is there to see
    that the calendar is wrong, it is the time in which a server has worked since.
    """
    delete = delete or store.delete_run
    doomed = _too_old(store, settings, by_calendar) + _too_many(store, settings)
    removed = sum(
        _deleted(store.delete_study if each.startswith(PREFIX) else delete, each.removeprefix(PREFIX))
        for each in dict.fromkeys(doomed)
    )
    files = store.drop_unused_files(UPLOAD_GRACE_S, by_calendar)
    if removed or files:
        store.give_back_pages(VACUUM_PAGES)
    return Pruned(removed, files)


def _deleted(delete: Callable[[str], object], run_id: str) -> bool:
    """Delete a run; one that the store is too damaged to delete must not keep the others."""
    try:
        return bool(delete(run_id))
    except StoreFault as error:
        if not is_damage(error):
            raise
        return False


def used_bytes(db: sqlite3.Connection) -> int:
    """Return the bytes in use in the database file; freed pages do not count, they are used again."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _too_old(store: Store, settings: Settings, by_calendar: bool) -> list[str]:
    age = ":now - ended_at" if by_calendar else f"{LIVED} - COALESCE(ended_lived_s, 0)"
    with store.read() as db:
        rows = db.execute(
            f"SELECT id FROM runs WHERE status IN ({_ENDED}) AND substr(workspace, 1, 6) <> '{PREFIX}'"
            f" AND {age} > :seconds"
            f" UNION ALL SELECT '{PREFIX}' || id FROM studies WHERE status <> 'running' AND {age} > :seconds",
            {"now": store.clock.wall(), "seconds": settings.keep_days * DAY_S},
        )
        return [run_id for (run_id,) in rows]


def _too_many(store: Store, settings: Settings) -> list[str]:
    """Return ended runs to remove for size: again and again the oldest of the workspace that takes most."""
    limit = settings.max_store_mb * 2**20
    with store.read() as db:
        used = used_bytes(db)
        if used <= limit:
            return []
        sizes = _run_sizes(db)
        runs = db.execute(
            "SELECT ended_lived_s, key, id, workspace, status FROM runs ORDER BY ended_lived_s, ended_at, key"
        ).fetchall()
        studies = study_sizes(db)
    taken: defaultdict[str, int] = defaultdict(int)
    removable: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    things = [(ended, run_id, workspace, status in ENDED, sizes[key]) for ended, key, run_id, workspace, status in runs]
    things += [  # each as one, whatever number of runs it has
        (ended, PREFIX + study_id, workspace, status != "running", size)
        for ended, study_id, workspace, status, size in studies
    ]
    for _, name, workspace, over, size in sorted(things, key=lambda each: each[0] or 0.0):
        taken[workspace] += size
        if over and not workspace.startswith(PREFIX):
            removable[workspace].append((name, size))
    doomed = []
    excess = used - ROOM * limit
    while excess > 0 and removable:
        workspace = max(removable, key=lambda name: taken[name])
        run_id, size = removable[workspace].pop(0)
        doomed.append(run_id)
        taken[workspace] -= size
        excess -= size
        if not removable[workspace]:
            del removable[workspace]
    return doomed


def _run_sizes(db: sqlite3.Connection) -> defaultdict[int, int]:
    """Return the bytes of records, profiles, snapshots, checkpoint and readings by key of the run."""
    sizes: defaultdict[int, int] = defaultdict(lambda: 500)
    blobs = (
        ("chunks", "length(scalars)"),
        ("profiles", "60 + COALESCE(length(content), layers * timesteps * 4 * ((hidden_grad_norm IS NOT NULL)"
         " + (cell_grad_norm IS NOT NULL) + (direct_grad_norm IS NOT NULL)))"),
        ("snapshots", "60 + length(content)"),
        ("checkpoints", "length(content)"),
        ("readings", "60 + length(content)"),
    )  # fmt: skip
    for table, size in blobs:
        for key, total in db.execute(f"SELECT run, SUM({size}) FROM {table} GROUP BY run"):
            sizes[key] += total
    return sizes
