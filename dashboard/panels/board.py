"""The live board as one Components-v2 component: specs and run ids go in, everything else it fetches itself."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import streamlit as st

from dashboard import figures
from dashboard.figures.show import AS_USUAL, Show
from dashboard.server.assets import asset_url

# A loader only: Streamlit sends inline script with every update, so the board itself is a cached file.
_LOADER = """
export default function ({ data, parentElement, setTriggerValue }) {
  let cleanup = null
  let gone = false
  import(new URL(data.module, document.baseURI).href).then((board) => {
    const page = { train: () => setTriggerValue("train", true), tried: (asked) => setTriggerValue("tried", asked) }
    if (!gone) cleanup = board.mount(parentElement, data, page)
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

EMPTY = "Press Train: measured curves appear here."
EXAMPLE = (
    "Recorded example: both gradients explode at first, and clipping brings one network out of it. "
    "Press Train, or a card above, to measure it here."
)


@dataclass(frozen=True, slots=True)
class BoardRun:
    """One run on the board; `run_id` is None before Train was pressed.

    learning_rate, threshold: where the sliders begin. settings: `fingerprint` of its settings. target: the id by which
    it is steered, its group's where all of that is on the board, so that the runs of a group obey at the same step.
    """

    run_id: str | None
    figure: figures.Run
    learning_rate: float
    threshold: float | None
    settings: str = ""
    target: str | None = None


def board(
    runs: Sequence[BoardRun],
    *,
    matched: bool = False,
    show: Show = AS_USUAL,
    empty: str = EMPTY,
    on_train: Callable[[], None] | None = None,
    on_try: Callable[[], None] | None = None,
    tried: Mapping[str, Any] | None = None,
    example: bool = False,
    key: str = "board",
) -> None:
    """Mount the live board for up to six runs.

    matched: they are of one seed, so that the step at which they part is worth a mark. show: where it begins; readers
    go on from there as they like. empty: what the board says
    as long as there are no runs. example: fill it with the recorded example (`EXAMPLE`) until then. on_train: called
    before the page's next run when the board's own button Train, for screens without a sidebar, was pressed; None:
    there is no such button. on_try: the same for "Try it" beside a finding's remedy; the component's value `tried` then
    says which change it is (`dashboard.panels.trying`). tried: what came of the last press.
    """
    _board(
        key=key,
        data={
            "module": asset_url("board.js"),
            "plotly": asset_url("plotly.min.js"),
            "matched": matched,
            "trains": on_train is not None,
            "tries": on_try is not None,
            "tried": tried,
            "show": asdict(show),
            "runs": [_of_run(run) for run in runs],
            "drawing": _drawing(tuple(run.figure for run in runs)),
            "empty": empty,
            "example": asset_url("example.json") if example else None,
            "glossary": asset_url("glossary.json"),
        },
        on_train_change=on_train or _nothing,
        on_tried_change=on_try or _nothing,
    )


def _nothing() -> None:
    """Do nothing."""


def _of_run(run: BoardRun) -> dict[str, Any]:
    return {
        "id": run.run_id,
        "learning_rate": run.learning_rate,
        "threshold": run.threshold,
        "settings": run.settings,
        "target": run.target or run.run_id,
    }


def warm_board(runs: Sequence[figures.Run]) -> None:
    """Build the figures for these runs before a page asks for them: a quarter of a second of CPU."""
    _drawing(tuple(runs))


def _drawing(runs: tuple[figures.Run, ...]) -> str:
    with _building:  # a class that opens the page at once builds the figures once
        return _built(runs)


_building = threading.Lock()


@lru_cache(maxsize=256)
def _built(runs: tuple[figures.Run, ...]) -> str:
    """Return how everything is drawn as JSON text: Streamlit would search, and encode, a dict anew for every page."""
    return json.dumps(figures.drawing(runs), separators=(",", ":"), allow_nan=False)
