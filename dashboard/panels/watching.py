"""Watch your own model: the lines that a script needs so that its runs appear in this History."""

from urllib.parse import urlsplit

import streamlit as st

from dashboard.server.workspace import workspace_id

_LINES = """from rnncore import watch

app = {{"server": "{server}", "workspace": "{workspace}"}}
with watch(model, name="my model", **app) as lab:
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        lab.step(loss=loss, optimizer=optimizer)
        optimizer.step()
        optimizer.zero_grad()
"""


def watch_your_own() -> None:
    """Draw the popover."""
    panel = st.popover("Watch your own model", help="See a model of your own script here.", on_change="rerun")
    if not panel.open:
        return
    with panel:
        st.text("These lines, in your own training loop, show its gradient through time here while it trains.")
        page = urlsplit(st.context.url or "")
        server = f"{page.scheme}://{page.netloc}" if page.netloc else "http://localhost:8501"
        st.code(_LINES.format(server=server, workspace=workspace_id()), language="python")
        st.caption(
            "The workspace is the key to everything in this History: whoever has it can see and delete your runs."
            " On the machine of this server, name=… alone suffices: your program prints the command that shows them."
        )
