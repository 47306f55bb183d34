"""Windows without labels that overlap become the series that they were cut from: else its values are in both parts."""

from dataclasses import replace

import numpy as np

from rnncore.data.overlaps import Overlap, overlap_of
from rnncore.data.sequences import Sequences, offsets_of
from rnncore.words import many


def stitched(sequences: Sequences) -> Sequences:
    """Return the series that overlapping sequences were cut from, in their order, each value once; or what was given.

    A split that the files make stays as it is.
    """
    if sequences.labels is not None or sequences.held_out is not None:
        return sequences
    overlap = overlap_of(sequences)
    if overlap is None:
        return sequences
    length = int(sequences.lengths[0])
    order = np.lexsort((overlap.starts, overlap.chains))
    chains, starts = overlap.chains[order], overlap.starts[order]
    new = np.concatenate([[True], chains[1:] != chains[:-1]])  # the first window of each series
    fresh = np.where(new, length, np.concatenate([[0], np.diff(starts)]))  # timesteps that the one before has not
    steps = np.arange(length) >= (length - fresh)[:, None]  # (N, T)
    places = (order[:, None] * length + np.arange(length))[steps]
    counts = np.add.reduceat(fresh, np.flatnonzero(new))
    moments = sequences.moments
    return replace(
        sequences,
        values=tuple(column[places] for column in sequences.values),
        offsets=offsets_of(counts.tolist()),
        ids=tuple(sequences.ids[place] for place in order[new]),
        moments=moments and replace(moments, values=moments.values[places]),
        notes=(*sequences.notes, _told(overlap, len(counts), int(counts.sum()))),
    )


def _told(overlap: Overlap, count: int, steps: int) -> str:
    after = f"each begins {many(overlap.shift, 'timestep')} after the one before"
    order = "" if overlap.in_order else ", in another order"
    return (
        f"The sequences are windows that overlap: {after}{order}. They were put together again, so that no value is "
        f"in both parts: {many(count, 'series')} of {steps:,} timesteps."
    )
