"""The lab: choose an experiment in the sidebar, press Train, watch it on the live board."""

from collections.abc import Sequence

import streamlit as st
from pydantic import ValidationError

from dashboard.experiment.comparison import said_of
from dashboard.experiment.configs import known_configs
from dashboard.experiment.groups import Group
from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.share import PARAMETER as LINK
from dashboard.experiment.share import Decoded
from dashboard.experiment.text import escape
from dashboard.experiment.twins import twins
from dashboard.experiment.words import in_words, label
from dashboard.figures.show import AS_USUAL
from dashboard.lessons import LessonRun
from dashboard.panels import class_panel, comparing, controls, fields, trying, under_way, uploads
from dashboard.panels.board import EMPTY, EXAMPLE, board
from dashboard.panels.data_panel import data_panel
from dashboard.panels.interrupted import interrupted_notice
from dashboard.panels.lesson_card import (
    PREDICT_FIRST,
    answered,
    current,
    lesson_card,
    open_from_address,
    predicts_first,
    runs_of,
)
from dashboard.panels.mismatch import mismatch_notice
from dashboard.panels.predicting import predicting_panel
from dashboard.panels.presets import preset_cards, preset_runs
from dashboard.panels.problems import show_problems
from dashboard.panels.share_panel import decode_address, link_notice, share_panel
from dashboard.panels.theme import on_primary
from dashboard.server import services
from dashboard.server.board_data import NO_RUN, BoardRun, board_data, board_of, mine, runs_at
from dashboard.server.handed_out import put_on_walls
from dashboard.server.keys import watch_address
from dashboard.server.workspace import workspace_id
from rnncore.checks import check_run
from rnncore.config import TrainConfig, UploadData
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.runs.limits import LimitError
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import StoredRun
from rnncore.runs.trouble import StoreTrouble

NOT_STARTED = "Nothing has started: the sidebar says why."  # all that is seen of it where the sidebar is closed
PURPOSE = "Train a recurrent network and watch how the gradient of its loss travels back through time."


def main() -> None:
    """Draw the page; a click on Train starts the runs and puts their address into the URL."""
    link = decode_address()
    shown = _open_address(link)
    class_place = st.container()
    heading = st.container(horizontal=True, vertical_alignment="center", key="beside-sidebar")  # see first_frame.py
    notice = st.container()
    interrupted_notice()
    # Before the controls: committing a prediction fills them.
    lesson_card(teaches=class_panel.has_class(), asked=class_panel.asked(current()))
    first = not shown and link is None and current() is None
    cards = st.empty()
    if first:
        with cards:
            preset_cards()  # before the controls too
    with st.sidebar:
        asked = predicts_first()
        pressed = st.button("Train" if asked else on_primary("Train"), type="primary", width="stretch", disabled=asked)
        pressed = controls.start_requested() or pressed
        problem = st.empty()
        if asked:
            problem.caption(PREDICT_FIRST)
        draft = controls.sidebar()
    config = None
    named: Sequence[LessonRun] = ()
    try:
        config = TrainConfig.model_validate(draft)
        named = _named(config)
        if under_way.may_start(pressed):
            shown = _start(named)
    except (ValidationError, DataError, ConfigError, LimitError, StoreTrouble) as error:
        if _waits_for_file():
            if pressed:
                problem.error("Choose a file first.", icon=":material/error:")
        else:
            show_problems(error, problem)
        if pressed:
            st.toast(NOT_STARTED, icon=":material/error:")
    with notice:
        if link is not None and not shown:
            link_notice(link)
        elif not shown and current() is None:
            under_way.offer_to_open()
    if first and shown:
        cards.empty()
        first = False
    configs, would = known_configs(shown), [run.config for run in named]
    with heading:
        st.subheader("RNN Gradient Lab", anchor=False, width="content")
        described = configs[0] if configs else None if shown else config
        if first:
            st.markdown(PURPOSE, width="stretch")
        elif predicts_first() or not mismatch_notice(known_configs(trying.by_controls(shown)), would):
            st.caption(escape(in_words(described)) if described else " ", width="stretch")
        if not first and current() is None:
            st.button("Presets", on_click=st.query_params.clear, help="Back to the first screen; what trains goes on.")
        share_panel(shown, would, uploads.read_file)
    with class_place:
        class_panel.class_bar(shown, st.query_params.get("run", ""), would[0] if would else None, current())
    lesson = answered()
    example = first and fields.value(fields.KIND) != "upload"
    above = st.container()
    show = lesson.show if lesson else AS_USUAL
    on_train = None if predicts_first() else controls.request_start
    trains = on_train is not None
    if shown:
        store, workspace = services.scheduler().store, workspace_id()
        data = board_of(store, shown, workspace=workspace, show=show, trains=trains, tries=True, tried=trying.answer())
        board(data, on_train, trying.on_try("board", shown))
    elif example:
        examples = [BoardRun.of(None, each, label(each)) for each in twins(DEFAULT)]
        board(board_data(examples, matched=True, empty=EXAMPLE, trains=trains, example=True), on_train)
    else:
        board(board_data(_preview(named), show=show, empty=_empty(config), trains=trains), on_train)
    # Below figures that are all that the text above them is about.
    with st.container() if lesson or example or shown else above:
        predicting_panel([run for run in shown if mine(run, workspace_id())])
        if not shown or configs:  # else the data are those of a program of its user's own
            data_panel(config)


def _open_address(link: Decoded | None) -> Sequence[StoredRun]:
    """Return the runs that the address names; at first look put the experiment it stands for into the controls."""
    address = st.query_params.get("run")
    runs: list[StoredRun] = []
    if address is not None:
        runs, problems = runs_at(services.scheduler().store, address)
        for problem in problems:
            st.warning(escape(problem))
        if not runs:
            st.warning(NO_RUN, icon=":material/link_off:")
        elif (watched := watch_address(address)) != address:  # an id that an address of before holds is the owner's
            st.query_params["run"] = watched
    if controls.untouched():
        if configs := known_configs(runs):
            controls.open_with(said_of(configs))
        elif link is not None:
            controls.open_with(said_of([*(twins(link.config) if link.compare else [link.config]), *link.others]))
        else:
            open_from_address()
    return runs


def _start(named: Sequence[LessonRun]) -> Sequence[StoredRun]:
    """Check the data, queue the runs, and return them as stored."""
    for run in named:
        check_run(run.config, uploads.summary(run.config.data))
    of_files = isinstance(named[0].config.data, UploadData)
    files = [(file.name, file.content) for file in uploads.files()] if of_files else []
    scheduler = services.scheduler()
    slow = bool(st.session_state[controls.SLOW_START])
    configs, labels = [run.config for run in named], [run.label for run in named]
    under_way.make_room(configs)
    group = scheduler.submit(workspace_id(), configs, labels, files, slow_start=slow)
    st.query_params.pop(LINK, None)  # from now on the run's own address says what was chosen
    st.query_params["run"] = watch_key(group.id)
    runs = scheduler.store.group(group.id)
    put_on_walls(workspace_id(), runs)
    return runs


def _named(config: TrainConfig) -> Sequence[LessonRun]:
    """Return the runs that Train starts, with their names. Raises ConfigError."""
    configs = comparing.runs(config, controls.known_sizes())
    return runs_of(config) or preset_runs(configs) or _named_by_difference(configs)


def _named_by_difference(configs: Sequence[TrainConfig]) -> Sequence[LessonRun]:
    return [LessonRun(name, each) for name, each in zip(Group(tuple(configs)).labels(), configs, strict=True)]


def _preview(named: Sequence[LessonRun]) -> list[BoardRun]:
    """Return what would be trained, so that the empty board already shows its figures."""
    return [BoardRun.of(None, run.config, run.label) for run in named or _named_by_difference(twins(DEFAULT))]


def _empty(config: TrainConfig | None) -> str:
    """Return what the board says while there are no runs: what to do next."""
    if predicts_first():
        return "Predict and commit: measured curves appear here."
    if _waits_for_file():
        return "Choose a file, then press Train."
    if config is None or (config.data.kind == "upload" and not uploads.usable()):
        return "Something must be corrected first: see the sidebar."
    return EMPTY


def _waits_for_file() -> bool:
    return fields.value(fields.KIND) == "upload" and not uploads.files()


main()
