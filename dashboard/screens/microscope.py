"""The microscope's page: a network that is small enough to read, with every number forward and back."""

import streamlit as st

from dashboard.panels.microscope import LIKE, microscope


def main() -> None:
    """Draw the heading and the microscope."""
    st.header("Microscope", anchor=False)
    st.markdown(
        "Each box holds a number and, below it, the gradient of the loss by it. Drag a weight or an input sideways: "
        "all others follow. Click a box to see its arithmetic."
    )
    if st.query_params.get(LIKE):
        st.markdown("This is a small example with weights of its own, not those of the run that you came from.")
    microscope()


main()
