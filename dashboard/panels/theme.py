"""The page's theme as a script sees it: light or dark, and labels that can be read on its primary colour."""

import streamlit as st

_INK = "#11151d"  # the dark theme's background, see .streamlit/config.toml


def theme() -> str:
    """Return 'light' or 'dark'."""
    return "dark" if st.context.theme.type == "dark" else "light"


def on_primary(label: str) -> str:
    """Return the label of a primary button: the dark theme's are pale, and Streamlit writes on all of them in white."""
    return f':color[{label}]{{foreground="{_INK}"}}' if theme() == "dark" else label
