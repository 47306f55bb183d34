"""The instruments on demand: what is worked out of a run at one of its steps when somebody asks for it."""

from collections.abc import Callable
from dataclasses import dataclass

from rnncore.config import TrainConfig
from rnncore.mistakes import MISTAKES
from rnncore.registry import Implemented, Registry

MOST_STEPS = 12  # of a run at which an instrument is read to follow it over training


def _for_all(config: TrainConfig) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemand(Implemented):
    """An instrument that is read on demand. `help` says in one sentence what it is.

    look: one sentence on what to look for. formula: in plain characters. source: who has described it.
    undefined: why it has no value for a run of this configuration, else ''. course: where it is worth following over
    training, the place of a function from the arrays of `Reading.summary`, each with a first dimension for the training
    steps of the array "step", to a reading. terms: of the glossary, that help.
    implementation: a function of a `rnncore.engine.readings.probe.Probe` that returns a `rnncore.reading.Reading`; its
    panels say how it is drawn, so that nothing else is to be written for it. It may do with the run what it likes.
    """

    look: str
    formula: str
    source: str
    undefined: Callable[[TrainConfig], str] = _for_all
    course: str = ""
    terms: tuple[str, ...] = ()


ON_DEMAND: Registry[OnDemand] = Registry("instrument on demand")


def why_undefined(key: str, config: TrainConfig) -> str:
    """Return why an instrument has no value for runs of this configuration, '' where it has."""
    if MISTAKES[config.mistake].swaps_axes:
        return "Not defined here: this run reads the batch axis as time."
    return ON_DEMAND[key].undefined(config)


ON_DEMAND.register(
    OnDemand(
        key="flow",
        title="Gradient-flow matrix",
        help="How strongly the loss at each timestep τ teaches the state at each earlier timestep t.",
        look="A bright band along the diagonal that fades within a few columns: losses teach only the states just "
        "before them, and what lies further back is not learned from.",
        formula="G[τ, t] = mean over sequences of |∂l_τ/∂h_t|",
        source="Cashman et al. (2017), RNNbow, arXiv 1907.12545",
        terms=("State gradient",),
        implementation="rnncore.engine.readings.flow:read",
    )
)
