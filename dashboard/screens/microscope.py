"""The microscope's page: a network that is small enough to read, with every number forward and back."""

import streamlit as st

from dashboard.panels.microscope import microscope


def main() -> None:
    """Draw the heading and the microscope."""
    st.header("Microscope", anchor=False)
    st.markdown(
        "A network small enough to read: each number of the way forward stands above the gradient of the loss by it. "
        "Drag a number, and all others follow; click one to see its arithmetic."
    )
    microscope()


main()
