"""The live board as one Components-v2 component: specs and run ids go in, everything else it fetches itself."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

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
    "Press Train or a card to measure it."
)


def board(
    data: Mapping[str, Any],
    on_train: Callable[[], None] | None = None,
    on_try: Callable[[], None] | None = None,
    key: str = "board",
) -> None:
    """Mount the live board over `data` (of `dashboard.server.board_data`).

    on_train: called before the page's next run when the board's own button Train, for screens without a sidebar, was
    pressed. on_try: the same for "Try it" beside a finding's remedy; the component's value `tried` then says which
    change it is (`dashboard.panels.trying`). Both buttons are there where the data say so.
    """
    _board(key=key, data=data, on_train_change=on_train or _nothing, on_tried_change=on_try or _nothing)


def _nothing() -> None:
    """Do nothing."""
