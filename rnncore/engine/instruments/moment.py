"""What an instrument may look at: a run at one evaluation."""

from dataclasses import dataclass

from torch import Tensor

from rnncore.config import TrainConfig
from rnncore.data.dataset import SequenceDataset
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.evaluation import Evaluation, TensorBatch
from rnncore.engine.flat import FlatParameters
from rnncore.engine.guesses import GuessLosses
from rnncore.engine.model import SequenceModel
from rnncore.engine.spikes import Spikes


@dataclass(frozen=True, slots=True)
class Moment:
    """A run whose backward pass is done; neither clipping nor the optimiser has touched anything yet.

    parameters: all weights with their gradients. validation: the whole validation set. guesses: what simple answers
    cost there. spikes: the largest spike of the gradient norm so far. first_weight_norm: of all initial weights. tape:
    of the backward pass, and lengths: of its sequences where these are unequal; both are there in that phase alone.
    """

    config: TrainConfig
    dataset: SequenceDataset
    model: SequenceModel
    parameters: FlatParameters
    validation: TensorBatch
    guesses: GuessLosses
    spikes: Spikes
    first_weight_norm: float
    tape: StateTape | None = None
    lengths: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated(Moment):
    """A run whose updated model has been evaluated on the validation set."""

    evaluation: Evaluation
