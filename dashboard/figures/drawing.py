"""How runs are drawn, as JSON: what the live board and the report both give to their script."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dashboard.figures.figure import Figure
from dashboard.figures.look import PALETTES, Run, styled
from rnncore.registry import Registry

FIGURES: Registry[Figure] = Registry("figure")
# What the board reads beside what the figures do: it names the newest loss and metric and says where twins part.
_BOARD_READS = ("step", "train_loss", "grad_norm", "val_metric")


def board(runs: Sequence[Run], theme: str) -> dict[str, dict[str, Any]]:
    """Return the figures of the board for up to six runs, by name, in the order they are shown, as plotly JSON."""
    return {name: styled(figure.build(runs, theme), theme) for name, figure in FIGURES.items()}


def drawing(runs: Sequence[Run]) -> dict[str, Any]:
    """Return all that the script has to know to draw runs; what was measured of them it gets elsewhere.

    Keys: runs; figures by theme and name (`board`); about, by name (`Figure.about`); palette by theme.
    """
    return {
        "runs": [{"label": run.label, "clipped": run.clipped, "reverse": run.reverse} for run in runs],
        "figures": {theme: board(runs, theme) for theme in PALETTES},
        "about": {name: figure.about(runs) for name, figure in FIGURES.items()},
        "palette": {theme: asdict(palette) for theme, palette in PALETTES.items()},
    }


def columns_read() -> tuple[str, ...]:
    """Return the scalars (`rnncore.records.SCALARS`) that the figures and the board read."""
    reads = [name for figure in FIGURES.values() for name in (*figure.reads.columns, *figure.reads.evaluations)]
    return tuple(dict.fromkeys((*_BOARD_READS, *reads)))
