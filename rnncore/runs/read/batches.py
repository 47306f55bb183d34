"""All records and profiles of a run, some at a time: each piece is read in a transaction of its own."""

from collections.abc import Iterator

import numpy as np

from rnncore.codec import Scalars, joined
from rnncore.records import COUNTS, PROFILES
from rnncore.runs.store.profiles import Profile, read_profiles
from rnncore.runs.store.runs import progress
from rnncore.runs.store.scalars import read_scalars
from rnncore.runs.store.store import Store, StoredRun

CHUNKS_AT_ONCE = 8
VALUES_AT_ONCE = 30_000  # of profiles: a piece takes some ten milliseconds to write


def scalar_batches(store: Store, run: StoredRun) -> Iterator[Scalars]:
    """Yield the records up to `run.step`, in order; of those that are damaged nothing but the steps."""
    since = 0
    while since < run.step:
        with store.read() as db:
            found = progress(db, run.id)
            scalars = read_scalars(db, found.key, since, run.step, CHUNKS_AT_ONCE) if found else joined([])
        scalars = _with_damaged(scalars)
        if not len(scalars):
            return  # the run was deleted meanwhile
        yield scalars
        since = int(scalars["step"][-1])


def _with_damaged(scalars: Scalars) -> Scalars:
    """Add a row for each of the missing steps, with NaN in every other column."""
    if not scalars.missing:
        return scalars
    steps = np.concatenate([np.arange(first, last + 1, dtype=np.float64) for first, last in scalars.missing])
    whole = joined([scalars, Scalars(("step",), steps[:, np.newaxis])])
    return whole.take(np.argsort(whole["step"], kind="stable"))


def profile_batches(store: Store, run: StoredRun, since: int, until: int) -> Iterator[Profile]:
    """Yield the profiles of steps above `since` up to `until`; those that are damaged have no arrays."""
    limit = 1  # until their size is known
    while True:
        with store.read() as db:
            found = progress(db, run.id)
            profiles = read_profiles(db, found.key, since, until, limit) if found else []
        if not profiles:
            return
        yield from profiles
        since = profiles[-1].step
        values = sum(array.size for array in profiles[-1].arrays.values())
        limit = max(1, VALUES_AT_ONCE // values) if values else limit


def profile_columns(store: Store, run: StoredRun) -> tuple[str, ...]:
    """Return the names of the arrays over layers and timesteps that a file of a run has.

    Those of `COUNTS` are among them where the run has sequences of unequal length.
    """
    for profile in profile_batches(store, run, 0, run.step):
        if profile.arrays:
            return (*PROFILES, *(name for name in COUNTS if name in profile.arrays))
    return tuple(PROFILES)
