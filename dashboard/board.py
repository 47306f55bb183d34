"""The live board as one Components-v2 component: specs and run ids go in, everything else it fetches itself."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import streamlit as st

from dashboard import figures
from dashboard.assets import asset_url

# A loader only: Streamlit sends inline script with every update, so the board itself is a cached file.
_LOADER = """
export default function ({ data, parentElement }) {
  let cleanup = null
  let gone = false
  import(new URL(data.module, document.baseURI).href).then((board) => {
    if (!gone) cleanup = board.mount(parentElement, data)
  })
  return () => {
    gone = true
    if (cleanup) cleanup()
  }
}
"""

_board = st.components.v2.component(
    "rnn_gradient_lab_board",
    html=f'<link rel="stylesheet" href="{asset_url("board.css")}">',
    js=_LOADER,
    isolate_styles=False,
)

ALT = {
    "loss": "Line chart: training and validation loss over the training steps",
    "grad_norm": "Line chart: global gradient norm before clipping over the training steps, with the threshold",
    "profile": "Line chart: norm of the gradient of the loss by the hidden state over the timesteps, latest step",
    "heatmap": "Heatmaps, one per run: gradient norm by timestep and training step, on one colour scale",
}
EMPTY = "Press Train: measured curves appear here"


@dataclass(frozen=True, slots=True)
class BoardRun:
    """One run on the board; `run_id` is None before Train was pressed."""

    run_id: str | None
    figure: figures.Run


def board(runs: Sequence[BoardRun], *, key: str = "board") -> None:
    """Mount the live board for up to two runs."""
    _board(
        key=key,
        data={
            "module": asset_url("board.js"),
            "plotly": asset_url("plotly.min.js"),
            "runs": [{"id": run.run_id, **asdict(run.figure)} for run in runs],
            "figures": _specs(tuple(run.figure for run in runs)),
            "colors": {theme: palette.runs for theme, palette in figures.PALETTES.items()},
            "alt": ALT,
            "empty": EMPTY,
        },
    )


@lru_cache(maxsize=64)
def _specs(runs: tuple[figures.Run, ...]) -> dict[str, Any]:
    return {
        theme: {name: json.loads(figure.to_json()) for name, figure in figures.board(runs, theme).items()}
        for theme in figures.PALETTES
    }
