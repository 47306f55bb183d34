"""One study on the page: how far it is, its figures, its cells, and what can be done with it."""

import threading
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from cachetools import LRUCache

from dashboard.experiment import study_links
from dashboard.experiment.study_words import axis_words, in_words
from dashboard.experiment.text import escape
from dashboard.figures import study as figures
from dashboard.figures.study_curves import MOST_PANELS, curves_figure
from dashboard.figures.study_lines import lines_figure
from dashboard.figures.study_map import map_figure
from dashboard.panels.theme import on_primary, theme
from dashboard.server import services, studies
from dashboard.server.workspace import workspace_id
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.runs.limits import LimitError
from rnncore.runs.read.study_cells import StudyView, curves_of
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.studies import StoredStudy
from rnncore.runs.studies import StudyError, UnknownStudy
from rnncore.runs.trouble import StoreTrouble
from rnncore.studies.forecast import told_duration
from rnncore.studies.table import cells_table
from rnncore.words import many

LAB = "screens/lab.py"
REFRESH_S, REFRESH_LARGE_S = 2.0, 6.0
LARGE = 2000  # runs from which the page refreshes less often
KEPT = (
    "Of each run a summary, a curve of at most 48 points and a profile of at most 48 timesteps are kept, whatever its"
    " length: some 3 kB. Opening a cell trains its runs once more, each alone and with everything recorded."
)
TOGETHER = (
    "Runs that differ in their seeds, or in numbers such as the learning rate, train as one batched model where that is"
    " faster: the results are those of runs alone but for rounding."
)
_SHAPES = {"lines": "Lines", "map": "Map", "curves": "Curves of all cells"}
_PICTURE = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "study"},
}
_REFUSALS = (ConfigError, DataError, LimitError, StoreTrouble, StudyError, UnknownStudy)
_PROBLEM = "study.problem"
_SHARES = ("success", "share")  # names of columns that are shares begin so
_figures_drawn: LRUCache[tuple[str, int, str, str, str], dict[str, Any]] = LRUCache(32)
_lock = threading.Lock()


def show_study(stored: StoredStudy, may_steer: bool) -> None:
    """Draw a study; while it goes on it refreshes itself."""
    going = stored.status == "running"
    every = (REFRESH_LARGE_S if stored.planned > LARGE else REFRESH_S) if going else None
    st.fragment(_body, run_every=every)(stored.id, may_steer, going)


def _body(study_id: str, may_steer: bool, going: bool) -> None:
    status = services.scheduler().studies.status(study_id)
    if status is None or (status.study.status == "running") != going:
        st.rerun()
    stored = status.study
    view = studies.view(stored)
    _head(stored, view, may_steer)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, stored.over / max(1, stored.planned)), text=_how_far(status))
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(escape(problem), icon=":material/error:")
    _figures(stored, view)
    _cells(stored, view)
    _export(stored, view)


def _head(stored: StoredStudy, view: StudyView, may_steer: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(stored.name or title_of(view))}**", width="stretch")
        if may_steer and stored.status == "running":
            st.button("Stop", on_click=_command, args=("stop", stored.id), help="It can be continued later.")
        if may_steer and _can_go_on(stored, view):
            st.button("Continue", on_click=_command, args=("resume", stored.id))
        if may_steer and stored.status != "running":
            with st.popover("Delete"):
                st.text("Delete this study with all that is kept of its runs? This cannot be undone.")
                st.button(on_primary("Delete"), type="primary", on_click=_delete, args=(stored.id,), key="study.delete")
    criterion = f"Success: {view.config.success.words}. " if view.config.success else "No criterion of success. "
    together = f"{TOGETHER} " if view.config.batched else ""
    st.caption(escape(f"{criterion}{together}{stored.reason}"))


def title_of(view: StudyView) -> str:
    """Return what a study without a name is called: what it varies."""
    varied = " and ".join(axis_words(axis.name, axis.field) for axis in view.config.axes)
    seeds = many(len(view.config.seeds), "seed")
    return _capital(f"{varied} over {seeds}") if varied else seeds


def _can_go_on(stored: StoredStudy, view: StudyView) -> bool:
    return stored.status == "stopped" or (stored.status == "finished" and any(cell.failed for cell in view.outcomes))


def _how_far(status: Any) -> str:
    stored = status.study
    words = f"{stored.over:,} of {many(stored.planned, 'run')} are over"
    if stored.status == "running":
        words += f", {status.executing} train now" if status.executing != 1 else ", 1 trains now"
        if status.wait_seconds is not None:
            words += f", {told_duration(status.wait_seconds)} left"
    return words + (". Stopped." if stored.status == "stopped" else ".")


def _figures(stored: StoredStudy, view: StudyView) -> None:
    offered, shapes = figures.offered(view.config), figures.shapes_of(view.config)
    with st.container(horizontal=True):
        shape = st.segmented_control(
            "Figure", shapes, format_func=_SHAPES.__getitem__, default=shapes[0], key=f"study.shape.{stored.id}",
            required=True,
        )  # fmt: skip
        quantity = None
        if shape != "curves":
            quantity = st.segmented_control(
                "Quantity", offered, format_func=lambda key: figures.QUANTITIES[key].title, default=offered[0],
                key=f"study.quantity.{stored.id}", required=True,
            )  # fmt: skip
    if not view.summaries:
        st.caption("The figures come with the first run that is over.")
        return
    quantity = "" if shape == "curves" else quantity or offered[0]
    spec = _drawn(stored, view, shape, quantity, theme())
    if shape == "curves":
        about = "Validation loss over the steps: median over the seeds and quartiles; dotted: the best simple answer."
        if len(view.outcomes) > MOST_PANELS:
            about += f" The first {MOST_PANELS} of {many(len(view.outcomes), 'cell')} are drawn."
    else:
        about = figures.QUANTITIES[quantity].help
    st.plotly_chart(spec, theme=None, config=_PICTURE, key=f"study.figure.{stored.id}")
    st.caption(about)


def _drawn(stored: StoredStudy, view: StudyView, shape: str, quantity: str, colours: str) -> dict[str, Any]:
    """Return a figure; whoever looks at the same study, say a class, is shown the same one."""
    key = (stored.id, view.mark, shape, quantity, colours)
    with _lock:
        known: dict[str, Any] | None = _figures_drawn.get(key)
    if known is not None:
        return known
    study, outcomes = in_words(view.config, view.outcomes)
    if shape == "curves":
        cells = [cell.index for cell in view.outcomes[:MOST_PANELS]]
        found = curves_of(services.scheduler().store, stored, len(view.config.seeds), cells)
        spec = curves_figure(study, outcomes, found, colours)
    else:
        draw = map_figure if shape == "map" else lines_figure
        spec = draw(study, outcomes, quantity, colours)
    with _lock:
        _figures_drawn[key] = spec
    return spec


def _cells(stored: StoredStudy, view: StudyView) -> None:
    chosen = st.dataframe(
        _table(view),
        key=f"study.cells.{stored.id}",
        height=36 * min(len(view.cells), 10) + 38,
        hide_index=True,
        column_config=_columns(view),
        on_select="rerun",
        selection_mode="single-row",
        alt="Cells of the study",
    ).selection.rows
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Open its runs on the board",
            disabled=not chosen,
            help=f"Trains the first {studies.MOST_OPENED} runs of the selected cell again, with everything recorded.",
        )
        st.caption(KEPT, width="stretch")
    if pressed and chosen:
        try:
            group = studies.open_cell(workspace_id(), stored, chosen[0])
        except _REFUSALS as error:
            st.error(escape(str(error)), icon=":material/error:")
        else:
            st.switch_page(LAB, query_params={"run": watch_key(group.id)})


def _table(view: StudyView) -> pa.Table:
    study, outcomes = in_words(view.config, view.outcomes)
    table = cells_table(study, outcomes)
    kept = [axis.title for axis in study.axes] + list(_columns(view))
    table = table.select([name for name in dict.fromkeys(kept) if name in table.column_names])
    for place, name in enumerate(table.column_names):
        if name.startswith(_SHARES):  # whole per cent are enough to read
            table = table.set_column(place, name, pc.round(table[name], 2))
    return table


def _columns(view: StudyView) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    columns = {"runs": number("Runs", format="localized"), "diverged": number("Diverged", format="localized")}
    if view.config.success is not None:
        columns |= {
            "success_rate": number("Success", format="percent"),
            "success_low": number("from", format="percent", help="Lower end of Wilson's 95 % interval."),
            "success_high": number("to", format="percent", help="Upper end of Wilson's 95 % interval."),
        }
    columns |= {
        "median_final_val_loss": number("Final val. loss", format="%.3g", help="Median over the finite ones."),
        "left_out_final_val_loss": number("left out", format="localized", help="Runs without a finite loss."),
        "median_half_life": number("Half-life", format="%.2g"),
        "share_vanishing": number("Vanishing", format="percent"),
        "share_exploding": number("Exploding", format="percent"),
        "median_seconds": number("Seconds", format="%.2g", help="Median training time of a run."),
    }
    if view.config.success is not None:
        columns["median_steps_to_success"] = number("Steps to success", format="%.4g")
    return columns


def _export(stored: StoredStudy, view: StudyView) -> None:
    key = stored.watch  # a link that is passed on lets others look, and no more
    with st.popover("Share and keep"):
        st.markdown(
            "\n".join(
                f"- [{words}](/api/studies/{key}/{name})"
                for name, words in (
                    ("cells.csv", "Cells as CSV"), ("cells.parquet", "Cells as Parquet"), ("runs.csv", "Runs as CSV"),
                    ("runs.parquet", "Runs as Parquet"), ("study.json", "The study as a file, for the command line"),
                )
            )
        )  # fmt: skip
        st.caption("A figure is saved as a picture (SVG) by the camera in its upper right corner.")
        st.markdown(f"[A link to look at this study](/studies?study={key})")
        plan = study_links.link_of(view.config)
        if plan is not None:
            st.markdown(f"[A link that starts the same study](/studies?{study_links.PARAMETER}={plan})")


def _command(name: str, study_id: str) -> None:
    known = services.scheduler().studies
    try:
        known.stop(study_id) if name == "stop" else known.resume(study_id)
    except _REFUSALS as error:
        st.session_state[_PROBLEM] = str(error)


def _delete(study_id: str) -> None:
    try:
        services.scheduler().studies.delete(study_id)
    except _REFUSALS as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.query_params.clear()


def may_steer(stored: StoredStudy) -> bool:
    """Tell whether this browser may stop, continue and delete a study, or only look: it may those of its workspace."""
    return stored.workspace == workspace_id()


def listed(known: Sequence[Any]) -> pa.Table:
    """Return a table of studies."""
    return pa.table(
        {
            "study": [status.study.name or _varied(status.study) for status in known],
            "status": [status.study.status for status in known],
            "over": [status.study.over for status in known],
            "planned": [status.study.planned for status in known],
            "started": pa.array([int(1000 * status.study.created_at) for status in known], pa.timestamp("ms", "UTC")),
        }
    )


def _varied(stored: StoredStudy) -> str:
    axes = [axis_words(str(axis.get("name") or ""), str(axis.get("field"))) for axis in stored.config.get("axes", ())]
    return _capital(" and ".join(axes) or "seeds")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
