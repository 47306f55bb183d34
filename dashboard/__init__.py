"""Streamlit app: controls, figures, HTTP API and the live board."""
