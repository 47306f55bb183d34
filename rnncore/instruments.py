"""The instruments: what is measured of a run at each evaluation, one part of its snapshot each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rnncore.cells import CELLS
from rnncore.choices import READOUTS
from rnncore.config import TrainConfig
from rnncore.registry import Implemented, Registry

Phase = Literal["backward", "evaluation"]


def _every_run(config: TrainConfig) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Implemented):
    """What measures one part of a snapshot, which is called by the instrument's `key`.

    phase: "backward": once the gradient is there, before clipping and update, together with the profile of the same
    step; "evaluation": once the updated model has been evaluated on the validation set.
    applies: whether a run of this configuration has the part.
    implementation: a function of a `rnncore.engine.instruments.moment.Moment` (in the phase "evaluation" an
    `Evaluated`) that returns the part: JSON-ready, arrays by `rnncore.json_arrays.floats`. It draws no random number
    and writes to nothing, so that training goes the same way with and without it.
    """

    phase: Phase
    applies: Callable[[TrainConfig], bool] = _every_run


INSTRUMENTS: Registry[Instrument] = Registry("instrument")

INSTRUMENTS.register(
    Instrument(
        key="predictions",
        title="Predictions",
        help="Targets and answers of validation sequences, or a confusion matrix of the whole validation set.",
        phase="evaluation",
        implementation="rnncore.engine.instruments.predictions:predictions",
    )
)
INSTRUMENTS.register(
    Instrument(
        key="parameters",
        title="Parameters",
        help="Norms of each weight matrix and its gradient, and how the gradient's elements spread over decades.",
        phase="backward",
        implementation="rnncore.engine.instruments.parameters:parameters",
    )
)
INSTRUMENTS.register(
    Instrument(
        key="sigma_max",
        title="Largest singular value",
        help="The largest singular value of each layer's recurrent matrix, which bounds an RNN's gradient.",
        phase="backward",
        applies=lambda config: CELLS[config.model.cell].bounded,
        implementation="rnncore.engine.instruments.spectral:sigma_max",
    )
)
INSTRUMENTS.register(
    Instrument(
        key="saturation",
        title="Units and weights",
        help="How much of the gradient's shrinking, step by step back in time, is due to units, how much to weights.",
        phase="backward",
        applies=lambda config: CELLS[config.model.cell].steps_back,
        implementation="rnncore.engine.instruments.saturation:saturation",
    )
)
INSTRUMENTS.register(
    Instrument(
        key="gates",
        title="Gates",
        help="The mean activation of each gate by layer and timestep.",
        phase="evaluation",
        applies=lambda config: bool(CELLS[config.model.cell].gates),
        implementation="rnncore.engine.instruments.gates:gates",
    )
)
INSTRUMENTS.register(
    Instrument(
        key="health",
        title="Health",
        help="How the answers compare with simple ones, and how many units and gates are at the ends of their range.",
        phase="evaluation",
        implementation="rnncore.engine.instruments.health:health",
    )
)
INSTRUMENTS.register(
    Instrument(
        key="attention",
        title="Attention",
        help="The mean weight of each timestep in the attention read-out.",
        phase="evaluation",
        applies=lambda config: READOUTS[config.model.readout].attends,
        implementation="rnncore.engine.instruments.attention:attention",
    )
)
