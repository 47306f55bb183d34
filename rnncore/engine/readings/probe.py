"""A run that is about to do one of its steps, as instruments on demand look at it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rnncore.engine.evaluation import TensorBatch, to_tensors
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer
from rnncore.words import first_of


def nobody(share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A run before the update of `step`, with the batch of that step, as the profile of that step sees it.

    trainer: its own to change: nobody goes on training with it. asked: what the reader chose beside the instrument.
    tell: takes the share of the work that is done, from 0 to 1.
    """

    trainer: Trainer
    step: int
    asked: Mapping[str, Any] = field(default_factory=dict)
    tell: Callable[[float], None] = nobody

    @property
    def model(self) -> SequenceModel:
        """The network."""
        return self.trainer.model

    @property
    def loss(self) -> str:
        """The key of its loss."""
        return self.trainer.loss

    def batch(self) -> TensorBatch:
        """Return the batch of the step."""
        config, dataset = self.trainer.config, self.trainer.dataset
        return to_tensors(
            dataset.train_batch(self.step, config.batch_size, config.seed), self.trainer.parameters.weights
        )

    def some(self, numbers_each: int, most: int) -> tuple[Tensor, Tensor, Tensor | None, tuple[str, ...]]:
        """Return inputs, targets and lengths of as many sequences as `most` numbers allow, and a note if not all.

        numbers_each: what one sequence takes.
        """
        inputs, targets, lengths = self.batch()
        B = len(inputs)
        rows = max(1, min(B, most // max(1, numbers_each)))
        note = () if rows == B else (f"Of {first_of(rows, B, 'sequence')} in the batch, to stay fast.",)
        return inputs[:rows], targets[:rows], None if lengths is None else lengths[:rows], note
