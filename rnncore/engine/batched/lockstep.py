"""Training of many runs that go step by step together; each yields the records that it would yield alone."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.data.dataset import Batch, SequenceDataset
from rnncore.engine.batched.fitting import alike
from rnncore.engine.batched.model import backward, stacks
from rnncore.engine.batched.stack import Stack, same_updates
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.clipping import clip_gradients
from rnncore.engine.evaluation import TensorBatch, to_tensors
from rnncore.engine.gradients import profile
from rnncore.engine.train import Trainer
from rnncore.engine.underway import Plan
from rnncore.records import Record

Numbered = tuple[int, Record]  # the place of a run among the configs, and what it yields


def train_many(configs: Sequence[TrainConfig], dataset: SequenceDataset | None = None) -> Iterator[Numbered]:
    """Train several runs, and yield (place, record) for one step of each after the other; closing stops them all.

    Runs that are `alike` train as one batched model: the same data, batches and initial weights as alone, and the same
    numbers but for rounding. Others train one after another. A run that ends, or whose numbers stop being finite, does
    not disturb the others. dataset: instead of the one that `config.data` describes. Raises ConfigError or DataError
    before the first step.
    """
    if not alike(configs):
        for place, config in enumerate(configs):
            for record in Trainer(config, dataset).records():
                yield place, record
        return
    dataset = dataset or load_dataset(configs[0].data, mistake=configs[0].mistake)
    yield from Lockstep([Trainer(config, dataset) for config in configs]).records()


class Lockstep:
    """Runs that stand at the same step, have the same number of steps to do, and are `alike`.

    trainers: of all runs. Between two steps they can be asked and steered like those of runs that train alone; for
    their `state_dict()`, and to go on alone, they must have been given back what is theirs by `release`.
    """

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        self.trainers = list(trainers)
        self._stack: Stack | None = None
        self._places: list[int] = []  # of the runs in the stack, row by row
        self._keys: list[Any] = []  # what decided which of them one optimiser changes

    def records(self) -> Iterator[Numbered]:
        """Do the steps that are left and yield (place, record): one step of all runs, then the next one."""
        began = [time.perf_counter() - trainer.elapsed for trainer in self.trainers]
        while stack := self._standing():
            places = self._places
            done = _step(stack, [began[place] for place in places])
            yield from sorted(zip(places, done, strict=True), key=lambda each: each[0])

    def release(self) -> None:
        """Give each run what is its own; the next step puts them together again."""
        if self._stack is not None:
            self._stack.release()
            self._stack = None

    def _standing(self) -> Stack | None:
        """Return the runs that go on as one stack: the same one while nothing has changed. None where none goes on."""
        going = [place for place, trainer in enumerate(self.trainers) if trainer.ended is None]
        keys = {place: same_updates(self.trainers[place]) for place in going}
        if self._stack is None or sorted(self._places) != going or list(keys.values()) != self._keys:
            self.release()
            self._keys = list(keys.values())
            self._places = _in_order(going, self._keys)
            self._stack = Stack([self.trainers[place] for place in self._places]) if going else None
        return self._stack


def _in_order(places: list[int], keys: list[Any]) -> list[int]:
    """Return the places in an order in which those with the same key follow one another."""
    first = [keys.index(key) for key in keys]
    return [place for _, place in sorted(zip(first, places, strict=True))]


class _Pass(NamedTuple):
    """A forward and backward pass, run by run. tapes: of runs that are evaluated. lengths: of unequal sequences."""

    losses: list[float]
    profiles: list[dict[str, Any]]
    tapes: list[StateTape | None]
    lengths: list[Tensor | None]


def _step(stack: Stack, began: Sequence[float]) -> list[Record]:
    """Do one step of all runs and return their records; its parts are those of `Trainer`."""
    trainers = stack.trainers
    for trainer in trainers:
        trainer.floss()
    plans = [trainer.plan() for trainer in trainers]

    # Forward and backward.
    batches = [
        trainer.dataset.train_batch(plan.step, trainer.config.batch_size, trainer.config.seed)
        for trainer, plan in zip(trainers, plans, strict=True)
    ]
    batch = _one_batch(batches, stack)
    passed = _apart(stack, plans, batches) if batch is None else _together(stack, plans, batch)

    # Measure, before clipping changes the gradients.
    norms = stack.gradient_norms()
    done = [
        trainer.measure(plan, loss, norm, tape, lengths)
        for trainer, plan, norm, loss, _, tape, lengths in zip(trainers, plans, norms, *passed, strict=True)
    ]

    # Clip each by itself, then let the optimisers change the weights.
    failed = [row for row, each in enumerate(done) if each.problem is not None]
    for trainer, each in zip(trainers, done, strict=True):
        if each.problem is None:
            each.clip_coef = clip_gradients(trainer.parameters, each.grad_norm, trainer.clipping)
    updates = stack.update([plan.learning_rate for plan in plans], failed)
    for each, norm in zip(done, updates, strict=True):
        each.update_norm = norm if each.problem is None else 0.0
    return [
        trainer.finish(each, profiles, start)
        for trainer, each, profiles, start in zip(trainers, done, passed.profiles, began, strict=True)
    ]


def _one_batch(batches: list[Batch], stack: Stack) -> TensorBatch | None:
    """Return the batches of all runs as one, (S, B, ...) each; None where they cannot be computed together."""
    first = batches[0]
    same = all(
        batch.inputs.shape == first.inputs.shape
        and batch.targets.shape == first.targets.shape
        and (batch.lengths is None) == (first.lengths is None)
        for batch in batches
    )
    if not same or not stacks(stack.trainers[0].model):
        return None
    lengths = None if first.lengths is None else np.stack([b.lengths for b in batches if b.lengths is not None])
    inputs, targets = np.stack([batch.inputs for batch in batches]), np.stack([batch.targets for batch in batches])
    return to_tensors(Batch(inputs, targets, lengths), stack.weights)


def _together(stack: Stack, plans: Sequence[Plan], batch: TensorBatch) -> _Pass:
    """Do all runs at once."""
    tape = _tape(stack, plans)
    losses: list[float] = backward(stack, batch, tape, plans[0].step).tolist()
    lengths: list[Tensor | None] = [None] * len(plans) if batch.lengths is None else list(batch.lengths)
    tapes: list[StateTape | None] = [None] * len(plans)
    profiles: list[dict[str, Any]] = [{} for _ in plans]
    if tape is not None:
        S, B, T, _ = batch.inputs.shape
        recorded = [row for row, plan in enumerate(plans) if plan.recording]
        tapes = [tape.of(row) if plan.evaluating else None for row, plan in enumerate(plans)]
        if recorded and batch.lengths is None:
            found = _profile(tape.as_one(), B, None)  # (L, S T): the timesteps of one run follow those of another
            for row in recorded:
                profiles[row] = {
                    name: None if norms is None else norms.reshape(-1, S, T)[:, row].copy()
                    for name, norms in found.items()
                }
        elif recorded:
            for row in recorded:
                profiles[row] = _profile(tape.of(row), B, lengths[row])
    return _Pass(losses, profiles, tapes, lengths)


def _apart(stack: Stack, plans: Sequence[Plan], batches: Sequence[Batch]) -> _Pass:
    """Do one run after the other: their sequences have other lengths, say."""
    passed = _Pass([], [], [], [])
    for trainer, plan, arrays in zip(stack.trainers, plans, batches, strict=True):
        tape, batch = _tape(stack, plans), to_tensors(arrays, stack.weights)
        passed.losses.append(float(trainer.backward(batch, tape, plan.step)))
        passed.profiles.append(trainer.profiles(tape, batch) if tape is not None and plan.recording else {})
        passed.tapes.append(tape)
        passed.lengths.append(batch.lengths)
    return passed


def _tape(stack: Stack, plans: Sequence[Plan]) -> StateTape | None:
    measuring = any(plan.measuring for plan in plans)
    return StateTape(cell=measuring) if measuring or any(trainer.config.omega for trainer in stack.trainers) else None


@np.errstate(over="ignore")  # a norm beyond float32 is inf in a profile
def _profile(tape: StateTape, batch_size: int, lengths: Tensor | None) -> dict[str, Any]:
    return profile(tape, batch_size, lengths)
