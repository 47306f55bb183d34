"""The gradient norms of every timestep as a long CSV table."""

from collections.abc import Iterator

from rnncore.records import PROFILES
from rnncore.runs.read.batches import profile_batches
from rnncore.runs.store.store import Store, StoredRun


def profiles_csv(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a CSV file with one line per stored profile, layer and timestep (both from 1); empty: not recorded.

    The store keeps at most `Settings.max_profile_rows` profiles of a run, the spikes among them.
    """
    yield (",".join(("step", "layer", "timestep", *PROFILES)) + "\n").encode()
    for profile in profile_batches(store, run, 0, run.step):
        if not profile.arrays:
            yield f"{profile.step},,{',' * len(PROFILES)}\n".encode()  # damaged in the store
            continue
        layers, timesteps = profile.arrays["hidden_grad_norm"].shape
        places = [f"{profile.step},{layer},{t}," for layer in range(1, layers + 1) for t in range(1, timesteps + 1)]
        columns = [
            [repr(value) for value in profile.arrays[name].ravel().astype(float).tolist()]
            if name in profile.arrays
            else [""] * len(places)
            for name in PROFILES
        ]
        lines = (place + ",".join(values) for place, values in zip(places, zip(*columns, strict=True), strict=True))
        yield ("\n".join(lines) + "\n").encode()
