"""What the templates are told of a run: its configuration, the entries that it chooses, and what they cannot see."""

from collections.abc import Sequence
from typing import Any

from rnncore import __version__
from rnncore.cells import CELLS, Cell
from rnncore.checks import resolve_loss, timesteps_of
from rnncore.choices import CLIP_METHODS, INITIALIZATIONS, LOSSES, OPTIMIZERS, READOUTS
from rnncore.config import ModelConfig, OptimizerConfig, TrainConfig
from rnncore.data import SERIES, TASKS, load_dataset
from rnncore.data.dataset import SequenceDataset
from rnncore.data.mistakes import FACTOR, input_factors, target_factors
from rnncore.data.tasks.text import TEXT_VAL_FRACTION
from rnncore.flossing import extent
from rnncore.mistakes import MISTAKES
from rnncore.script.files import check_size, file_name, source_of
from rnncore.script.rendering import Code, literal

# (first step in force, "learning_rate" or "clip_threshold", value), as `Store.events` returns them
Events = Sequence[tuple[int, str, float]]
LINE_LENGTH = 120  # of a script


def facts(config: TrainConfig, dataset: SequenceDataset, events: Events) -> dict[str, Any]:
    """Return name -> value of all that `templates/script.py.jinja` speaks of. Raises DataError."""
    cell = CELLS[config.model.cell]
    sequences, timesteps = extent(config.model, timesteps_of(config, dataset))
    return {
        "version": __version__,
        "config": config,
        "dataset": dataset,
        "cell": cell,
        "new_cell": _new_cell(cell, config.model),
        "rows": {block: _rows(number) for number, block in enumerate(cell.blocks)},
        "readout": READOUTS[config.model.readout],
        "initialization": INITIALIZATIONS[config.init.scheme],
        "clip": CLIP_METHODS[config.clip.method],
        "loss": LOSSES[resolve_loss(config.loss, dataset)],
        "optimizer": _optimizer(config.optimizer),
        "optimizer_fields": OPTIMIZERS[config.optimizer.name].fields,
        "longest_memory": max(dataset.seq_len - 1.0, 1.0 + 1e-6),
        "flossed_sequences": sequences,
        "flossed_timesteps": timesteps,
        "weight_bound": 2 ** (1 / timesteps_of(config, dataset)),
        "mistake_entry": MISTAKES[config.mistake],
        "factors": _factors(config, dataset),
        "target_dtype": "int64" if dataset.target == "multiclass" else config.dtype,
        "rates": {step: value for step, name, value in events if name == "learning_rate"},
        "thresholds": {step: value for step, name, value in events if name == "clip_threshold"},
        **_data_facts(config, dataset),
    }


def _data_facts(config: TrainConfig, dataset: SequenceDataset) -> dict[str, Any]:
    """Return what concerns the data. Raises DataError."""
    data: Any = config.data
    source = source_of(config, dataset)
    if source == "arrays":
        check_size(dataset)
    what, knobs = "data of your own", {}
    if data.kind == "task":
        what, knobs = f"the task '{TASKS[data.task].title}'", dict(TASKS[data.task].knobs)
        knobs |= {name: getattr(data, name) for name in knobs if getattr(data, name) is not None}
    elif data.kind == "bundled":
        what = f"the data '{SERIES[data.name].title}'"
    return {
        "what": what,
        "source": source,
        "file": file_name(config, dataset),
        "column": dataset.name,
        "seq_len": knobs.get("seq_len") or getattr(data, "window", None) or dataset.seq_len,
        "delay": knobs.get("delay"),
        "symbols": knobs.get("symbols"),
        "horizon": getattr(data, "horizon", None),
        "val_fraction": getattr(data, "val_fraction", TEXT_VAL_FRACTION),
    }


def _factors(config: TrainConfig, dataset: SequenceDataset) -> float | list[float]:
    """Return what inputs or targets are multiplied with by a mistake: one number where it is the same for all."""
    which = MISTAKES[config.mistake].unscaled
    if not which:
        return 1.0
    if source_of(config, dataset) != "task":  # a text, whose symbols are all alike; other data are written as they are
        return FACTOR
    right = load_dataset(config.data)
    factors: list[float] = {"inputs": input_factors, "targets": target_factors}[which](right).tolist()
    return factors[0] if len(set(factors)) == 1 else factors


def _new_cell(cell: Cell, model: ModelConfig) -> Code:
    """The call that makes a layer's cell: torch's own, or the class `Cell` that the cell's snippet defines."""
    options = f", nonlinearity={literal(model.nonlinearity)}" if len(cell.nonlinearities) > 1 else ""
    name = f"nn.{cell.torch_cell}" if cell.torch_cell else "Cell"
    return Code(f"{name}(size, HIDDEN_SIZE{options})")


def _rows(number: int) -> Code:
    """The slice of a cell's block of rows, from 0, in its stacked weights and biases."""
    first, last = (f"{factor} * HIDDEN_SIZE" if factor > 1 else "HIDDEN_SIZE" for factor in (number, number + 1))
    return Code(f"{first} : {last}" if number else f":{last}")


def _optimizer(config: OptimizerConfig) -> Code:
    """The call that makes the optimiser, with those of its settings that are not off, in one line or three."""
    entry = OPTIMIZERS[config.name]
    arguments = ["model.parameters()", "lr=LEARNING_RATE"]
    for field in entry.fields:
        value = getattr(config, field)
        if value or value != OptimizerConfig.model_fields[field].default:
            arguments.append(f"{field}={value if isinstance(value, bool) else field.upper()}")
    if config.weight_decay or entry.torch_weight_decay:
        arguments.append("weight_decay=WEIGHT_DECAY")
    start, listed = f"torch.optim.{entry.torch_class}(", ", ".join(arguments)
    fits = len(f"optimizer = {start}{listed})") <= LINE_LENGTH
    return Code(f"{start}{listed})" if fits else f"{start}\n    {listed}\n)")
