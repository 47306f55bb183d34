"""The presets of the first screen: experiments that one click trains, each with a picture of what it shows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.twins import twins
from rnncore.config import TrainConfig
from rnncore.registry import Choice, Registry

# Both are recorded by `python -m benchmarks.opening --record`.
PICTURES = Path(__file__).with_name("preset_pictures.json")
EXAMPLE = Path(__file__).with_name("board_example.json")  # what the board shows before there is a run


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset(Choice):
    """A preset. Its title and help stand on its card.

    names: what its runs are called. configs: one for each name; none: the user brings a file first. compare: whether
    the runs are a clipped one and its twin without clipping. shown_step: the step whose profiles are its picture, None
    for the last one.
    """

    names: tuple[str, ...] = ()
    configs: tuple[TrainConfig, ...] = ()
    compare: bool = False
    shown_step: int | None = None


PRESETS: Registry[Preset] = Registry("preset")

_ADDING = TrainConfig.model_validate(
    {"data": {"kind": "task", "task": "adding", "seq_len": 50}, "steps": 600, "eval_every": 25, "profile_every": 5}
)
_CLIPPED = {"method": "norm", "threshold": 1.0}


def _adding(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate(_ADDING.model_dump() | changes)


PRESETS.register(
    Preset(
        key="exploding",
        title="Exploding",
        help="Going back in time, the gradient explodes. The network never learns.",
        names=("not clipped",),
        configs=(twins(DEFAULT)[1],),
    )
)
PRESETS.register(
    Preset(
        key="clipped",
        title="Clipped",
        help="The same with and without clipping. One of them learns.",
        names=("clipped at 1", "not clipped"),
        configs=tuple(twins(DEFAULT)),
        compare=True,
    )
)
PRESETS.register(
    Preset(
        key="vanishing",
        title="Vanishing",
        help="After 50 steps back next to nothing is left.",
        names=("RNN",),
        configs=(_ADDING,),
        shown_step=1,
    )
)
PRESETS.register(
    Preset(
        key="lstm",
        title="LSTM remembers",
        help="Its gates carry what a plain RNN forgets.",
        names=("LSTM", "plain RNN"),
        configs=(
            _adding(
                model={"cell": "lstm"},
                init={"chrono": True},
                clip=_CLIPPED,
                optimizer={"learning_rate": 0.01},
                steps=450,
            ),
            _adding(clip=_CLIPPED, optimizer={"learning_rate": 0.01}, steps=450),
        ),
        shown_step=1,
    )
)
PRESETS.register(
    Preset(
        key="attention",
        title="Attention’s shortcut",
        help="The output sees every timestep, so the gradient need not travel.",
        names=("attention", "last state"),
        configs=(_adding(model={"readout": "attention"}, clip=_CLIPPED), _adding(clip=_CLIPPED)),
        shown_step=1,
    )
)
PRESETS.register(Preset(key="file", title="Your file", help="Train on a table, a series or a text of your own."))


@cache
def pictures() -> dict[str, list[Sequence[float]]]:
    """Return, by a preset's key, for each of its runs log10 of g[t] / g[T], t = 1 to T, as it was recorded."""
    recorded: dict[str, list[Sequence[float]]] = json.loads(PICTURES.read_text())["pictures"]
    return recorded
