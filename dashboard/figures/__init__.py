"""The figures of the board, designed once: each is one object, drawn alike by the live board and the report.

This package knows plotly and never streamlit. A plugin adds a figure by `FIGURES.register(Figure(...))` in its
submodule `page`.
"""

from dashboard.figures import fills
from dashboard.figures.attention import ATTENTION
from dashboard.figures.confusion import CONFUSION
from dashboard.figures.drawing import FIGURES, board, columns_read, drawing
from dashboard.figures.figure import Figure, Option, Pace, Rule, Shown, Sources
from dashboard.figures.gates import GATES
from dashboard.figures.grad_norm import GRAD_NORM
from dashboard.figures.heatmap import HEATMAP
from dashboard.figures.look import PALETTES, Palette, Run
from dashboard.figures.loss import LOSS
from dashboard.figures.parameters import PARAMETERS
from dashboard.figures.predictions import PREDICTIONS
from dashboard.figures.profile import PROFILE

__all__ = [
    "FIGURES",
    "MAX_RUNS",
    "PALETTES",
    "Figure",
    "Option",
    "Pace",
    "Palette",
    "Rule",
    "Run",
    "Shown",
    "Sources",
    "board",
    "columns_read",
    "drawing",
    "fills",
]

MAX_RUNS = 6

# In the order in which they are shown.
for _figure in (LOSS, PROFILE, GRAD_NORM, HEATMAP, PREDICTIONS, CONFUSION, PARAMETERS, GATES, ATTENTION):
    FIGURES.register(_figure)
