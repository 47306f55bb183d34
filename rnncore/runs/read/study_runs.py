"""What is kept of a run of a study, read from the store once the run is over."""

from rnncore.runs.store.profiles import read_profiles
from rnncore.runs.store.runs import progress
from rnncore.runs.store.scalars import read_scalars
from rnncore.runs.store.store import Store, StoredRun
from rnncore.studies.success import Success
from rnncore.studies.summary import RunSummary, summarise


def summary_of(store: Store, run: StoredRun, success: Success | None) -> RunSummary:
    """Return the summary of a run that is over; its last profiles are those that the store has kept."""
    with store.read() as db:
        found = progress(db, run.id)
        key = -1 if found is None else found.key
        records = read_scalars(db, key)
        profiles = read_profiles(db, key)
    arrays = [profile.arrays for profile in profiles if profile.arrays]
    return summarise(records, arrays, run.info or {}, run.status, run.reason, success)
