"""The microscope as one Components-v2 component: all that it shows it computes itself, in the browser."""

import streamlit as st

from dashboard.server import services
from dashboard.server.assets import asset_url
from dashboard.server.keys import known_id

START = "start"  # in the address: the network to start from
LIKE = "like"  # or a run, whose cell it is to have

_LOADER = """
export default function ({ data, parentElement }) {
  let cleanup = null
  let gone = false
  import(new URL(data.module, document.baseURI).href).then((microscope) => {
    if (!gone) cleanup = microscope.mount(parentElement, data)
  })
  return () => {
    gone = true
    if (cleanup) cleanup()
  }
}
"""

_microscope = st.components.v2.component(
    "rnn_gradient_lab_microscope",
    html=f'<link rel="stylesheet" href="{asset_url("microscope.css")}">',
    js=_LOADER,
    isolate_styles=False,
)


def microscope() -> None:
    """Mount the microscope with the network that the address names."""
    start = st.query_params.get(START, "")
    cell = cell_of(st.query_params.get(LIKE, ""))
    _microscope(key="microscope", data={"module": asset_url("microscope.js"), "start": start, "cell": cell})


def cell_of(run: str) -> str:
    """Return the cell of the run with an id or a watch key; '' where there is no such run, or none is known."""
    if not run:
        return ""
    store = services.scheduler().store
    key = known_id(store, run)
    return str(store.configs([key]).get(key, {}).get("model", {}).get("cell") or "")
