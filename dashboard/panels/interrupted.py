"""A notice above the board: runs that the server's last stop interrupted, to be continued or dismissed."""

from collections.abc import Sequence

import streamlit as st

from dashboard.experiment import history
from dashboard.experiment.text import escape
from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.runs.limits import LimitError
from rnncore.runs.scheduler import ControlError, UnknownRun
from rnncore.runs.trouble import StoreTrouble
from rnncore.words import many

_PROBLEM, _TOLD = "interrupted.problem", "store.told"
CACHED_WORKSPACES = 10_000

_dismissed: dict[str, frozenset[str]] = {}  # by workspace: ids of runs that it does not want to hear of again


def interrupted_notice() -> None:
    """Say which runs of this workspace the server's last stop interrupted, and offer to continue them."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.warning(problem, icon=":material/error:")
    _store_notice()
    workspace = workspace_id()
    runs = history.interrupted_runs(services.scheduler().store, workspace)
    known = _dismissed.get(workspace, frozenset())
    if all(run.id in known for run in runs):
        return
    them = "it" if len(runs) == 1 else "them"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        were = "was" if len(runs) == 1 else "were"
        others = any(run.reason and not run.reason.startswith("The server") for run in runs)
        when = "" if others else " when the server stopped"
        st.markdown(f"{many(len(runs), 'run')} {were} interrupted{when}.", width="stretch")
        st.button(f"Continue {them}", key="interrupted.continue", on_click=_continue, args=(runs,))
        st.button("Dismiss", key="interrupted.dismiss", on_click=_dismiss, args=(workspace, runs), type="tertiary")


def _store_notice() -> None:
    """Say, once for each page, that the store could not be used when the server started, and where it is now."""
    message = services.scheduler().store.message
    if message and not st.session_state.get(_TOLD):
        st.warning(f"{escape(message)} Runs of before are in that file.", icon=":material/database_off:")
        st.button("Dismiss", key="store.dismiss", on_click=st.session_state.update, args=({_TOLD: True},))


def continue_runs(runs: Sequence[history.HistoryRun], everything: Sequence[history.HistoryRun]) -> str | None:
    """Queue ended runs again, twins together; return why it went no further, None when all go on."""
    try:
        for target in history.targets(runs, everything):
            services.scheduler().resume(target)
    except (LimitError, ControlError, StoreTrouble, UnknownRun) as error:
        return str(error)
    return None


def _continue(runs: Sequence[history.HistoryRun]) -> None:
    everything = history.runs_of(services.scheduler().store, workspace_id())
    problem = continue_runs(runs, everything)
    if problem is None:
        st.query_params["run"] = history.address(runs[: history.MOST_LAID], everything)
    else:
        st.session_state[_PROBLEM] = problem


def _dismiss(workspace: str, runs: Sequence[history.HistoryRun]) -> None:
    if len(_dismissed) >= CACHED_WORKSPACES:
        _dismissed.clear()
    _dismissed[workspace] = frozenset(run.id for run in runs)
