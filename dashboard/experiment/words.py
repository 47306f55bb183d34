"""An experiment in words: its data and its network, from a stored config; never fails on an old or odd one."""

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.experiment.text import short_powers
from rnncore.cells import CELLS
from rnncore.choices import CLIP_METHODS, OPTIMIZERS
from rnncore.config import TaskData, TrainConfig
from rnncore.data import SERIES, TASKS
from rnncore.mistakes import MISTAKES, NONE
from rnncore.old_configs import upgraded_data
from rnncore.words import many, shorten

BROKEN = "broken on purpose: "
STATUS_WORDS = {"queued": "waiting"}  # other statuses are words already

Part = Mapping[str, Any]


def data_words(config: Part) -> str:
    """Return what a run learns from, e.g. 'Adding problem, T = 50'."""
    data = upgraded_data(config.get("data", {}))
    words = _DATA.get(data.get("kind", ""))
    return words(data) if words else ""


def mistake_words(config: Part) -> str:
    """Return the mistake that a run makes on purpose, e.g. 'broken on purpose: its inputs are not scaled', else ''."""
    key = str(config.get("mistake", NONE))
    if key == NONE:
        return ""
    return f"{BROKEN}{MISTAKES[key].sentence if key in MISTAKES else key}"


def model_words(config: Part) -> str:
    """Return a run's network, e.g. 'LSTM, 2 layers of 32 units'."""
    model = config.get("model", {})
    key = str(model.get("cell", ""))
    cell = CELLS[key].title if key in CELLS else key
    cell = f"ReLU {cell}" if model.get("nonlinearity") == "relu" else cell
    units, layers = model.get("hidden_size"), model.get("num_layers", 1)
    size = many(units, "unit") if isinstance(units, int) else f"{units} units"
    return f"{cell}, {size}" if layers == 1 else f"{cell}, {layers} layers of {size}"


def in_words(config: TrainConfig) -> str:
    """Return what is trained on what, in one line."""
    data, model = config.data, config.model
    source = TASKS[data.task].title if isinstance(data, TaskData) else data_words({"data": data.model_dump()})
    cell = f"{CELLS[model.cell].title}{' (ReLU)' if model.nonlinearity == 'relu' else ''}"
    size = many(model.hidden_size, "unit")
    size = f"{model.num_layers} × {size}" if model.num_layers > 1 else size
    optimizer = f"{OPTIMIZERS[config.optimizer.name].title} {config.optimizer.learning_rate:g}"
    broken = mistake_words(config.model_dump(include={"mistake"}))
    parts = (source, broken, f"{cell}, {size}", optimizer, f"batch {config.batch_size}", f"seed {config.seed}")
    return " · ".join(filter(None, parts))


def label(config: TrainConfig) -> str:
    """Return the run's name in words, by what tells twins apart."""
    name = clip_words(config)
    return name if config.mistake == NONE else f"{name}, broken on purpose"


def clip_words(config: TrainConfig) -> str:
    """Return how a run clips, e.g. 'clipped at 1'."""
    return short_powers(CLIP_METHODS[config.clip.method].name_run(config.clip.model_dump()))


def progress_words(step: int, steps: int) -> str:
    """Return how far a run is: 'step 5 of 100'; of a watched one no end is known (0 steps): 'step 5'."""
    return f"step {step:,} of {steps:,}" if steps else f"step {step:,}"


def status_word(status: str) -> str:
    """Return a status as the pages call it."""
    return STATUS_WORDS.get(status, status)


def _task(data: Part) -> str:
    name = data.get("task", "")
    task = TASKS.get(name)
    if task is None:
        return str(name)
    length = data.get("seq_len") or task.knobs.get("seq_len")
    return f"{task.title}, T = {length}" if length else task.title


def _bundled(data: Part) -> str:
    name = data.get("name", "")
    return SERIES[name].title if name in SERIES else str(name)


def _upload(data: Part) -> str:
    names = [each.get("name") or "upload" for each in data.get("files", ())]
    words = shorten(names[0], 44) if names else "upload"
    words += f" and {len(names) - 1} more" if len(names) > 1 else ""
    targets = data.get("targets") or ()
    return f"{words}, {', '.join(targets)}" if targets else words


_DATA: dict[str, Callable[[Part], str]] = {"task": _task, "bundled": _bundled, "upload": _upload}
