"""The page frame: title, icon and navigation; each page is a direct script in screens/."""

from pathlib import Path

import streamlit as st

from dashboard.server import services
from dashboard.server.http import client
from dashboard.server.script_turns import script_turns
from dashboard.server.workspace import workspace_id

HERE = Path(__file__).parent

st.set_page_config(page_title="RNN Gradient Lab", page_icon=str(HERE / "static" / "icon.png"), layout="wide")
page = st.navigation(
    [
        st.Page(HERE / "screens" / "lab.py", title="Lab", default=True),
        st.Page(HERE / "screens" / "lessons.py", title="Lessons"),
        st.Page(HERE / "screens" / "glossary.py", title="Glossary"),
        st.Page(HERE / "screens" / "history.py", title="History"),
        st.Page(HERE / "screens" / "studies.py", title="Studies"),
        st.Page(HERE / "screens" / "microscope.py", title="Microscope"),
    ],
    position="top",
)
services.note_sign_of_life((), workspace_id())
with script_turns.of(client(workspace_id(), st.context.ip_address or "")):
    page.run()
