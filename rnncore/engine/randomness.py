"""Random numbers that depend on the run's seed alone, and leave the caller's random state as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# What a stream of random numbers is for; part of its seed, so that no two streams are the same.
INITIALIZATION, DROPOUT = 1, 2


def stream_seed(seed: int, purpose: int, step: int = 0) -> int:
    """Return the seed of one stream of a run's random numbers, 32 bits in which every part is mixed.

    Mixed because torch's CPU generator looks at the lower 32 bits of a seed only: `seed << 32 | step` would give all
    runs the same numbers.
    """
    return int(np.random.SeedSequence((seed, purpose, step)).generate_state(1)[0])


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Let torch's random functions start from `seed`; afterwards the CPU's random state is as it was."""
    before = torch.get_rng_state()
    if device == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)
