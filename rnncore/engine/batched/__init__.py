"""Runs that differ in their seeds or in numbers such as the learning rate, trained as one batched model."""

from collections.abc import Sequence

from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.engine.batched.fitting import alike
from rnncore.engine.batched.gain import MOST, pays
from rnncore.engine.batched.lockstep import Lockstep, train_many
from rnncore.mistakes import MISTAKES

__all__ = ["MOST", "Lockstep", "alike", "fits", "train_many"]


def fits(configs: Sequence[TrainConfig]) -> bool:
    """Tell whether runs can train as one batched model, and take less time so than one after another.

    Asked for the first time about a size of network and batch it measures, see `pays`. More than `MOST` runs are
    better trained in several parts.
    """
    if len(configs) < 2 or not alike(configs):
        return False
    first = configs[0]
    stacks = CELLS[first.model.cell].load().stacks and not MISTAKES[first.mistake].swaps_axes
    return stacks and pays(first, len(configs))
