"""The gradient norms of every timestep as a long CSV table."""

from collections.abc import Iterator

from rnncore.runs.read.batches import profile_batches, profile_columns
from rnncore.runs.store.store import Store, StoredRun


def profiles_csv(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a CSV file with one line per stored profile, layer and timestep (both from 1); empty: not recorded.

    Sequences of unequal length are aligned at their ends: T stands for each one's own last step, T - k for the lag k.
    The column sequence_count is there for them alone; where it is 0, norms are empty.

    The store keeps at most `Settings.max_profile_rows` profiles of a run, the spikes among them.
    """
    columns = profile_columns(store, run)
    yield (",".join(("step", "layer", "timestep", *columns)) + "\n").encode()
    for profile in profile_batches(store, run, 0, run.step):
        if not profile.arrays:
            yield f"{profile.step},,{',' * len(columns)}\n".encode()  # damaged in the store
            continue
        layers, timesteps = profile.arrays["hidden_grad_norm"].shape
        places = [f"{profile.step},{layer},{t}," for layer in range(1, layers + 1) for t in range(1, timesteps + 1)]
        numbers = {name: array.ravel().astype(float).tolist() for name, array in profile.arrays.items()}
        nobody = [not count for count in numbers.get("sequence_count", [1.0] * len(places))]
        cells = [
            [
                "" if absent and name != "sequence_count" else repr(value)
                for value, absent in zip(numbers[name], nobody, strict=True)
            ]
            if name in numbers
            else [""] * len(places)
            for name in columns
        ]
        lines = (place + ",".join(values) for place, values in zip(places, zip(*cells, strict=True), strict=True))
        yield ("\n".join(lines) + "\n").encode()
