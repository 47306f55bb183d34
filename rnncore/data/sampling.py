"""Batches addressed by step, for fresh and for finite training data, and where their random numbers come from."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, BatchSource
from rnncore.data.files.limits import MAX_VALIDATION_VALUES

VALIDATION_SIZE = 256
# Third word of the entropy of everything that is not a training batch; training batches use (seed, step) alone.
_FIXED = 0x5EED


def evenly_spaced(count: int, most: int, values_each: int) -> NDArray[np.int64] | None:
    """Return which of `count` validation sequences to keep so that evaluation stays cheap, or None for all of them.

    most: how many at most. values_each: size of one, T * F; all together stay below MAX_VALIDATION_VALUES.
    """
    kept = min(most, max(1, MAX_VALIDATION_VALUES // values_each))
    return None if count <= kept else np.linspace(0, count - 1, kept).round().astype(np.int64)


def validation_rng(stream: int = 1) -> np.random.Generator:
    """Return the generator of a fixed set: the same in every run, and disjoint from all training batches."""
    return np.random.default_rng((stream, 0, _FIXED))


def fresh_batches(sample: Callable[[np.random.Generator, int], Batch]) -> BatchSource:
    """Return a source of new random sequences at every step, a pure function of (seed, step)."""

    def train_batch(step: int, batch_size: int, seed: int) -> Batch:
        return sample(np.random.default_rng((seed, step)), batch_size)

    return train_batch


def finite_batches(size: int, select: Callable[[NDArray[np.int64]], Batch]) -> BatchSource:
    """Return a source that visits `size` sequences once per epoch, each epoch in its own order from (seed, epoch).

    The last batch of an epoch holds what is left. `select` turns row numbers (B,) into a batch.
    """

    def train_batch(step: int, batch_size: int, seed: int) -> Batch:
        steps_per_epoch = -(-size // batch_size)
        epoch, index = divmod(step - 1, steps_per_epoch)
        order = _permutation(size, seed, epoch + 1)
        return select(order[index * batch_size : (index + 1) * batch_size])

    return train_batch


@lru_cache(maxsize=2)
def _permutation(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    order = np.random.default_rng((seed, epoch)).permutation(size)
    order.flags.writeable = False
    return order
