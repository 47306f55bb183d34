"""Parts of pages: the sidebar, uploads, the lesson card, the board. Streamlit lives here and in screens."""
