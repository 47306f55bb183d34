"""The studies page: a configuration with fields varied over several seeds, and what came out of each cell."""

import streamlit as st

from dashboard.experiment.text import escape
from dashboard.panels.study_new import new_study
from dashboard.panels.study_view import listed, may_steer, show_study
from dashboard.server import services, studies
from dashboard.server.workspace import workspace_id
from rnncore.errors import ConfigError
from rnncore.runs.studies import UnknownStudy

PURPOSE = (
    "A study trains one experiment many times, with other settings and seeds. It goes on when this page is closed."
)
ROWS_IN_VIEW = 8


def main() -> None:
    """Draw one study where the address names one, else those of this workspace and the way to a new one."""
    st.subheader("Studies", anchor=False)
    key = st.query_params.get("study")
    if key is not None:
        st.button("All studies", on_click=st.query_params.clear)
        try:
            stored = studies.found(key)
            st.query_params["study"] = stored.watch  # an id in an address of before is the owner's
            show_study(stored, may_steer(stored))
            return
        except (UnknownStudy, ConfigError) as error:
            st.warning(escape(str(error)), icon=":material/link_off:")
    st.markdown(PURPOSE)
    _mine()
    new_study()


def _mine() -> None:
    known = services.scheduler().studies.statuses(workspace_id())
    if not known:
        return
    event = st.dataframe(
        listed(known),
        key="studies.list",
        height=36 * min(len(known), ROWS_IN_VIEW) + 38,
        hide_index=True,
        column_config={
            "study": st.column_config.TextColumn("Study", width="large"),
            "status": st.column_config.TextColumn("Status"),
            "over": st.column_config.NumberColumn("Runs over", format="localized"),
            "planned": st.column_config.NumberColumn("of", format="localized"),
            "started": st.column_config.DatetimeColumn("Started", format="distance"),
        },
        on_select="rerun",
        selection_mode="single-row",
        alt="Studies of this workspace, the newest first",
    )
    if event.selection.rows:
        st.query_params["study"] = known[event.selection.rows[0]].study.watch
        st.rerun()


main()
