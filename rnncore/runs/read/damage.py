"""What the store has lost of a run, in a sentence."""

from collections.abc import Iterable

from rnncore.codec import Range
from rnncore.runs.read.batches import scalar_batches
from rnncore.runs.store.store import Store, StoredRun


def damage(store: Store, run: StoredRun) -> str:
    """Read all records of a run and say which steps are damaged; '' where none is."""
    return damage_in_words(steps for scalars in scalar_batches(store, run) for steps in scalars.missing)


def damage_in_words(missing: Iterable[Range]) -> str:
    """Say that these steps, first and last of each stretch, are lost; '' where there are none."""
    steps = ", ".join(f"{first:,} to {last:,}" if last > first else f"{first:,}" for first, last in missing)
    return steps and f"Damaged: the store has lost the records of steps {steps} of this run."
