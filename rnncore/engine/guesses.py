"""The losses of simple answers, by the network's own loss function on the very sequences that it is judged by."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.data.dataset import Batch, Guess
from rnncore.engine.losses import sequence_losses
from rnncore.records import Baseline

Floats = NDArray[np.float64]
_CHUNK = 1_000_000  # numbers that a guess gives out at once


class GuessLosses(NamedTuple):
    """What guesses cost: validation (K, N), each sequence's own loss; train (K,), the mean over training sequences."""

    guesses: tuple[Guess, ...]
    validation: Floats
    train: Floats

    def baselines(self, in_theory: dict[str, float]) -> tuple[Baseline, ...]:
        """Return the mean losses, the easiest to beat first; in_theory: what they are on endlessly many sequences."""
        lines = [
            Baseline(guess.name, float(losses.mean()), in_theory.get(guess.name), float(train), guess.knows)
            for guess, losses, train in zip(self.guesses, self.validation, self.train, strict=True)
        ]
        return tuple(sorted(lines, key=lambda line: -line.loss))


def guess_losses(guesses: tuple[Guess, ...], loss: str, validation: Batch, sample: Batch) -> GuessLosses:
    """Compute what guesses cost on the validation set and on some training sequences."""
    return GuessLosses(
        guesses,
        np.array([_losses(guess, loss, validation) for guess in guesses]).reshape(len(guesses), -1),
        np.array([_losses(guess, loss, sample).mean() for guess in guesses]),
    )


def _losses(guess: Guess, loss: str, batch: Batch) -> Floats:
    B, T = batch.inputs.shape[:2]
    each = max(1, T * guess.answers(batch.rows(0, 1)).shape[-1])
    rows = max(1, _CHUNK // each)
    parts = [_of(guess, loss, batch.rows(start, start + rows)) for start in range(0, B, rows)]
    return np.concatenate(parts)


def _of(guess: Guess, loss: str, batch: Batch) -> Floats:
    answers = torch.tensor(np.array(guess.answers(batch)), dtype=torch.float64)
    targets: Tensor = torch.tensor(batch.targets)
    targets = targets if targets.dtype == torch.int64 else targets.double()
    lengths = None if batch.lengths is None else torch.tensor(batch.lengths)
    found: Floats = sequence_losses(loss, answers, targets, lengths).numpy()
    return found
