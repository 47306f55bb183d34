"""The panel "Data" of the lab: what the network learns from, as it is and as the network will see it."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from pydantic import TypeAdapter

from dashboard.experiment.text import escape
from dashboard.experiment.words import mistake_words
from dashboard.figures.data import sequences_figure, series_figure
from dashboard.panels import uploads
from dashboard.panels.theme import theme
from dashboard.panels.upload_controls import size_words, title
from dashboard.panels.upload_options import KINDS, draw_option, option_of
from rnncore.choices import LOSSES
from rnncore.config import BundledData, TaskData, TrainConfig
from rnncore.data import SERIES, TASKS, DataError, load_dataset
from rnncore.data.bundled import bundled_sequences
from rnncore.data.findings import DataSummary
from rnncore.errors import ConfigError
from rnncore.runs.reader.jobs import Findings
from rnncore.words import many

_OPEN, _WAS_OPEN, _SHOWN = "data.open", "data.was_open", "data.shown"
_CONFIG = {"displayModeBar": False, "responsive": True}
_SHOWN_ROWS, _SHOWN_NOTES, _SHOWN_COLUMNS, _DRAWN_COLUMNS = 20, 12, 60, 4


def data_panel(config: TrainConfig | None) -> None:
    """Draw the panel, folded unless a file has just arrived; the work is done only while it is open.

    config: what the controls say, None while that is not valid.
    """
    if config is None:
        return
    try:
        name, summary, found = _look(config)
    except (DataError, ConfigError):
        return  # the sidebar says so
    facts = _facts(summary) if summary else "not ready yet"
    heading = f"Data: {escape(name)} · {facts}"
    _keep_open(heading, config.data.kind == "upload" and uploads.take_fresh())
    panel = st.expander(heading, key=_OPEN, on_change="rerun")
    st.session_state[_WAS_OPEN] = panel.open
    if not panel.open:
        return
    with panel:
        if isinstance(config.data, TaskData):
            task = TASKS[config.data.task]
            _about(summary, config.loss, f"{task.description}", f"Source: {task.source}")
        elif isinstance(config.data, BundledData):
            entry = SERIES[config.data.name]
            _about(summary, config.loss, entry.description, f"Source: {entry.source}. Licence: {entry.licence}.")
            _bundled(config.data.name)
        elif found is not None:
            if broken := mistake_words(config.model_dump(include={"mistake"})):
                st.caption(f"The run is {broken}. The pictures show the data without that.")
            _about(summary, config.loss, "", "", found)
            _uploaded(found)


def _keep_open(heading: str, fresh: bool) -> None:
    """Open the panel for fresh files and fold it for a new run; else leave it, though Streamlit forgets by heading."""
    run = st.query_params.get("run")
    known = st.session_state.get(_SHOWN)
    if fresh or known is None or known[1] != run:
        st.session_state[_OPEN] = fresh
    elif known[0] != heading:
        st.session_state[_OPEN] = st.session_state[_WAS_OPEN]
    st.session_state[_SHOWN] = heading, run


def _look(config: TrainConfig) -> tuple[str, DataSummary | None, Findings | None]:
    """Return the data's name, and what there is to show of them, at no great cost."""
    data = config.data
    if isinstance(data, TaskData):
        return TASKS[data.task].title, _known(data.model_dump_json(), config.mistake), None
    if isinstance(data, BundledData):
        return SERIES[data.name].title, _known(data.model_dump_json(), config.mistake), None
    found = uploads.current()
    if found is None:
        raise DataError("Choose a file first.")
    return title(uploads.files()), found.summary, found


@lru_cache(maxsize=32)
def _known(data: str, mistake: str) -> DataSummary:
    return DataSummary.of(load_dataset(TypeAdapter(TaskData | BundledData).validate_json(data), mistake=mistake))


def _facts(data: DataSummary) -> str:
    size = many(data.train_size, "training sequence") if data.train_size else "new sequences in every step"
    every = " at every timestep" if data.per_step else ""
    inputs = many(data.input_size, "input")
    return f"{size} · up to {many(data.seq_len, 'timestep')} of {inputs} · predicts {KINDS[data.target]}{every}"


def _about(view: DataSummary | None, loss: str, description: str, source: str, found: Findings | None = None) -> None:
    """The picture beside the words; found: what was found in files of the user's own."""
    if view is None:
        return
    left, right = st.columns([3, 2])
    with left:
        rings = "; rings mark the timesteps that decide it" if view.preview.marks.any() else ""
        st.caption(f"As the network sees it: what goes in and the answer it should give{rings}.")
        batch = view.preview.batch
        figure = sequences_figure(
            batch.inputs, batch.targets, batch.lengths, view.preview.marks, theme(), view.class_names, view.input_names
        )
        st.plotly_chart(figure, theme=None, config=_CONFIG, key="data.sequences")
    with right:
        if description:
            st.markdown(escape(description))
        if source:
            st.caption(escape(source))
        lines = view.baselines.get(loss) or next(iter(view.baselines.values()), ())
        name = loss if loss in view.baselines else next(iter(view.baselines), "")
        if lines:
            beat = "; ".join(f"{line.name} {line.loss:.4g}" for line in lines)
            st.markdown(f"**To beat** ({escape(LOSSES[name].noun)}): {escape(beat)}")
        if view.metric:
            st.markdown(f"**Also measured**: {escape(view.metric)}")
        _notes(view.notes, found)


def _bundled(name: str) -> None:
    sequences = bundled_sequences(name)
    first = sequences.sequence(0)
    numbers = [place for place, column in enumerate(sequences.columns) if not column.categories]
    names = [sequences.columns[place].name for place in numbers]
    words = [column.categories for column in sequences.columns]
    rows = [
        {
            column.name: words[place][int(cell)] if words[place] and not np.isnan(cell) else f"{cell:g}"
            for place, (column, cell) in enumerate(zip(sequences.columns, row, strict=True))
        }
        for row in first[:_SHOWN_ROWS]
    ]
    _raw(first[:, numbers], names, rows, "First sequence" if sequences.count > 1 else "The series")


def _uploaded(found: Findings) -> None:
    inspection = found.inspection
    label = "The series" if inspection.layout == "series" else "The first sequence"
    names = inspection.sample_names[:_DRAWN_COLUMNS]  # those to be predicted come first
    if len(names) < found.sample_columns:
        label += f" ({len(names)} of {many(found.sample_columns, 'column')})"
    _raw(inspection.sample[:, : len(names)], names, inspection.head[:_SHOWN_ROWS], label)
    if inspection.columns:
        st.caption(f"{size_words(inspection)}, and what each column is used for")
        st.dataframe(
            [
                {
                    "column": fact.name,
                    "holds": fact.kind,
                    "used as": fact.role,
                    "missing": fact.missing,
                    "for example": fact.example,
                }
                for fact in inspection.columns[:_SHOWN_COLUMNS]
            ],
            hide_index=True,
            height=_height(len(inspection.columns)),
        )
    if found.summary is None:
        _notes(inspection.notes, found)


def _raw(values: NDArray[np.float64], names: Sequence[str], rows: Sequence[dict[str, str]], label: str) -> None:
    """The data as they are in the file: drawn, and their first rows."""
    left, right = st.columns([3, 2])
    if values.size:
        with left:
            st.caption(f"{label}, as in the file")
            st.plotly_chart(series_figure(values, names, theme()), theme=None, config=_CONFIG, key="data.series")
    with right if values.size else st.container():
        st.caption("First rows")
        st.dataframe(rows, hide_index=True, height=_height(len(rows)))


def _notes(notes: Sequence[str], found: Findings | None = None) -> None:
    """What was found; in files of the user's own each with the control that changes it."""
    if found is not None and found.inspection.reason:
        notes = [found.inspection.reason, *notes]
    if notes:
        st.markdown("**What we found and did**")
        if found is None:
            st.markdown("\n".join(f"- {escape(note)}" for note in notes[:_SHOWN_NOTES]))
        else:
            with st.container(gap="xsmall"):
                for place, note in enumerate(notes[:_SHOWN_NOTES]):
                    _finding(note, found, place)
        if len(notes) > _SHOWN_NOTES:
            st.caption(f"and {len(notes) - _SHOWN_NOTES:,} more")


def _finding(note: str, found: Findings, place: int) -> None:
    option, key = option_of(note, found), f"data.finding.{place}"
    text, change = st.columns([6, 1], gap="xsmall", vertical_alignment="center")
    text.markdown(f"- {escape(note)}")
    if option is not None:
        with change.popover(":material/tune:", type="tertiary", help="Choose otherwise", key=f"{key}.change"):
            draw_option(option, found, f"{key}.")


def _height(rows: int) -> int:
    return 38 + 35 * min(max(rows, 1), 8)
