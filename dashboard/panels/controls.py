"""The sidebar: every choice of an experiment, the usual ones open, the advanced ones folded away."""

from functools import lru_cache
from typing import Any, NamedTuple

import streamlit as st
from pydantic import TypeAdapter

from dashboard.experiment.comparison import WITH_AND_WITHOUT_CLIPPING, Said, Sizes
from dashboard.experiment.opening import DEFAULT, REAL_DATA
from dashboard.panels import fields, uploads
from dashboard.panels.comparing import compares_clipping, comparing
from dashboard.panels.comparing import open_with as open_comparison
from dashboard.panels.exactness import exactness_check
from dashboard.panels.fields import KIND, choice, entry, number, switch, value
from dashboard.panels.upload_controls import upload_controls
from dashboard.panels.upload_options import SCALINGS
from rnncore.cells import CELLS
from rnncore.choices import AUTO, CLIP_METHODS, INITIALIZATIONS, LOSSES, OPTIMIZERS, READOUTS, SCHEDULES
from rnncore.config import BundledData, ModelConfig, TaskData, UploadData
from rnncore.data import SERIES, TASKS, load_dataset
from rnncore.data.dataset import DataError, TargetKind
from rnncore.mistakes import MISTAKES, NONE
from rnncore.sizes import matched_hidden_size, parameter_count

MATCH = "match_parameters"
SLOW_START = "slow_start"
_START = "controls.start"
_LAST_CELL = "controls.last_cell"
_FURTHER = "controls.further_cell"

SOURCES = {"task": "Synthetic", "bundled": "Real", "upload": "My files"}
NONLINEARITIES = {"tanh": "tanh", "relu": "ReLU"}
DTYPES = {"float32": "float32", "float64": "float64"}
DEVICES = {"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}


class _Data(NamedTuple):
    """What the controls of the network depend on."""

    input_size: int
    output_size: int
    per_step: bool
    target: TargetKind


def sidebar() -> dict[str, Any]:
    """Draw the controls of an experiment and return the draft config as a nested dict, not yet validated."""
    if untouched():
        open_with(Said(DEFAULT, WITH_AND_WITHOUT_CLIPPING))
    fields.begin()
    st.subheader("Data")
    _data()
    st.subheader("Network")
    _network()
    st.subheader("Training")
    _training()
    st.subheader("Clipping")
    _clipping()
    st.subheader("Compare")
    compare = st.container()  # drawn last: it offers what the other controls do
    with fields.folded("Break it"):
        entry("mistake", "Mistake", MISTAKES)
        if value("mistake") != NONE:
            st.caption(f"What is trained now is broken on purpose: {MISTAKES[value('mistake')].sentence}.")
    with fields.folded("Measuring"):
        st.toggle(
            "Slow start",
            key=SLOW_START,
            help="Let the first 20 steps take about 5 seconds, so that they can be watched; no number changes.",
            persist_state="session",
        )
        number("profile_every", "Profile every … steps")
        number("eval_every", "Validate every … steps")
        choice("dtype", "Precision", DTYPES)
        choice("device", "Device", DEVICES)
        exactness_check()
    draft = fields.draft()
    if value(KIND) == "upload":
        draft["data"] = uploads.draft()
    with compare:
        comparing(draft, known_sizes())
    return draft


def untouched() -> bool:
    """Tell whether this session's controls have not been drawn yet."""
    return KIND not in st.session_state


def open_with(said: Said) -> None:
    """Put an experiment and its comparison into the controls, for instance those of runs found by their address."""
    config = said.config
    fields.fill(config)
    if isinstance(config.data, UploadData):
        uploads.reopen(config.data)
    open_comparison(said)
    if compares_clipping() and config.clip.method == "off":
        st.session_state["clip.method"] = "norm"


def known_sizes() -> Sizes | None:
    """Return what the chosen data give a network and want of it; None if they are not known."""
    data = _known_data()
    return Sizes(data.input_size, data.output_size) if data else None


def request_start() -> None:
    """Ask the lab page to train, at its next run, what the controls then say; `start_requested` answers once."""
    st.session_state[_START] = True


def start_requested() -> bool:
    """Tell, once, whether another page asked for training."""
    return bool(st.session_state.pop(_START, False))


def _data() -> None:
    choice(KIND, "Source", SOURCES, segmented=True, label_visibility="collapsed", on_change=_suit_the_data)
    kind = value(KIND)
    if kind == "task":
        titles = {name: task.title for name, task in TASKS.items()}
        choice("data.task", "Task", titles, help=TASKS[value("data.task")].description)
        knobs = TASKS[value("data.task")].knobs
        for name, label in (("seq_len", "Sequence length T"), ("delay", "Delay d"), ("symbols", "Symbols")):
            number(f"data.{name}", label, placeholder=f"{knobs.get(name)} (the task's own)")
        return
    if kind == "upload":
        upload_controls()
        return
    series = SERIES[value("data.name")]
    titles = {name: each.title for name, each in SERIES.items()}
    choice("data.name", "Series", titles, help=f"{series.description} Source: {series.source}")
    if series.layout == "series":  # of whole sequences no window is cut
        left, right = st.columns(2)
        with left:
            number("data.window", "Window")
        with right:
            number("data.horizon", "Horizon")
        number("data.val_fraction", "Validation share", step=0.05, fmt="%.2f")
    with fields.folded("More about the data"):
        choice("data.scaling", "Scaling", SCALINGS)


def _suit_the_data() -> None:
    """Exchange the opening experiment, while nobody has changed it, for one that suits the kind of data chosen."""
    old, new = (REAL_DATA, DEFAULT) if value(KIND) == "task" else (DEFAULT, REAL_DATA)
    fields.exchange(old, new)


def _network() -> None:
    data = _known_data()
    per_step = data is not None and data.per_step
    readouts = {key: each for key, each in READOUTS.items() if each.per_step == per_step}
    if value("model.readout") not in readouts:
        st.session_state["model.readout"] = next(iter(readouts))
    _keep_parameter_count(data)
    listed = [key for key, cell in CELLS.items() if not cell.further or key == value("model.cell")]
    entry("model.cell", "Cell", CELLS, segmented=True, listed=listed)
    left, right = st.columns(2)
    with left:
        number("model.hidden_size", "Hidden units")
    with right:
        number("model.num_layers", "Layers")
    if data is not None:
        count = parameter_count(_model(), data.input_size, data.output_size)
        st.caption(f"{count:,} parameters")
    with fields.folded("More about the network"):
        _further_cells()
        st.toggle(
            "Match the parameter count",
            key=MATCH,
            help="When the cell changes, choose the hidden size that keeps the number of parameters.",
            persist_state="session",
        )
        known = {key: NONLINEARITIES[key] for key in CELLS[value("model.cell")].nonlinearities}
        choice("model.nonlinearity", "Non-linearity", known, segmented=True)
        switch("model.bound_weights", "Bounded recurrent weights")
        entry("model.readout", "Read-out", readouts)
        number("model.dropout", "Dropout", step=0.05, fmt="%.2f")
        entry("init.scheme", "Initial recurrent weights", INITIALIZATIONS)
        number("init.spectral_radius", "Spectral radius", step=0.05, fmt="%.6g")
        number("init.std", "Standard deviation", step=0.01, fmt="%.6g")
        switch("init.chrono", "Chrono biases")
        number("init.forget_bias", "Forget-gate bias", step=0.5, fmt="%.6g", placeholder="torch's default")


def _further_cells() -> None:
    """Offer the cells that the first choice does not list; a chosen one stands there too from then on."""
    further = {key: cell for key, cell in CELLS.items() if cell.further}
    chosen = further.get(value("model.cell"))
    st.session_state[_FURTHER] = chosen.key if chosen else None
    st.selectbox(
        "Further cells",
        list(further),
        index=None,
        key=_FURTHER,
        format_func=lambda key: further[key].title,
        placeholder="from 1997 to 2024",
        on_change=_take_further_cell,
        help="Cells beside those that are listed above." + (f" {chosen.help}" if chosen else ""),
    )


def _take_further_cell() -> None:
    """Let the first choice say what was chosen among the further cells; nothing: the first cell again."""
    st.session_state["model.cell"] = st.session_state[_FURTHER] or next(iter(CELLS))


def _training() -> None:
    data = _known_data()
    fitting = {key: loss for key, loss in LOSSES.items() if data is None or data.target in loss.targets}
    entry("loss", "Loss", {AUTO.key: AUTO, **fitting})
    left, right = st.columns(2)
    with left:
        entry("optimizer.name", "Optimiser", OPTIMIZERS)
        number("steps", "Steps", step=100)
        number("seed", "Seed")
    with right:
        number("optimizer.learning_rate", "Learning rate", step=0.001, fmt="%.6g")
        number("batch_size", "Batch size")
    with fields.folded("More about training"):
        number("optimizer.momentum", "Momentum", step=0.1, fmt="%.6g")
        switch("optimizer.nesterov", "Nesterov momentum")
        number("optimizer.weight_decay", "Weight decay", step=0.0001, fmt="%.6g")
        entry("schedule.name", "Learning-rate schedule", SCHEDULES)
        number("schedule.decay", "Decay factor", step=0.1, fmt="%.6g")
        number("schedule.decay_steps", "Steps per decay factor", step=100)
        number("schedule.final_fraction", "Final share of the learning rate", step=0.1, fmt="%.6g")
        number("schedule.warmup_steps", "Warm-up steps", step=10)
        number("truncation", "Truncated backpropagation", placeholder="off")
        number("early_stopping", "Early stopping", placeholder="off")
        number("omega", "Omega regulariser", step=0.5, fmt="%.6g")
        number("flossing.exponents", "Exponents of gradient flossing")
        number("flossing.steps", "Updates of flossing", step=50)
        number("flossing.every", "Steps between flossing", placeholder="only at the start")
        number("flossing.learning_rate", "Learning rate of flossing", step=0.001, fmt="%.6g")


def _clipping() -> None:
    methods = {key: each for key, each in CLIP_METHODS.items() if not (key == "off" and compares_clipping())}
    entry("clip.method", "Method", methods)
    number("clip.threshold", "Threshold", step=0.1, fmt="%.6g")
    number("clip.percentile", "Percentile of past norms", fmt="%.6g")
    number("clip.agc_factor", "Largest share of the weight norm", step=0.01, fmt="%.6g")


def _model() -> ModelConfig:
    """Return what the parameter count depends on."""
    names = ("cell", "hidden_size", "num_layers", "readout")
    return ModelConfig().model_copy(update={name: value(f"model.{name}") or 1 for name in names})


def _keep_parameter_count(data: _Data | None) -> None:
    """If asked to, adapt the hidden size to a cell that was just changed."""
    cell, last = value("model.cell"), st.session_state.get(_LAST_CELL)
    if value(MATCH) and data and last and cell != last:
        before = _model().model_copy(update={"cell": last})
        st.session_state["model.hidden_size"] = matched_hidden_size(before, cell, data.input_size, data.output_size)
    st.session_state[_LAST_CELL] = cell


def _known_data() -> _Data | None:
    """Return what the network is built for; None if the data are not known."""
    kind = value(KIND)
    try:
        if kind == "upload":
            found = uploads.current()
            data = found.summary if found else None
            return _Data(data.input_size, data.output_size, data.per_step, data.target) if data else None
        model = TaskData if kind == "task" else BundledData
        return _built_in(model.model_validate(fields.draft()["data"]).model_dump_json())
    except (ValueError, DataError):
        return None


@lru_cache(maxsize=64)
def _built_in(data: str) -> _Data:
    dataset = load_dataset(TypeAdapter(TaskData | BundledData).validate_json(data))
    return _Data(dataset.input_size, dataset.output_size, dataset.per_step, dataset.target)
