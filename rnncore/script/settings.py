"""The settings at the top of a script: a name in capitals, its value and what it is, for those that the script uses."""

import json
import re
from collections.abc import Sequence
from typing import Any

from rnncore.config import TrainConfig
from rnncore.data.dataset import SequenceDataset
from rnncore.data.tasks import TASKS
from rnncore.data.tasks.text import TEXT_VAL_FRACTION
from rnncore.script.model_parts import GATES

# (first step in force, "learning_rate" or "clip_threshold", value), as `Store.events` returns them
Events = Sequence[tuple[int, str, float]]


def settings_block(body: str, config: TrainConfig, dataset: SequenceDataset, file: str, events: Events) -> str:
    """Return the lines `NAME = value  # what it is` for the names that stand in `body`.

    file: name of the data file beside the script, where there is one. events: settings changed while training.
    """
    code = re.sub(r'"""[\s\S]*?"""|#.*', "", body)
    lines = [
        f"{name} = {_literal(value)}" + (f"  # {comment}" if comment else "")
        for name, (value, comment) in (_settings(config, dataset, file) | _changes(events)).items()
        if re.search(rf"\b{name}\b", code)
    ]
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _changes(events: Events) -> dict[str, tuple[Any, str]]:
    said = "first step in force -> value, as changed by hand while the run trained"
    rates = {step: value for step, name, value in events if name == "learning_rate"}
    thresholds = {step: value for step, name, value in events if name == "clip_threshold"}
    return {"LEARNING_RATES": (rates, said), "THRESHOLDS": (thresholds, said)}


def _settings(config: TrainConfig, dataset: SequenceDataset, file: str) -> dict[str, tuple[Any, str]]:
    model, init, optimizer, schedule, clip = config.model, config.init, config.optimizer, config.schedule, config.clip
    data: Any = config.data
    knobs = dict(TASKS[data.task].knobs) if data.kind == "task" else {}
    knobs |= {name: getattr(data, name) for name in knobs if getattr(data, name) is not None}
    peak = max(schedule.warmup_steps, 1)
    return {
        "SEED": (config.seed, "of the initial weights, the batches and the dropout"),
        "FILE": (file, ""),
        "COLUMN": (dataset.name, ""),
        "SEQ_LEN": (knobs.get("seq_len") or getattr(data, "window", None) or dataset.seq_len, "timesteps"),
        "DELAY": (knobs.get("delay"), "timesteps that a bit has to be kept"),
        "SYMBOLS": (knobs.get("symbols"), "to be remembered"),
        "HORIZON": (getattr(data, "horizon", None), "how many steps after the window the value to predict lies"),
        "VAL_FRACTION": (getattr(data, "val_fraction", TEXT_VAL_FRACTION), "share kept for validation"),
        "INPUT_SIZE": (dataset.input_size, "numbers per timestep"),
        "OUTPUT_SIZE": (dataset.output_size, ""),
        "HIDDEN_SIZE": (model.hidden_size, ""),
        "NUM_LAYERS": (model.num_layers, ""),
        "NUM_GATES": (GATES[model.cell], "blocks in the cell's weight matrices"),
        "DROPOUT": (model.dropout, "between the layers"),
        "TRUNCATION": (config.truncation, "timesteps that a gradient may travel back, counted from the end"),
        "SPECTRAL_RADIUS": (init.spectral_radius, "largest |eigenvalue| of the recurrent weights"),
        "STD": (init.std, "standard deviation of the initial weights"),
        "FORGET_BIAS": (init.forget_bias, ""),
        "LONGEST_MEMORY": (max(dataset.seq_len - 1.0, 1.0 + 1e-6), "timesteps, for the chrono initialisation"),
        "STEPS": (config.steps, ""),
        "BATCH_SIZE": (config.batch_size, ""),
        "LEARNING_RATE": (optimizer.learning_rate, ""),
        "MOMENTUM": (optimizer.momentum, ""),
        "WEIGHT_DECAY": (optimizer.weight_decay, ""),
        "WARMUP_STEPS": (schedule.warmup_steps, "in which the learning rate grows"),
        "PEAK": (peak, "step with the full learning rate"),
        "DECAY": (schedule.decay, "of the learning rate in DECAY_STEPS"),
        "DECAY_STEPS": (schedule.decay_steps, ""),
        "FINAL_FRACTION": (schedule.final_fraction, "of the learning rate at the last step"),
        "THRESHOLD": (clip.threshold, "of the clipping"),
        "PERCENTILE": (clip.percentile, "of all gradient norms so far, from which on is clipped"),
        "AGC_FACTOR": (clip.agc_factor, "largest gradient as a share of the weights"),
        "OMEGA": (config.omega, "weight of the regulariser"),
        "EARLY_STOPPING": (config.early_stopping, "evaluations without a better validation loss"),
        "EVAL_EVERY": (config.eval_every, "steps"),
        "PROFILE_EVERY": (config.profile_every, "steps"),
    }
