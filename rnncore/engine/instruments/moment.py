"""What an instrument may look at: a run at one evaluation."""

from dataclasses import dataclass

from rnncore.config import TrainConfig
from rnncore.data.dataset import SequenceDataset
from rnncore.engine.evaluation import Evaluation, TensorBatch
from rnncore.engine.flat import FlatParameters
from rnncore.engine.guesses import GuessLosses
from rnncore.engine.model import SequenceModel
from rnncore.engine.spikes import Spikes


@dataclass(frozen=True, slots=True)
class Moment:
    """A run whose backward pass is done; neither clipping nor the optimiser has touched anything yet.

    parameters: all weights with their gradients. validation: the whole validation set. guesses: what simple answers
    cost there. spikes: the largest spike of the gradient norm so far. first_weight_norm: of all initial weights.
    """

    config: TrainConfig
    dataset: SequenceDataset
    model: SequenceModel
    parameters: FlatParameters
    validation: TensorBatch
    guesses: GuessLosses
    spikes: Spikes
    first_weight_norm: float


@dataclass(frozen=True, slots=True)
class Evaluated(Moment):
    """A run whose updated model has been evaluated on the validation set."""

    evaluation: Evaluation
