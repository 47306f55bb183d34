"""Predict on a file: a new file of the same columns, what the run shown predicts on it, and the download."""

from collections.abc import Sequence

import streamlit as st

from dashboard.experiment.configs import config_of
from dashboard.experiment.groups import Group
from dashboard.experiment.text import escape
from dashboard.exports.predictions import predictable, predictions
from dashboard.figures.predicted import predicted_figure
from dashboard.panels.theme import theme
from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.data import DataError
from rnncore.runs.reader.pool import Predicted
from rnncore.runs.store.store import StoredRun, file_id_of
from rnncore.words import many, visible

_OPEN, _KEPT = "predict.open", "predict.kept"
_CONFIG = {"displayModeBar": False}


def predicting_panel(runs: Sequence[StoredRun]) -> None:
    """Draw the panel, folded, where a run shown learned from a file; the work is done only while it is open."""
    own = [run for run in runs if predictable(run)]
    if not own:
        return
    panel = st.expander("Predict on a file", key=_OPEN, on_change="rerun")
    if not panel.open:
        return
    with panel:
        st.caption("A new file with the columns that the run learned from: its newest weights are applied to it.")
        run = own[0]
        if len(own) > 1:
            names = Group(tuple(map(config_of, own))).labels([each.label for each in own])
            place = st.selectbox("Run", range(len(own)), format_func=names.__getitem__, key="predict.run")
            run = own[place or 0]
        files = st.file_uploader(
            "New file", accept_multiple_files=True, key="predict.file",
            help="Several files together are read as the run's own were: one table, or a sequence each.",
        )  # fmt: skip
        if not files:
            return
        try:
            with st.spinner("Predicting"):
                found = _found(run, [(visible(file.name)[-500:] or "file", file.getvalue()) for file in files])
        except DataError as error:
            st.error(escape(str(error)), icon=":material/error:")
            return
        _show(found, run)


def _found(run: StoredRun, files: Sequence[tuple[str, bytes]]) -> Predicted:
    """Return the predictions; those made last are kept while run, weights and files stay the same."""
    store = services.scheduler().store
    stored = store.run(run.id) or run
    key = (run.id, stored.step, stored.status, *((name, file_id_of(content)) for name, content in files))
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != key:
        kept = st.session_state[_KEPT] = key, predictions(store, stored, workspace_id(), files)
    found: Predicted = kept[1]
    return found


def _show(found: Predicted, run: StoredRun) -> None:
    st.plotly_chart(predicted_figure(found.picture, theme()), theme=None, config=_CONFIG, key="predict.picture")
    first = f"The first {len(found.head):,} of " if found.rows > len(found.head) else ""
    st.caption(f"{first}{many(found.rows, 'prediction')}")
    table = {name: [row[place] for row in found.head] for place, name in enumerate(found.columns)}
    st.dataframe(table, hide_index=True, height=38 + 35 * min(max(len(found.head), 1), 8))
    st.download_button(
        "Download as CSV", found.csv, f"run-{run.id[:6]}-predictions.csv", "text/csv", on_click="ignore",
        key="predict.download",
    )  # fmt: skip
    if found.notes:
        st.markdown("\n".join(f"- {escape(note)}" for note in found.notes[:12]))
