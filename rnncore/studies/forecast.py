"""How long a study will take, estimated before it starts from the sizes of its runs alone.

The constants were measured on one core (docs/benchmarks.md). How much faster or slower this machine is, a worker has
measured (`rnncore.studies.pace`). Once runs are over, their own time replaces this estimate.
"""

from collections.abc import Sequence

from rnncore.cells import CELLS
from rnncore.checks import timesteps_of
from rnncore.config import TaskData, TrainConfig
from rnncore.flossing import flossings, update_seconds
from rnncore.studies import pace
from rnncore.studies.expansion import Describe, StudyCell

PER_RUN_S = 0.05
PER_STEP_S = 7e-4
PER_TIMESTEP_S, PER_BLOCK_S = 5e-6, 5.5e-6  # of each timestep and layer: dispatch, whatever the size
PER_MULTIPLICATION_S = 1.1e-10  # forward and backward together
EVALUATION_STEPS = 1.5  # an evaluation takes as long as so many steps


# What a worker trains to find out how fast the machine is.
REFERENCE_LENGTH = 50
REFERENCE = TrainConfig(data=TaskData(seq_len=REFERENCE_LENGTH), steps=60, eval_every=1000, device="cpu")


def run_seconds(config: TrainConfig, timesteps: int) -> float:
    """Return the estimated seconds of one core that a run takes at a pace of 1; timesteps: of its sequences."""
    cell, model = CELLS[config.model.cell], config.model
    dispatch = PER_TIMESTEP_S + PER_BLOCK_S * len(cell.blocks)
    work = config.batch_size * cell.recurrent_work(model.hidden_size) * PER_MULTIPLICATION_S
    step = PER_STEP_S + model.num_layers * timesteps * (dispatch + work)
    flossed = flossings(config) * config.flossing.steps
    flossing = flossed * update_seconds(config, timesteps) if flossed else 0.0
    return PER_RUN_S + config.steps * step * (1 + EVALUATION_STEPS / config.eval_every) + flossing


def study_seconds(cells: Sequence[StudyCell], describe: Describe, places: int) -> float:
    """Return the estimated seconds that all runs of these cells take on so many places of this machine at once."""
    lengths: dict[str, int] = {}
    total = 0.0
    for cell in cells:
        key = cell.config.data.model_dump_json()
        if key not in lengths:
            lengths[key] = timesteps_of(cell.config, describe(cell.config))
        total += len(cell.seeds) * run_seconds(cell.config, lengths[key])
    return total * (pace.measured() or 1.0) / max(1, places)


def told_duration(seconds: float) -> str:
    """Return a duration as people say it: 'about 40 seconds', 'about 3 minutes', 'about 2.5 hours'."""
    if seconds < 90:
        return f"about {max(1, round(seconds)):,} second{'s' * (round(seconds) > 1)}"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60):,} minutes"
    if seconds < 48 * 3600:
        return f"about {seconds / 3600:.1f} hours"
    return f"about {seconds / 86400:.1f} days"
