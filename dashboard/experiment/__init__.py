"""An experiment without a page: its words, its link, its row in the history. Never imports Streamlit."""
