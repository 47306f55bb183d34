"""The history page: this workspace's runs in a table, to find, annotate, open, continue and delete."""

import hashlib
import time
from collections.abc import Sequence

import pyarrow as pa
import streamlit as st

from dashboard.experiment import history
from dashboard.experiment.history import MOST_LAID, MOST_RUNS, STATUSES, HistoryRun
from dashboard.experiment.words import BROKEN, status_word
from dashboard.panels.interrupted import continue_runs
from dashboard.panels.theme import on_primary
from dashboard.panels.watching import watch_your_own
from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.runs.scheduler import MAX_NOTE, ControlError, UnknownRun
from rnncore.runs.trouble import StoreTrouble
from rnncore.words import many

LAB = "screens/lab.py"
REFRESH_S = 4.0
PROBLEM_S = 15.0  # how long a refusal stays on the page at least
ROWS_IN_VIEW = 14
TEXT, STATUS, PAGE = "history.text", "history.status", "history.page"
_SELECTED, _DEFAULT = "history.selected", "history.default"
_PROBLEM, _DONE, _CONFIRM = "history.problem", "history.done", "history.confirm"

_COLUMNS = {
    "run": st.column_config.TextColumn("Run", width=130, pinned=True),
    "twin": st.column_config.TextColumn("Group", width=150, help="Runs that belong together, and by what they differ."),
    "status": st.column_config.TextColumn("Status", width=86),
    "data": st.column_config.TextColumn("Data", width=165),
    "broken": st.column_config.TextColumn("Broken on purpose", width=370, help="The mistake that it was made to have."),
    "network": st.column_config.TextColumn("Network", width=165),
    "curve": st.column_config.LineChartColumn(
        "log10 of the loss", width=125, help="Training loss over the run, averaged; each curve has its own scale."
    ),
    "last": st.column_config.NumberColumn("Last loss", width=84, format="%.4g", help="Last finite training loss."),
    "best": st.column_config.NumberColumn("Best val. loss", width=98, format="%.4g", help="Best validation loss."),
    "right": st.column_config.NumberColumn(
        "Right answers", width=98, format="percent", help="Share of right answers on the validation set, at the end."
    ),
    "error": st.column_config.NumberColumn(
        "Error", width=76, format="%.4g", help="Error on the validation set at the end (RMSE), in the data's own units."
    ),
    "step": st.column_config.NumberColumn("Step", width=68, format="localized", help="Steps that have been trained."),
    "started": st.column_config.DatetimeColumn("Started", width=120, format="distance"),
    "note": st.column_config.TextColumn("Note", width=170),
    "verdict": st.column_config.TextColumn("Verdict", width=420),
}
_IF_ANY = ("twin", "broken", "note", "right", "error")  # columns left out where no row has anything in them
_OF_TRAINED = ("data", "best")  # the same where all rows are watched runs, which have nothing in them


def main() -> None:
    """Draw the page; while a run is under way it refreshes itself."""
    st.subheader("History", anchor=False)
    runs = _runs()
    if not runs:
        st.text("No runs yet: whatever you train in the lab, or watch in a script of your own, is kept here.")
        if st.button(on_primary("Go to the lab"), type="primary"):
            st.switch_page(LAB)
        watch_your_own()
        return
    live = any(run.active for run in runs)
    st.fragment(_body, run_every=REFRESH_S if live else None)(live)
    watch_your_own()


def _body(live: bool) -> None:
    runs = _runs()
    under_way = [run for run in runs if run.active]
    if not runs or bool(under_way) != live:
        st.rerun()
    if under_way:
        services.scheduler().seen(workspace=workspace_id())
    found = _filtered(runs)
    _tell()
    bar = st.container(horizontal=True, vertical_alignment="bottom", key="history-actions")  # see first_frame.py
    with st.container(key="history-summary"):
        summary = st.empty()
    divided = history.pages(found)
    number = min(st.session_state.get(PAGE) or 1, len(divided))
    chosen = _table(divided[number - 1], runs)
    with bar:
        _actions(chosen, runs)
    summary.text(_summary(len(runs), len(found), chosen))
    if len(divided) > 1:
        with st.container(horizontal_alignment="right"):
            st.pagination(len(divided), key=PAGE)


def _runs() -> list[HistoryRun]:
    return history.runs_of(services.scheduler().store, workspace_id())


def _filtered(runs: Sequence[HistoryRun]) -> list[HistoryRun]:
    with st.container(horizontal=True, key="history-filter"):  # see first_frame.py
        text = st.text_input(
            "Filter",
            key=TEXT,
            type="search",
            live=True,
            max_chars=100,
            placeholder="Run, data, network, status or note",
            help="Every word must occur somewhere in the run's row.",
            persist_state="session",
            width=300,
        )
        chosen = st.pills(
            "Status", list(STATUSES), key=STATUS, selection_mode="multi", persist_state="session", width="content"
        )
    return history.find(runs, (text or "")[:100], {status for name in chosen for status in STATUSES[name]})


def _table(runs: Sequence[HistoryRun], everything: Sequence[HistoryRun]) -> list[HistoryRun]:
    """Draw the table and return the selected runs in it; a selection comes back when its run is shown again."""
    if not runs:
        st.text("No run matches this filter.")
        return []
    key = "history.table." + hashlib.blake2s("".join(run.id for run in runs).encode(), digest_size=8).hexdigest()
    selected: list[str] = st.session_state.get(_SELECTED, [])
    if key not in st.session_state:  # other runs than before, or the page was left and is back
        st.session_state[_DEFAULT] = [place for place, run in enumerate(runs) if run.id in selected]
    frame = _frame(runs, everything)
    without = (*_IF_ANY, *_OF_TRAINED) if all(run.watched for run in runs) else _IF_ANY
    event = st.dataframe(
        frame,
        key=key,
        height=36 * min(len(runs), ROWS_IN_VIEW) + 38,
        hide_index=True,
        column_order=[
            name
            for name in _COLUMNS
            if name not in without or any(value not in (None, "") for value in frame[name].to_pylist())
        ],
        column_config=_COLUMNS,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": st.session_state[_DEFAULT]}},
        placeholder="",
        alt="Runs of this workspace, the newest first",
    )
    chosen = [runs[place] for place in event.selection.rows if place < len(runs)]
    shown = {run.id for run in runs}
    st.session_state[_SELECTED] = [run_id for run_id in selected if run_id not in shown] + [run.id for run in chosen]
    return chosen


def _frame(runs: Sequence[HistoryRun], everything: Sequence[HistoryRun]) -> pa.Table:
    store = services.scheduler().store
    told = history.in_groups(store, runs, everything)
    measured = [history.measure(store, run) for run in runs]
    return pa.table(
        {
            "run": [label for label, _ in told],
            "twin": [place for _, place in told],
            "status": [status_word(run.status) for run in runs],
            "data": [run.data for run in runs],
            "broken": [run.broken.removeprefix(BROKEN) for run in runs],
            "network": [run.model for run in runs],
            "curve": pa.array([each.sparkline for each in measured], pa.list_(pa.float64())),
            "last": pa.array([each.last_loss for each in measured], pa.float64()),
            "best": pa.array([each.best_val_loss for each in measured], pa.float64()),
            "right": pa.array([each.right for each in measured], pa.float64()),
            "error": pa.array([each.error for each in measured], pa.float64()),
            "step": [run.step for run in runs],
            "verdict": [each.verdict for each in measured],
            "note": [run.note for run in runs],
            "started": pa.array([int(1000 * run.created_at) for run in runs], pa.timestamp("ms", "UTC")),
        }
    )


def _actions(chosen: Sequence[HistoryRun], runs: Sequence[HistoryRun]) -> None:
    if st.button("Open", disabled=len(chosen) != 1, help="Show one selected run on the board."):
        _to_lab(chosen, runs)
    laid = 2 <= len(chosen) <= MOST_LAID
    if st.button("Show together", disabled=not laid, help=f"Show 2 to {MOST_LAID} selected runs on one board."):
        _to_lab(chosen, runs)
    resumable = [run for run in chosen if run.resumable]
    st.button(
        "Continue",
        disabled=not resumable,
        on_click=_continue,
        args=(resumable, runs),
        help="Go on with selected runs that were stopped or interrupted, from their last checkpoint.",
    )
    under_way = [run for run in chosen if run.active and not run.watched]
    st.button(
        "Stop",
        disabled=not under_way,
        on_click=_stop,
        args=(under_way, runs),
        help="Stop selected runs that are under way; what they recorded is kept, and they can be continued.",
    )
    _deletion(chosen)
    one = chosen[0] if len(chosen) == 1 else None
    key = f"history.note.{one.id}" if one else "history.note"
    st.text_input(
        "Note",
        value=one.note if one else "",
        key=key,
        max_chars=MAX_NOTE,
        disabled=one is None,
        placeholder="What did this run show?" if one else "Select one run to write a note",
        on_change=_save_note,
        args=(one.id, key) if one else (),
    )


def _deletion(chosen: Sequence[HistoryRun]) -> None:
    doomed = [run for run in chosen if not run.active]
    help_text = "Delete the selected runs, after a confirmation."
    with st.popover("Delete", key=_CONFIRM, on_change="rerun", disabled=not chosen, help=help_text):
        kept = len(chosen) - len(doomed)
        if kept:
            are, them = ("is", "it") if kept == 1 else ("are", "them")
            watched = any(run.active and run.watched for run in chosen)
            how = f"stop {them} first, or end the program that trains {them}" if watched else f"stop {them} first"
            st.text(f"{many(kept, 'run')} {are} unfinished and cannot be deleted; {how}.")
        if doomed:
            st.text(f"Delete {many(len(doomed), 'run')} with all that was recorded? This cannot be undone.")
            label = on_primary(f"Delete {many(len(doomed), 'run')}")
            st.button(label, type="primary", on_click=_delete, args=(doomed,))


def _to_lab(chosen: Sequence[HistoryRun], runs: Sequence[HistoryRun]) -> None:
    st.switch_page(LAB, query_params={"run": history.address(chosen, runs)})


def _continue(resumable: Sequence[HistoryRun], runs: Sequence[HistoryRun]) -> None:
    problem = continue_runs(resumable, runs)
    _note_down(problem, f"{many(len(resumable), 'run')} continued." if problem is None else None)


def _stop(under_way: Sequence[HistoryRun], runs: Sequence[HistoryRun]) -> None:
    problem = None
    for target in history.targets(under_way, runs):
        try:
            services.scheduler().stop(target)
        except (ControlError, StoreTrouble) as error:
            problem = str(error)
        except UnknownRun:  # somebody was quicker
            pass
    _note_down(problem, f"{many(len(under_way), 'run')} stopped." if problem is None else None)


def _delete(doomed: Sequence[HistoryRun]) -> None:
    problem, deleted = None, 0
    for run in doomed:
        try:
            services.scheduler().delete(run.id)
            deleted += 1
        except (ControlError, StoreTrouble) as error:
            problem = str(error)
        except UnknownRun:  # somebody was quicker
            pass
    st.session_state[_CONFIRM] = False
    _note_down(problem, f"{many(deleted, 'run')} deleted." if deleted else None)


def _save_note(run_id: str, key: str) -> None:
    try:
        services.scheduler().set_note(workspace_id(), run_id, st.session_state[key] or "")
    except (ControlError, StoreTrouble, UnknownRun) as error:
        _note_down(str(error), None)
    else:
        _note_down(None, "Note saved.")


def _note_down(problem: str | None, done: str | None) -> None:
    """Keep what a callback has to say for the page: callbacks of a fragment cannot draw."""
    st.session_state[_PROBLEM] = problem, time.monotonic()
    st.session_state[_DONE] = done


def _tell() -> None:
    problem, at = st.session_state.get(_PROBLEM, (None, 0.0))
    if problem and time.monotonic() - at < PROBLEM_S:
        st.warning(problem, icon=":material/error:")
    if done := st.session_state.pop(_DONE, None):
        st.toast(done)


def _summary(runs: int, found: int, chosen: Sequence[HistoryRun]) -> str:
    words = many(found, "run") if found == runs else f"{found:,} of {many(runs, 'run')}"
    words += f" (the newest {MOST_RUNS:,})" if runs >= MOST_RUNS else ""
    if chosen:
        words += f", {len(chosen)} selected"
    elif found:
        words += ". Tick rows to act on them (with the keyboard: Shift and space)."
    if len(chosen) == 1 and (verdict := history.measure(services.scheduler().store, chosen[0]).verdict):
        words += f": {verdict}"
    return words


main()
