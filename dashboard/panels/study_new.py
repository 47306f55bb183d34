"""The panel in which a study is begun: a ready-made one, one put together here, or one from a file or a link."""

import itertools

import pyarrow as pa
import streamlit as st
from pydantic import ValidationError

from dashboard.experiment import study_links, study_plan
from dashboard.experiment.configs import config_of
from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.study_words import axis_words, in_words
from dashboard.experiment.text import escape
from dashboard.panels.theme import on_primary
from dashboard.server import services, studies
from dashboard.server.workspace import workspace_id
from rnncore.config import TrainConfig
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.runs.limits import LimitError
from rnncore.runs.store.keys import watch_key
from rnncore.runs.trouble import StoreTrouble
from rnncore.studies.config import StudyConfig, read_study_text
from rnncore.studies.forecast import told_duration
from rnncore.studies.ready import READY
from rnncore.studies.ready_study import ReadyStudy
from rnncore.studies.results import Result, results, told
from rnncore.words import many

PAGE = "screens/studies.py"
NEWEST = 20  # runs offered as a base
TOGETHER = (
    "Runs that differ in their seeds, or in numbers such as the learning rate, as one batched model. The results are"
    " those of runs alone but for rounding, which can grow over a long training; without it they are so bit for bit."
)
_PLAN, _NAME, _ASKED = "study.plan", "study.name", "study.asked"
_REFUSALS = (ConfigError, DataError, LimitError, StoreTrouble)


def new_study() -> None:
    """Draw the panel, and what was planned in it."""
    _from_address()
    _question()
    ready, own, file = st.tabs(["Ready-made", "Put together", "From a file"])
    with ready:
        for each in READY.values():
            _ready(each)
    with own:
        _own()
    with file:
        _file()


def _ready(each: ReadyStudy) -> None:
    result = results()[each.key]
    runs, took = many(each.study.run_count, "run"), told_duration(60 * result.minutes)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{each.title}**", width="stretch")
            st.caption(f"{runs}, {took}", width="content")
            if st.button("Start", key=f"study.start.{each.key}"):
                _start(each.study.model_copy(update={"batched": True}), each.title)
        with st.expander("What to expect, and what came out"):
            st.markdown(f"Expected: {escape(each.expects)}")
            st.markdown(f"What came out here: {escape(each.found)}")
            st.dataframe(_numbers(each, result), key=f"study.numbers.{each.key}", hide_index=True, width="content",
                         alt=f"Numbers of the study {each.title}")  # fmt: skip
            st.caption(
                escape(
                    f"Medians over {many(len(each.study.seeds), 'seed')}; blank: there is none. {each.source}."
                    f" {runs}, {took} where nothing else runs, by processor time on {result.machine}."
                )
            )
            if each.as_in_the_paper is not None:
                st.download_button(
                    "In the paper's size, as a file",
                    each.as_in_the_paper.model_dump_json(by_alias=True, exclude_none=True, indent=2),
                    f"{each.key}.json",
                    "application/json",
                    key=f"study.paper.{each.key}",
                    help="For a cluster, or for days: python -m rnncore study FILE",
                )


def _numbers(each: ReadyStudy, result: Result) -> pa.Table:
    """Return the table of what came out, a row per cell, its values in words."""
    axes = in_words(each.study, [])[0].axes
    cells = itertools.product(*(axis.shown for axis in axes))
    rows = [[*cell, *row[len(axes) :]] for cell, row in zip(cells, result.rows, strict=True)]
    columns = zip(*rows, strict=True)
    heads = [name[0].upper() + name[1:] for name in result.columns]
    return pa.table({head: list(map(told, column)) for head, column in zip(heads, columns, strict=True)})


def _own() -> None:
    bases = _bases()
    base = bases[st.selectbox("Begin with the settings of", list(bases), help="Everything that is not varied.")]
    offered = study_plan.fields_of(base)
    axes = []
    for place, wanted in enumerate(("Vary", "and, if you like,")):
        left, right = st.columns([1, 1])
        path = left.selectbox(
            wanted, list(offered), format_func=offered.__getitem__, index=0 if place == 0 else None,
            key=f"study.field.{place}", placeholder="nothing more",
        )  # fmt: skip
        if path is not None:
            now = study_plan.base_words(base, path)
            help_text = f"With commas between them, for example: rnn, lstm, gru. It is {now} in what you begin with."
            text = right.text_input("Values", key=f"study.values.{place}.{path}", max_chars=500, help=help_text)
            axes.append((path, text))
    left, middle, right = st.columns(3)
    seeds = left.number_input("Seeds", 1, 1000, 5, help="Each combination of values trains with so many seeds.")
    criterion = middle.selectbox("Success is", list(study_plan.CRITERIA), format_func=study_plan.CRITERIA.__getitem__)
    bound = right.number_input("Bound", value=0.5, format="%g", disabled=criterion == "none")
    together = st.checkbox("Train runs together where that is faster", value=True, help=TOGETHER)
    if st.button("Check and start"):
        try:
            _start(study_plan.planned(base, axes, int(seeds), criterion, float(bound), together), "")
        except _REFUSALS as error:
            st.error(escape(str(error)), icon=":material/error:")


def _bases() -> dict[str, TrainConfig]:
    """Return the configurations to begin with, by name: the plain defaults, that of the lab, and the newest runs."""
    bases = {"the adding problem, a plain RNN": TrainConfig(), "what the lab opens with": DEFAULT}
    store = services.scheduler().store
    for listed in store.listed_runs(workspace_id(), NEWEST):
        run = store.run(listed.id)
        try:
            if run is not None:
                bases.setdefault(f"the run '{listed.label}'", config_of(run))
        except ConfigError:  # damaged
            continue
    return bases


def _file() -> None:
    uploaded = st.file_uploader("A study as JSON", type="json", max_upload_size=1)
    text = st.text_area("or as text", height=200, max_chars=200_000, placeholder='{"base": {...}, "axes": [...]}')
    if st.button("Check and start", key="study.start.file"):
        try:
            if uploaded is not None:
                text = uploaded.getvalue().decode("utf-8-sig")
            _start(read_study_text(text, uploaded.name if uploaded is not None else "text"), "")
        except UnicodeDecodeError:
            st.error("The file is not a text in UTF-8.", icon=":material/error:")
        except _REFUSALS as error:
            st.error(escape(str(error)), icon=":material/error:")


def _from_address() -> None:
    """Plan the study of a link, once."""
    text = st.query_params.get(study_links.PARAMETER)
    if text is None or st.session_state.get(_ASKED) == text:
        return
    st.session_state[_ASKED] = text
    try:
        st.session_state[_PLAN], st.session_state[_NAME] = study_links.study_of(text), ""
    except ConfigError as error:
        st.warning(escape(str(error)), icon=":material/link_off:")


def _start(study: StudyConfig, name: str) -> None:
    """Check a study and start it; a large one is asked about first."""
    try:
        planned = studies.plan(workspace_id(), "", study)
        if planned.asks:
            st.session_state[_PLAN], st.session_state[_NAME] = study, name
            st.rerun()
        _open(studies.start(workspace_id(), study, name))
    except (*_REFUSALS, ValidationError) as error:
        st.error(escape(str(error)), icon=":material/error:")


def _question() -> None:
    """Ask about the study that is planned: how large it is, and how long it takes."""
    study: StudyConfig | None = st.session_state.get(_PLAN)
    if study is None:
        return
    with st.container(border=True, key="study-question"):
        try:
            planned = studies.plan(workspace_id(), "", study)
        except _REFUSALS as error:
            st.error(escape(str(error)), icon=":material/error:")
            del st.session_state[_PLAN]
            return
        varied = ", ".join(axis_words(axis.name, axis.field) for axis in study.axes) or "seeds"
        st.markdown(f"This study varies {escape(varied)}: {escape(planned.sentence)}.")
        with st.container(horizontal=True):
            if st.button(on_primary(f"Start {many(planned.runs, 'run')}"), type="primary"):
                name = st.session_state.pop(_NAME, "")
                del st.session_state[_PLAN]
                try:
                    _open(studies.start(workspace_id(), study, name))
                except _REFUSALS as error:
                    st.error(escape(str(error)), icon=":material/error:")
            if st.button("Not now"):
                del st.session_state[_PLAN]
                st.rerun()


def _open(study_id: str) -> None:
    st.query_params.clear()
    st.query_params["study"] = watch_key(study_id)
    st.rerun()
