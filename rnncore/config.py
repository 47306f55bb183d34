"""What a run is: frozen, nested pydantic models with every range checked and a JSON round trip."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from rnncore.cells import CELLS
from rnncore.choices import AUTO, CLIP_METHODS, INITIALIZATIONS, LOSSES, OPTIMIZERS, READOUTS, SCHEDULES
from rnncore.data_config import (
    BundledData,
    DataConfig,
    Frozen,
    LayoutName,
    SeriesName,
    TaskData,
    TaskName,
    UploadData,
    UploadedFile,
    files_of,
)
from rnncore.key_of import KeyOf, either
from rnncore.mistakes import MISTAKES
from rnncore.words import many

__all__ = [
    "BundledData", "CellName", "ClipConfig", "ClipName", "DataConfig", "FlossingConfig", "InitConfig", "InitName",
    "LayoutName", "LossName", "MistakeName", "ModelConfig", "OptimizerConfig", "OptimizerName", "ReadoutName",
    "ScheduleConfig", "ScheduleName", "SeriesName", "TaskData", "TaskName", "TrainConfig", "UploadData",
    "UploadedFile", "explain", "explain_each", "explain_problem", "files_of",
]  # fmt: skip

CellName = Annotated[str, KeyOf(CELLS)]
LossName = Annotated[str, KeyOf(LOSSES, AUTO.key)]
OptimizerName = Annotated[str, KeyOf(OPTIMIZERS)]
ScheduleName = Annotated[str, KeyOf(SCHEDULES)]
ClipName = Annotated[str, KeyOf(CLIP_METHODS)]
InitName = Annotated[str, KeyOf(INITIALIZATIONS)]
ReadoutName = Annotated[str, KeyOf(READOUTS)]
MistakeName = Annotated[str, KeyOf(MISTAKES)]


class ModelConfig(Frozen):
    """A recurrent network with a linear read-out."""

    cell: CellName = Field("rnn", description="Kind of recurrent cell.")
    nonlinearity: Literal["tanh", "relu"] = Field("tanh", description="Non-linearity of the cell.")
    hidden_size: int = Field(32, ge=1, le=2048, description="Units per recurrent layer.")
    num_layers: int = Field(1, ge=1, le=8, description="Recurrent layers stacked on one another.")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of activations dropped between recurrent layers while training."
    )
    readout: ReadoutName = Field("last", description="Which hidden states the output layer reads.")
    bound_weights: bool = Field(
        False,
        description="Hold each unit's recurrent weight within 2^(1/T), T timesteps, while it learns: on its whole way"
        " back no gradient can more than double in a unit (Li et al. 2018).",
    )

    @model_validator(mode="after")
    def _the_cell_has_weights_to_bound(self) -> Self:
        if self.bound_weights and CELLS[self.cell].held is None:
            those = _only_cells(key for key, cell in CELLS.items() if cell.held)
            raise ValueError(f"bound_weights is for {those}, not '{self.cell}'; set it to false")
        return self

    @model_validator(mode="after")
    def _the_cell_knows_the_nonlinearity(self) -> Self:
        known = CELLS[self.cell].nonlinearities
        if self.nonlinearity not in known:
            those = _only_cells(key for key, cell in CELLS.items() if self.nonlinearity in cell.nonlinearities)
            raise ValueError(
                f"nonlinearity '{self.nonlinearity}' is for {those}, not '{self.cell}'; use {either(known)}"
            )
        return self


class InitConfig(Frozen):
    """Initial recurrent weights, gate by gate, and the gates' biases."""

    scheme: InitName = Field("default", description="How the recurrent weights W_hh are drawn.")
    spectral_radius: float = Field(0.95, gt=0, le=10, description="Largest |eigenvalue| of W_hh.")
    std: float = Field(0.01, gt=0, le=10, description="Standard deviation of the weights.")
    forget_bias: float | None = Field(
        None, ge=-10, le=10, description="Sum of the forget gate's two biases; empty = torch's default."
    )
    chrono: bool = Field(False, description="Chrono initialisation of the gates' biases (Tallec & Ollivier 2018).")

    @model_validator(mode="after")
    def _one_rule_for_the_forget_bias(self) -> Self:
        if self.chrono and self.forget_bias is not None:
            raise ValueError("forget_bias and chrono both set the forget gate's bias; choose one of them")
        return self


class OptimizerConfig(Frozen):
    """The optimiser and its learning rate."""

    name: OptimizerName = Field("adam", description="Rule that turns gradients into parameter updates.")
    learning_rate: float = Field(0.005, gt=0, le=100, description="Step size before any schedule.")
    momentum: float = Field(0.0, ge=0, lt=1, description="Share of the last update that is added to the next.")
    nesterov: bool = Field(False, description="Nesterov's variant of momentum.")
    weight_decay: float = Field(0.0, ge=0, le=10, description="Weight decay (L2; decoupled for adamw).")

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        known = OPTIMIZERS[self.name].fields
        if self.nesterov and ("nesterov" not in known or self.momentum == 0):
            those = either(key for key, each in OPTIMIZERS.items() if "nesterov" in each.fields)
            raise ValueError(f"nesterov needs the optimizer {those} with a momentum above 0")
        if self.momentum and "momentum" not in known:
            those = either((key for key, each in OPTIMIZERS.items() if "momentum" in each.fields), "and")
            raise ValueError(f"momentum {self.momentum} is for {those}, not '{self.name}'; set it to 0")
        return self


class ScheduleConfig(Frozen):
    """How the learning rate changes over the run."""

    name: ScheduleName = Field("constant", description="Shape of the learning rate over training.")
    warmup_steps: int = Field(0, ge=0, le=1_000_000, description="Steps of linear warm-up from 0.")
    decay: float = Field(0.5, gt=0, le=1, description="Factor per `decay_steps`.")
    decay_steps: int = Field(500, ge=1, le=1_000_000, description="Steps per `decay` factor.")
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Learning rate at the last step, as a share of the first."
    )


class ClipConfig(Frozen):
    """Gradient clipping, applied inside backward, or after it and before the optimiser."""

    method: ClipName = Field("off", description="What is clipped.")
    threshold: float = Field(1.0, gt=0, le=1e30, description="Largest allowed norm or value.")
    percentile: float = Field(10.0, gt=0, le=100, description="Percentile of past norms used by AutoClip.")
    agc_factor: float = Field(0.01, gt=0, le=10, description="Largest gradient norm as a share of the weight norm.")

    @property
    def shortens(self) -> bool:
        """Whether the gradient has one norm before clipping and another after it (`ClipMethod.shortens`)."""
        return CLIP_METHODS[self.method].shortens


class FlossingConfig(Frozen):
    """Gradient flossing: before training steps the first Lyapunov exponents are pushed to 0 (Engelken 2023)."""

    exponents: int = Field(
        0,
        ge=0,
        le=64,
        description="How many of the first Lyapunov exponents are pushed to 0; 0 = no gradient flossing.",
    )
    steps: int = Field(
        100,
        ge=1,
        le=500,
        description="Updates each time, no training steps. One takes about 0.02 s for 32 exponents of 32 numbers over "
        "40 timesteps, and 0.1 s for 64 of 128 over 100; together at most about 20 s.",
    )
    every: int | None = Field(
        None, ge=1, le=1_000_000, description="Training steps after which it is done again; empty = at the start alone."
    )
    learning_rate: float = Field(
        0.02, gt=0, le=1, description="Step size of these updates, which Adam makes; it falls to 0 over them."
    )


class TrainConfig(Frozen):
    """Everything that determines a run; the same config gives the same run, bit for bit."""

    data: DataConfig = TaskData()
    model: ModelConfig = ModelConfig()
    init: InitConfig = InitConfig()
    loss: LossName = Field("auto", description="Loss function; auto = the one the data calls for.")
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    clip: ClipConfig = ClipConfig()
    omega: float = Field(0.0, ge=0, le=100, description="Weight of Pascanu's regulariser Omega (plain RNN only).")
    flossing: FlossingConfig = FlossingConfig()
    truncation: int | None = Field(
        None, ge=1, le=5000, description="Truncated backpropagation: gradients flow at most this many steps back."
    )
    early_stopping: int | None = Field(
        None, ge=1, le=10_000, description="Stop after this many evaluations without a better validation loss."
    )
    steps: int = Field(1000, ge=1, le=1_000_000, description="Optimiser steps to train.")
    batch_size: int = Field(32, ge=1, le=4096, description="Sequences per step.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of weights, batches and dropout.")
    eval_every: int = Field(25, ge=1, le=1_000_000, description="Steps between evaluations on the validation set.")
    profile_every: int = Field(
        5, ge=1, le=1_000_000, description="Steps between recordings of the per-timestep gradient norms."
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="Precision of the computation.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where to compute.")
    mistake: MistakeName = Field("none", description="A mistake that is made on purpose, to see what it does.")

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        key, cell = self.model.cell, CELLS[self.model.cell]
        if self.omega and not cell.omega:
            those = _only_cells(key for key, each in CELLS.items() if each.omega)
            raise ValueError(f"omega {self.omega} is defined for {those}, not '{key}'; set it to 0")
        if self.flossing.exponents and self.model.nonlinearity == "relu":
            raise ValueError(
                f"flossing.exponents {self.flossing.exponents} needs slopes that change smoothly, and those of ReLU "
                "are 0 or 1; use the nonlinearity 'tanh', or set it to 0"
            )
        if self.flossing.exponents and MISTAKES[self.mistake].swaps_axes:
            raise ValueError(
                f"flossing.exponents {self.flossing.exponents} is not defined where the batch axis is read as time; "
                "set it to 0"
            )
        if self.init.forget_bias is not None and cell.forget_block is None:
            those = _only_cells(key for key, each in CELLS.items() if each.forget_block)
            raise ValueError(f"forget_bias is for {those}, not '{key}'; leave it empty")
        if self.init.chrono and not cell.chrono:
            those = either(key for key, each in CELLS.items() if each.chrono)
            raise ValueError(f"chrono sets the biases of gates, and the cell '{key}' has none; use {those}")
        if self.init.scheme != "default" and not cell.takes_schemes:
            why = "has none" if cell.matrix is None else "draws its own"
            raise ValueError(f"scheme '{self.init.scheme}' is for matrices; the cell '{key}' {why}; use 'default'")
        return self


def _only_cells(keys: Iterable[str]) -> str:
    known = tuple(keys)
    return f"the cell{'s' * (len(known) > 1)} {either(known, 'and')} only"


_LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "min_length": "length at least",
           "max_length": "length at most", "expected": "one of", "expected_tags": "one of"}  # fmt: skip
_FORMS = {"model_type": "an object with named fields", "model_attributes_type": "an object with named fields",
          "bool_parsing": "true or false", "bool_type": "true or false", "string_type": "a text",
          "tuple_type": "a list", "list_type": "a list", "dict_type": "an object with named fields",
          "float_type": "a number", "float_parsing": "a number", "finite_number": "a finite number",
          "int_type": "a whole number", "int_parsing": "a whole number",
          "int_from_float": "a whole number"}  # fmt: skip


def explain(error: ValidationError) -> str:
    """Turn pydantic's report into one sentence: field, value, what is allowed."""
    first, *others = explain_each(error)
    more = len(others)
    return first + (f" (and {many(more, 'more problem')})" if more else "")


def explain_each(error: ValidationError) -> list[str]:
    """Turn pydantic's report into a sentence for each problem: field, value, what is allowed."""
    return [explain_problem(problem) for problem in error.errors(include_url=False)]


def explain_problem(problem: ErrorDetails) -> str:
    """Turn one problem of pydantic's report into a sentence: field, value, what is allowed."""
    path = [str(part) for part in problem["loc"]]
    # The kind of data stands in the path too: data.task.delay is data.delay.
    field = ".".join(path[:1] + path[2:] if path[:1] == ["data"] else path) or "config"
    context: dict[str, Any] = problem.get("ctx", {})
    if problem["type"] == "value_error":
        text = str(context["error"])
        return text if field == "config" else f"{field}: {text}"
    if problem["type"] == "extra_forbidden":
        return f"{field}: there is no such field"
    if problem["type"] == "missing":
        return f"{field}: a value is needed"
    if problem["type"] == "union_tag_not_found":
        return f"{field}.{context['discriminator'].strip(chr(39))}: a value is needed"
    limits = " and ".join(f"{word} {context[key]}" for key, word in _LIMITS.items() if key in context)
    form = _FORMS.get(problem["type"], problem["msg"])
    allowed = _range(".".join(path)) or limits or form
    if problem["type"] == "int_from_float" and allowed != form:
        allowed = f"{form}, {allowed}"
    return f"{field}: {_shown(problem['input'])} is not allowed; allowed: {allowed}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) and abs(value) < 1e12 else f"{value:g}"


def _range(path: str) -> str:
    """The allowed range of a numeric field, read from the models themselves, or ''."""
    model: Any = TrainConfig
    schema = model.model_json_schema()
    names, node = path.split("."), schema
    for name in names:
        while "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        if "discriminator" in node:
            ref = node["discriminator"]["mapping"].get(name)
            if ref is None:
                return ""
            node = {"$ref": ref}
            continue
        if name not in node.get("properties", {}):
            return ""
        node = node["properties"][name]
    options = [node, *node.get("anyOf", [])]
    for option in options:
        low = option.get("minimum", option.get("exclusiveMinimum"))
        high = option.get("maximum", option.get("exclusiveMaximum"))
        if low is not None and high is not None:
            low_word = "above " if "exclusiveMinimum" in option else ""
            high_word = "below " if "exclusiveMaximum" in option else ""
            return f"{low_word}{_number(low)} to {high_word}{_number(high)}"
    return ""
