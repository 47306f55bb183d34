"""The lab: choose an experiment in the sidebar, press Train, watch it on the live board."""

import re
from collections.abc import Sequence

import streamlit as st
from pydantic import ValidationError

from dashboard import controls, fields, figures, services, uploads
from dashboard.board import BoardRun, board
from dashboard.workspace import workspace_id
from rnncore.checks import check_run
from rnncore.config import CsvData, TrainConfig, explain
from rnncore.data import DataError, load_dataset
from rnncore.errors import ConfigError
from rnncore.runs.limits import LimitError
from rnncore.runs.store import StoredRun


def main() -> None:
    """Draw the page; a click on Train starts the runs and puts their address into the URL."""
    shown = _runs_in_url()
    with st.sidebar:
        pressed = st.button("Train", type="primary", width="stretch") or controls.start_requested()
        problem = st.empty()
        draft = controls.sidebar()
    config = None
    try:
        config = TrainConfig.model_validate(draft)
        if pressed:
            shown = _start(config)
    except ValidationError as error:
        if pressed or not _waits_for_file(draft):
            problem.error(_sentence(error), icon=":material/error:")
    except (DataError, ConfigError, LimitError) as error:
        problem.error(str(error), icon=":material/error:")
    st.subheader("RNN Gradient Lab", anchor=False)
    if shown:
        configs = [TrainConfig.model_validate(run.config) for run in shown]
        st.caption(escape(controls.in_words(configs[0])))
        runs = [_board_run(run.id, each, run.label) for run, each in zip(shown, configs, strict=True)]
        group = shown[0].group if len({run.group for run in shown}) == 1 else None
        board(runs, group=group, twins=are_twins(shown))
    else:
        st.caption(escape(controls.in_words(config)) if config else " ")
        board(_preview(config))


def are_twins(runs: Sequence[StoredRun]) -> bool:
    """Tell whether runs differ by the clip alone."""
    return len(runs) == 2 and {**runs[0].config, "clip": None} == {**runs[1].config, "clip": None}


def escape(text: str) -> str:
    """Return text that markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~:$^&])", r"\\\1", text)


def _runs_in_url() -> Sequence[StoredRun]:
    """Return the runs that the address names; on a session's first look, put their experiment into the controls."""
    address = st.query_params.get("run")
    if address is None:
        return []
    store = services.scheduler().store
    named = address.split(",")[: figures.MAX_RUNS]
    runs = [run for each in named for run in store.group(each) or store.runs("id = ?", (each,))][: figures.MAX_RUNS]
    if not runs:
        st.warning("This address names a run that is not here (any more).", icon=":material/link_off:")
    elif controls.untouched():
        config = TrainConfig.model_validate(runs[0].config)
        controls.open_with(config, compare=are_twins(runs))
        if isinstance(config.data, CsvData):
            uploads.reopen(config.data.file)
    return runs


def _start(config: TrainConfig) -> Sequence[StoredRun]:
    """Check the data, queue the run (and its twin), and return them as stored."""
    check_run(config, load_dataset(config.data, uploads.read_file))
    configs = controls.twins(config) if st.session_state[controls.COMPARE] else [config]
    upload = uploads.current()
    files = {upload.name: upload.content} if upload and isinstance(config.data, CsvData) else {}
    scheduler = services.scheduler()
    group = scheduler.submit(workspace_id(), configs, [controls.label(each) for each in configs], files)
    st.query_params["run"] = group.id
    return scheduler.store.group(group.id)


def _preview(config: TrainConfig | None) -> list[BoardRun]:
    """Return what would be trained, so that the empty board already shows its figures."""
    config = config or controls.DEFAULT
    configs = controls.twins(config) if st.session_state[controls.COMPARE] else [config]
    return [_board_run(None, each, controls.label(each)) for each in configs]


def _board_run(run_id: str | None, config: TrainConfig, label: str) -> BoardRun:
    clip = config.clip
    norm_threshold = clip.threshold if clip.method == "norm" else None
    figure = figures.Run(label, norm_threshold, config.model.cell, clip.method != "off")
    steered = clip.threshold if clip.method in fields.STEERED_CLIPS else None
    return BoardRun(run_id, figure, config.optimizer.learning_rate, steered)


def _waits_for_file(draft: dict[str, object]) -> bool:
    return fields.value(fields.KIND) == "csv" and uploads.current() is None


def _sentence(error: ValidationError) -> str:
    if fields.value(fields.KIND) == "csv" and uploads.current() is None:
        return "Choose a CSV file first."
    return explain(error)


main()
