"""What a run yields: one `Record` per training step, `RunInfo` before the first.

The fields of `Record` are the only list of what is measured. `SCALARS` and `PROFILES` are read off them, and from these
the wire, the store, what the board polls and the exports. A new number of every step is a new field here, a value in
`rnncore.engine.train` and the figure that draws it; runs recorded without it have NaN in its place.
"""

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from rnncore.snapshot import Snapshot

FloatArray = NDArray[np.float32]


def scalar(meaning: str, *, spiky: bool = False) -> dict[str, Any]:
    """Return what marks a field of `Record` as a number that is recorded at every step.

    Its type says the rest: `int` is a whole number, `float | None` has a value at some steps only.
    """
    return {"scalar": True, "meaning": meaning, "spiky": spiky}


def profile(meaning: str) -> dict[str, Any]:
    """Return what marks a field of `Record` as an array (L, T), one number per layer and timestep."""
    return {"profile": True, "meaning": meaning}


@dataclass(frozen=True, slots=True)
class Record:
    """One training step, measured: backward, measure, clip, optimiser step.

    Profiles are (L, T) float32, and None on steps where they are not recorded. Sequences of unequal length are aligned
    at their ends: the last column is each one's own last step, k columns before it stands the mean over the sequences
    b that have the lag k = T_b - t, and sequence_count says how many have it (None where all are of one length); where
    none has, norms are NaN. snapshot: None between evaluations. diverged: why the run cannot go on, on its last record
    only.
    """

    step: int = field(metadata=scalar("optimiser step, from 1"))
    epoch: int = field(metadata=scalar("pass over the training set, from 1; 0 where every batch is fresh"))
    train_loss: float = field(metadata=scalar("loss of the batch before the step", spiky=True))
    learning_rate: float = field(metadata=scalar("the learning rate of this step"))
    grad_norm: float = field(metadata=scalar("L2 norm of the gradient of all parameters before clipping", spiky=True))
    clip_coef: float = field(metadata=scalar("what clipping multiplied the gradient with; 1 when it did nothing"))
    update_norm: float = field(metadata=scalar("L2 norm of the parameters' change", spiky=True))
    hidden_grad_norm: FloatArray | None = field(
        default=None, metadata=profile("mean over the batch of ||d l_b / d h_{l,t}||, through every path")
    )
    cell_grad_norm: FloatArray | None = field(default=None, metadata=profile("the same for the LSTM's cell state c"))
    direct_grad_norm: FloatArray | None = field(
        default=None, metadata=profile("the part of hidden_grad_norm that does not come through later timesteps")
    )
    sequence_count: FloatArray | None = field(
        default=None,
        metadata={
            "counts": True,
            "meaning": "how many sequences of the batch have a norm there, where they are of unequal length",
        },
    )
    val_loss: float | None = field(default=None, metadata=scalar("loss over the validation set after the step"))
    val_metric: float | None = field(default=None, metadata=scalar("the data's own metric over the validation set"))
    elapsed_s: float = field(default=0.0, metadata=scalar("seconds since the run began"))
    exponents_before_flossing: float | None = field(
        default=None,
        metadata=scalar("root mean square of the exponents that were flossed right before the step, as they were then"),
    )
    exponents_after_flossing: float | None = field(
        default=None, metadata=scalar("the same after flossing, where the step began")
    )
    diverged: str | None = None
    snapshot: Snapshot | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict without the snapshot; non-finite numbers become None, arrays nested lists."""
        return {name: _json_value(getattr(self, name)) for name in self.__dataclass_fields__ if name != "snapshot"}


def number(value: float | None) -> float:
    """Return a number as records of watched runs have it: NaN where it is not known, inf where it is not finite."""
    if value is None:
        return math.nan
    return value if math.isfinite(value) else math.inf


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number of every record.

    whole: it is a whole number. optional: it has a value at some steps only. spiky: thinning keeps its extremes.
    """

    name: str
    meaning: str
    whole: bool = False
    optional: bool = False
    spiky: bool = False


def scalars_of(record: type[Record]) -> dict[str, Scalar]:
    """Return the scalars of a kind of record by name, in the order of its fields."""
    types = get_type_hints(record)
    return {
        each.name: Scalar(
            each.name,
            each.metadata["meaning"],
            whole=types[each.name] is int,
            optional=type(None) in get_args(types[each.name]),
            spiky=each.metadata["spiky"],
        )
        for each in fields(record)
        if "scalar" in each.metadata
    }


SCALARS = scalars_of(Record)
PROFILES = {each.name: str(each.metadata["meaning"]) for each in fields(Record) if "profile" in each.metadata}
# What stands beside them where sequences are of unequal length.
COUNTS = {each.name: str(each.metadata["meaning"]) for each in fields(Record) if "counts" in each.metadata}


@dataclass(frozen=True, slots=True)
class Baseline:
    """The loss of an answer that takes no learning, on the validation set of the run, e.g. 'predict 1': 0.151.

    in_theory: what it is on endlessly many sequences, e.g. 1/6; None where that is not known. train: on training
    sequences. knows: it knows a part of the solution, so that a network that beats the others has learned something.
    """

    name: str
    loss: float
    in_theory: float | None = None
    train: float | None = None
    knows: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What the first number that a network answers with means in the data's own terms.

    name: of the target. mean, std: an answer times std plus mean is in its units. unit: in words, "" where nobody said.
    axis: what orders the validation sequences, such as the name of a time column; "" where they are unrelated. places:
    on that axis of the targets of the first validation sequences, ISO dates or numbers.
    """

    name: str
    mean: float
    std: float
    unit: str = ""
    axis: str = ""
    places: tuple[str, ...] | tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricWords:
    """How a metric is told: by `name`, as a percentage of the value, or of 1 minus it where it is a `complement`."""

    name: str
    percent: bool = False
    complement: bool = False

    @classmethod
    def of(cls, metric: str) -> Self:
        """Return the words for a metric by its own name: shares of wrong answers are told as right ones."""
        if metric.startswith("error rate"):
            return cls(metric.replace("error rate", "accuracy", 1), percent=True, complement=True)
        if metric.startswith("share"):
            return cls(metric, percent=True)
        return cls(metric.replace("root mean square error", "RMSE", 1))

    def told(self, value: float) -> float:
        """Return the number that is told for a value of the metric: of a percentage the share."""
        return 1 - value if self.complement else value


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known of a run before its first step; JSON-ready through `dataclasses.asdict`.

    facts: of the data (`rnncore.data.facts`).
    """

    loss: str
    metric: str | None
    parameter_count: int
    input_size: int
    output_size: int
    seq_len: int
    num_layers: int
    steps_per_epoch: int | None
    device: str
    device_reason: str
    baselines: tuple[Baseline, ...] = ()
    notes: tuple[str, ...] = field(default=())
    metric_words: MetricWords | None = None
    answers: Answers | None = None
    facts: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def _json_value(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_json_value(row) for row in value.tolist()]
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
