"""A plugin from outside, written into a folder: an instrument that measures a toy part, and a figure that shows it."""

from pathlib import Path

FILES = {
    "toy/__init__.py": '''"""Registers the instrument; knows neither torch nor plotly."""

from rnncore.instruments import INSTRUMENTS, Instrument

INSTRUMENTS.register(
    Instrument(
        key="toy",
        title="Mean state",
        help="The mean of |h| over sequences and units by layer and timestep.",
        phase="evaluation",
        applies=lambda config: config.model.cell == "rnn",
        implementation="toy.measure:mean_state",
    )
)
''',
    "toy/measure.py": '''"""What the instrument does."""

import torch

from rnncore.engine.cells.tape import StateTape
from rnncore.json_arrays import floats


@torch.no_grad()
def mean_state(moment):
    tape = StateTape(cell=False)
    moment.model.recurrent(moment.validation.inputs, tape)
    means = [states.abs().mean(dim=(1, 2)) for states in tape.states]  # (T,) each
    return {"mean": floats(torch.stack(means).numpy())}
''',
    "toy/page.py": '''"""The figure."""

import plotly.graph_objects as go

from dashboard.figures import FIGURES, PALETTES, Figure, Shown, Sources, fills


def build(runs, theme):
    figure = go.Figure()
    for index, run in enumerate(runs):
        color = PALETTES[theme].runs[index]
        figure.add_scatter(
            name=run.label, meta=fills.part(index, "toy.mean", "layer"), mode="lines", line={"color": color}
        )
    figure.update_xaxes(title="timestep t")
    return figure


FIGURES.register(
    Figure(
        key="toy",
        title="Mean state",
        subtitle="at step {step}",
        help="Line chart: mean of |h| over the timesteps",
        build=build,
        reads=Sources(parts=("toy",)),
        steps=False,
        shows=Shown("toy"),
    )
)
''',
}


def write_toy(folder: Path) -> None:
    """Write the plugin `toy` into a folder of the module search path."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
