"""What a configuration chooses by name beside the cell: a registry for each kind of choice."""

from rnncore.choices.clip_methods import CLIP_METHODS, ClipMethod
from rnncore.choices.configured import Configured
from rnncore.choices.initializations import INITIALIZATIONS, Initialization
from rnncore.choices.losses import AUTO, LOSSES, Loss
from rnncore.choices.optimizers import OPTIMIZERS, Optimizer
from rnncore.choices.readouts import READOUTS, Readout
from rnncore.choices.schedules import SCHEDULES, Schedule

__all__ = [
    "AUTO", "CLIP_METHODS", "INITIALIZATIONS", "LOSSES", "OPTIMIZERS", "READOUTS", "SCHEDULES",
    "ClipMethod", "Configured", "Initialization", "Loss", "Optimizer", "Readout", "Schedule",
]  # fmt: skip
