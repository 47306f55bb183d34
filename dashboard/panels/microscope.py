"""The microscope as one Components-v2 component: all that it shows it computes itself, in the browser."""

import streamlit as st

from dashboard.server.assets import asset_url

START = "start"  # in the address: the network to start from

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
    _microscope(key="microscope", data={"module": asset_url("microscope.js"), "start": start})
