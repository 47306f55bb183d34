"""What is known of a data set without its arrays: enough to describe it, to draw it and to check a run against it."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, SequenceDataset, TargetKind
from rnncore.data.tasks import Preview, preview
from rnncore.mistakes import NONE
from rnncore.records import Baseline

PREVIEW_STEPS = 1_000  # timesteps kept of each sequence of a preview
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class DataSummary:
    """A `SequenceDataset` in words and numbers, with a few sequences to look at; the fields have its meanings.

    preview: the first sequences that train, at most `PREVIEW_STEPS` timesteps of each.
    """

    name: str
    input_size: int
    output_size: int
    seq_len: int
    target: TargetKind
    per_step: bool
    train_size: int | None
    baselines: dict[str, tuple[Baseline, ...]]
    metric: str | None
    notes: tuple[str, ...]
    class_names: tuple[str, ...]
    input_names: tuple[str, ...]
    preview: Preview

    @property
    def mistake(self) -> str:
        """None: mistakes are made with the sequences themselves."""
        return NONE

    @classmethod
    def of(cls, dataset: SequenceDataset) -> Self:
        """Return the summary of a data set."""
        return cls(
            dataset.name, dataset.input_size, dataset.output_size, dataset.seq_len, dataset.target, dataset.per_step,
            dataset.train_size, dataset.baselines or {}, dataset.metric, dataset.notes, dataset.class_names or (),
            dataset.input_names or (), _shortened(preview(dataset)),
        )  # fmt: skip

    def to_parts(self) -> tuple[dict[str, Any], Arrays]:
        """Return a JSON-ready dict and the arrays of the preview by name."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in ("preview", "baselines")}
        plain["baselines"] = {loss: [[b.name, b.loss] for b in lines] for loss, lines in self.baselines.items()}
        batch = self.preview.batch
        arrays: Arrays = {"inputs": batch.inputs, "targets": batch.targets, "marks": self.preview.marks}
        return plain, arrays if batch.lengths is None else arrays | {"lengths": batch.lengths}

    @classmethod
    def from_parts(cls, plain: dict[str, Any], arrays: Arrays) -> Self:
        """Undo `to_parts`."""
        batch = Batch(arrays["inputs"], arrays["targets"], arrays.get("lengths"))
        tuples = {name: tuple(plain[name]) for name in ("notes", "class_names", "input_names")}
        baselines = {loss: tuple(Baseline(*line) for line in lines) for loss, lines in plain["baselines"].items()}
        return cls(**{**plain, **tuples, "baselines": baselines}, preview=Preview(batch, arrays["marks"]))


def _shortened(whole: Preview) -> Preview:
    """Return a preview without the timesteps that nobody draws."""
    batch, T = whole.batch, whole.batch.inputs.shape[1]
    if T <= PREVIEW_STEPS:
        return whole
    targets = batch.targets
    per_step = targets.ndim == 3 or (targets.ndim == 2 and targets.dtype.kind != "f")
    lengths = None if batch.lengths is None else np.minimum(batch.lengths, PREVIEW_STEPS)
    short = Batch(batch.inputs[:, :PREVIEW_STEPS], targets[:, :PREVIEW_STEPS] if per_step else targets, lengths)
    return Preview(short, whole.marks[:, :PREVIEW_STEPS])
