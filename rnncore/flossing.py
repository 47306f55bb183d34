"""Gradient flossing without torch: when it is due, on how many sequences, and for which networks it is worked out."""

from dataclasses import dataclass

from rnncore.cells import CELLS
from rnncore.config import ModelConfig, TrainConfig
from rnncore.errors import not_allowed
from rnncore.words import figure, many

SEQUENCES = 4  # of the batch, over which exponents are averaged
TIMESTEPS = 100  # of these sequences, the first ones
LARGEST = 128  # numbers of a state: its Jacobians have as many rows and columns
SECONDS = 20.0  # that all updates before one step may take, as forecast
MICROSECONDS = (40.0, 1 / 30, 1 / 18)  # of an update per sequence and timestep: fixed, per N^2, per N k; measured
_TOGETHER = 2**21  # numbers of the Jacobians of all timesteps


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a flossing that is under way: updates that are done, of how many, and the root mean square of the exponents.

    size: as the newest of these updates found it; None before the first one.
    """

    done: int
    updates: int
    size: float | None


def flossings(config: TrainConfig) -> int:
    """Return how often a run is flossed."""
    every = config.flossing.every
    return (1 + (0 if every is None else (config.steps - 1) // every)) if config.flossing.exponents else 0


def due(config: TrainConfig, step: int) -> bool:
    """Tell whether a run is flossed before this step: before the first one, and after every `flossing.every` steps."""
    every = config.flossing.every
    return bool(config.flossing.exponents) and (step == 1 or (every is not None and (step - 1) % every == 0))


def state_size(model: ModelConfig) -> int:
    """Return how many numbers the states of all layers have together."""
    cell = CELLS[model.cell]
    return model.num_layers * model.hidden_size * cell.numbers_per_unit * len(cell.states)


def extent(model: ModelConfig, timesteps: int) -> tuple[int, int]:
    """Return how many sequences of a batch, and how many of their timesteps, the exponents are worked out on."""
    timesteps = min(timesteps, TIMESTEPS)
    return max(1, min(SEQUENCES, _TOGETHER // (timesteps * state_size(model) ** 2))), timesteps


def update_seconds(config: TrainConfig, timesteps: int) -> float:
    """Return about how long one update takes on one core, of a network that reads so many timesteps."""
    size, (sequences, steps) = state_size(config.model), extent(config.model, timesteps)
    fixed, squared, directions = MICROSECONDS
    return sequences * steps * (fixed + squared * size**2 + directions * size * config.flossing.exponents) * 1e-6


def check_flossing(config: TrainConfig, timesteps: int) -> None:
    """Raise ConfigError, one sentence, where a network that reads so many timesteps cannot be flossed as asked."""
    wanted, size = config.flossing.exponents, state_size(config.model)
    if not wanted:
        return
    if size > LARGEST:
        why = f"with a state of {size:,} numbers; gradient flossing is worked out for at most {LARGEST}"
        raise not_allowed("flossing.exponents", wanted, why, "0, or a smaller network")
    if wanted > size:
        raise not_allowed("flossing.exponents", wanted, f"with a state of {many(size, 'number')}", f"0 to {size:,}")
    if timesteps < 2:
        why = f"with sequences of {many(timesteps, 'timestep')}, between which there is no step"
        raise not_allowed("flossing.exponents", wanted, why, "0")
    one, updates = update_seconds(config, timesteps), config.flossing.steps
    if updates > (most := int(SECONDS / one)):
        why = f"where an update takes about {one:.2g} s; all of them may take {SECONDS:.0f} s"
        raise not_allowed("flossing.steps", updates, why, f"1 to {most}, or more with fewer exponents or timesteps")


def in_words(config: TrainConfig) -> str:
    """Return one sentence that says when a run is flossed, '' where it is not."""
    flossing = config.flossing
    if not flossing.exponents:
        return ""
    again = "" if flossing.every is None else f" and after every {many(flossing.every, 'step')}"
    return (
        f"Gradient flossing before the first step{again}: {many(flossing.steps, 'update')} that are not training steps "
        f"push {those(flossing.exponents)} towards 0."
    )


def those(exponents: int) -> str:
    """Return which exponents are pushed to 0, in words."""
    return "the largest exponent" if exponents == 1 else f"the first {exponents} exponents"


def progress_in_words(step: int, progress: Progress, exponents: int) -> str:
    """Return how far the flossing before a step is, without a full stop."""
    share = f"{100 * progress.done // progress.updates} % done"
    size = "" if progress.size is None else f", root mean square of {those(exponents)} {figure(progress.size, 3)}"
    return f"gradient flossing before step {step:,}: {share}{size}"
