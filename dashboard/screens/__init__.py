"""The pages, each a script that Streamlit runs: lab, lessons, glossary, history."""
