"""A configuration as a program of its own: a plain torch script that does the same run without this package.

`script_of` puts it together from parts, one per option (`data_parts`, `model_parts`, `training_parts`); `script_files`
returns what must lie beside it. Initial weights, batches and their order are the same as in `rnncore.train`; the sums
are done in another order, so that losses agree to about 1e-6, not to the last bit.
"""

import re
from typing import Any

from rnncore import __version__
from rnncore.checks import check_run, resolve_loss
from rnncore.config import TrainConfig
from rnncore.data import SERIES, TASKS, ReadFile, load_dataset, read_path
from rnncore.data.dataset import SequenceDataset
from rnncore.script import data_parts, model_parts, training_parts
from rnncore.script.files import check_size, file_name, files, is_one_column, is_text
from rnncore.script.settings import Events, settings_block

__all__ = ["script_files", "script_of"]

_CELLS = {"rnn": "a plain RNN", "lstm": "an LSTM", "gru": "a GRU"}
_OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
_WITH_THRESHOLD = ("norm", "value", "parameter_norm", "recursion")
_LOSS_WORDS = {
    "mse": "Mean squared error",
    "mae": "Mean absolute error",
    "huber": "Huber's loss",
    "bce": "Binary cross-entropy of logits",
    "cross_entropy": "Cross-entropy of logits",
}


def script_of(config: TrainConfig, read_file: ReadFile | None = None, events: Events = ()) -> str:
    """Return a Python script that does the run of `config` with torch, numpy and the standard library alone.

    It prints the losses as it trains, leaves the records of all steps in `history`, and shows how the gradient norms
    of the timesteps are measured. It computes on the CPU. The files that it reads are those of `script_files`.
    read_file: as for `rnncore.data.load_dataset`. events: settings that were changed while the run trained.

    Raises:
        DataError, ConfigError: the configuration cannot run, or its data cannot be taken out of the lab.
    """
    dataset = load_dataset(config.data, read_file)
    check_run(config, dataset)
    flags = _flags(config, dataset, events)
    parts = [_data(config, dataset), *_model(config, flags), *_training(config, dataset, flags)]
    body = assemble("\n\n".join(parts), flags)
    file = file_name(config, dataset)
    settings = settings_block(body, config, dataset, file, events)
    return re.sub(r"\n{4,}", "\n\n\n", f"{_head(config, file)}\n\n{_imports(body)}\n{settings}\n\n{body.strip()}\n")


def script_files(config: TrainConfig, read_file: ReadFile | None = None) -> dict[str, bytes]:
    """Return name -> content of the files that must lie beside the script; none for most synthetic tasks.

    Raises DataError like `script_of`.
    """
    return files(config, load_dataset(config.data, read_file), read_file or read_path)


def assemble(code: str, flags: dict[str, bool]) -> str:
    """Keep the lines whose mark `#@ option no other_option` fits `flags`, and fill in `<, lengths>`."""
    lines = []
    for line in code.splitlines():
        text, _, condition = line.partition("  #@ ")
        wanted = True
        for word in re.findall(r"(?:no )?\w+", condition):
            wanted &= not flags[word[3:]] if word.startswith("no ") else flags[word]
        if wanted:
            lines.append(text)
    code = "\n".join(lines)
    code = code.replace("<, loss_lengths>", ", lengths" if flags["masked"] else "")
    code = code.replace("<, lengths_name>", ', "lengths"' if flags["lengths"] else "")
    return re.sub(r"<(, [^>]*)>", r"\1" if flags["lengths"] else "", code)


def _flags(config: TrainConfig, dataset: SequenceDataset, events: Events) -> dict[str, bool]:
    init, scheme, schedule = config.init, config.init.scheme, config.schedule
    lengths = dataset.validation.lengths is not None
    steered = {name for _, name, _ in events}
    return {
        "steered_rate": "learning_rate" in steered,
        "steered_threshold": "clip_threshold" in steered and config.clip.method in _WITH_THRESHOLD,
        "lengths": lengths,
        "masked": lengths and dataset.per_step,
        "stepwise_classes": dataset.per_step and dataset.target == "multiclass",
        "lstm": config.model.cell == "lstm",
        "attention": config.model.readout == "attention",
        "dropout": config.model.dropout > 0 and config.model.num_layers > 1,
        "truncation": config.truncation is not None,
        "recursion": config.clip.method == "recursion",
        "clip": config.clip.method not in ("off", "recursion"),
        "initialize": scheme != "default" or init.forget_bias is not None or init.chrono,
        "random_init": scheme not in ("default", "identity") or init.chrono,
        "scheme": scheme != "default",
        "normal_inputs": scheme in ("normal", "sparse"),
        "zero_biases": scheme in ("identity", "normal", "sparse"),
        "forget_bias": init.forget_bias is not None,
        "chrono": init.chrono,
        "schedule": schedule.name != "constant" or schedule.warmup_steps > 1 or "learning_rate" in steered,
        "warmup": schedule.warmup_steps > 1,
        "since": schedule.name != "constant",
        "span": schedule.name in ("linear", "cosine"),
        "omega": config.omega > 0,
        "early_stopping": config.early_stopping is not None,
        "double": config.dtype == "float64",
    }


def _data(config: TrainConfig, dataset: SequenceDataset) -> str:
    data: Any = config.data
    if is_text(config, dataset):
        return data_parts.TEXT
    if data.kind == "task":
        return data_parts.TASK_PARTS[data.task]
    if is_one_column(config):
        return data_parts.SERIES + "\n" + data_parts.FINITE
    check_size(dataset)
    return data_parts.ARRAYS + "\n" + data_parts.FINITE


def _model(config: TrainConfig, flags: dict[str, bool]) -> list[str]:
    model = config.model
    new_cell = model_parts.CELLS[model.cell].replace("NONLINEARITY", model.nonlinearity)
    readout = model_parts.READOUTS[model.readout][flags["lengths"]]
    parts = [model_parts.MODEL.replace("NEW_CELL", new_cell).rstrip() + readout]
    if flags["random_init"] or flags["dropout"]:
        parts.append(model_parts.MIXED_SEED)
    if flags["initialize"]:
        fill = model_parts.GATE_INITS.get(config.init.scheme, "").strip("\n")
        parts.append(model_parts.INITIALIZE.replace("GATE_INIT", fill))
    return [*parts, model_parts.GRADIENT_NORMS]


def _training(config: TrainConfig, dataset: SequenceDataset, flags: dict[str, bool]) -> list[str]:
    name = resolve_loss(config.loss, dataset)
    loss = training_parts.MASKED_LOSS if flags["masked"] else training_parts.LOSS
    parts = [loss.replace("LOSS_WORDS", _LOSS_WORDS[name]).replace("F.LOSS", f"F.{training_parts.LOSSES[name]}")]
    if config.clip.method != "off":
        parts.append(training_parts.CLIPS[config.clip.method])
    if flags["omega"]:
        parts.append(training_parts.OMEGA.replace("SLOPE", training_parts.SLOPES[config.model.nonlinearity]))
    if flags["schedule"]:
        parts.append(training_parts.SCHEDULE.replace("FACTOR", training_parts.SCHEDULES[config.schedule.name], 1))
    target_dtype = "int64" if dataset.target == "multiclass" else config.dtype
    tensors = training_parts.TENSORS.replace("TARGET_DTYPE", target_dtype).replace("DTYPE", config.dtype)
    return [*parts, tensors, training_parts.LOOP.replace("OPTIMIZER", _optimizer(config))]


def _optimizer(config: TrainConfig) -> str:
    options = ["model.parameters()", "lr=LEARNING_RATE"]
    options += ["momentum=MOMENTUM"] if config.optimizer.momentum else []
    options += ["nesterov=True"] if config.optimizer.nesterov else []
    # AdamW's own default is not 0
    options += (
        ["weight_decay=WEIGHT_DECAY"] if config.optimizer.weight_decay or config.optimizer.name == "adamw" else []
    )
    return f"{_OPTIMIZERS[config.optimizer.name]}({', '.join(options)})"


def _head(config: TrainConfig, file: str) -> str:
    data: Any = config.data
    titles = {
        "task": lambda: f"the task '{TASKS[data.task].title}'",
        "bundled": lambda: f"the data '{SERIES[data.name].title}'",
    }
    what = titles.get(data.kind, lambda: "data of your own")()
    beside = f"The file '{file}' must lie beside it.\n" if file else ""
    return (
        f'"""Train {_CELLS[config.model.cell]} on {what} and measure the gradient at every timestep.\n\n'
        f"Written by RNN Gradient Lab {__version__}; needs only torch and numpy. Initial weights, batches and their\n"
        "order are those of the lab, so that the losses agree; the network is unrolled from ordinary torch cells.\n"
        f'{beside}"""'
    )


def _imports(body: str) -> str:
    standard = "".join(f"import {name}\n" for name in ("csv", "math") if re.search(rf"\b{name}\.", body))
    return (
        f"{standard}\nimport numpy as np\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n"
        "torch.set_num_threads(1)  # networks this small are fastest so\n"
    )
