"""Data with a mistake made on purpose: the same sequences unscaled, shuffled, padded or read along the wrong axis.

What a mistake does to the outputs of a network is undone before they are measured, so that the metric of a data set
keeps its meaning.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import TARGET_WORDS, Batch, Described, SequenceDataset
from rnncore.data.guesses import training_sample
from rnncore.errors import not_allowed
from rnncore.key_of import either
from rnncore.mistakes import LONGEST, MISTAKES, NONE

FACTOR = 10_000.0  # of what has a small spread, so that its units are certain to be the wrong ones
SMALL_SPREAD = 10.0

Change = Callable[[Batch], Batch]
Outputs = NDArray[Any]


def with_mistake(dataset: SequenceDataset, mistake: str) -> SequenceDataset:
    """Return a data set with a mistake of `MISTAKES`; one that has it already, and any for "none", as it is.

    Raises:
        ConfigError: see `check_mistake`.
    """
    if mistake in (NONE, dataset.mistake):
        return dataset
    check_mistake(mistake, dataset)
    broken: SequenceDataset = MISTAKES[mistake].load()(dataset)
    return replace(broken, mistake=mistake, notes=(*broken.notes, _said(mistake)))


def check_mistake(mistake: str, dataset: Described) -> None:
    """Raise ConfigError, one sentence, if a mistake cannot be made with the data."""
    entry = MISTAKES[mistake]
    if dataset.target not in entry.targets:
        why = f"with the data {dataset.name!r}, which has {TARGET_WORDS[dataset.target]}"
        fitting = either(key for key, each in MISTAKES.items() if dataset.target in each.targets)
        raise not_allowed("mistake", mistake, why, fitting)
    if entry.times_longer > 1 and dataset.seq_len * entry.times_longer > LONGEST:
        why = f"with sequences of {dataset.seq_len:,} timesteps, which it makes {entry.times_longer} times as long"
        raise not_allowed("mistake", mistake, why, f"sequences of at most {LONGEST // entry.times_longer:,} timesteps")


def _said(mistake: str) -> str:
    return f"Broken on purpose: {MISTAKES[mistake].sentence}."


def leave(dataset: SequenceDataset) -> SequenceDataset:
    """Return the data as they are."""
    return dataset


def unscaled_targets(dataset: SequenceDataset) -> SequenceDataset:
    """Multiply targets with a standard deviation below 10 by 10,000, each of the O targets by itself."""
    factors = factors_of(_known_targets(training_sample(dataset)))  # (O,)

    def change(batch: Batch) -> Batch:
        last = None if batch.last is None else batch.last * factors
        return replace(batch, targets=batch.targets * factors, last=last)

    answers = dataset.answers
    if answers is not None:
        answers = replace(answers, std=answers.std / float(factors[0]))
    return replace(
        _changed(dataset, change, lambda outputs: outputs / factors),
        baselines=None,
        relevant=dataset.relevant,
        answers=answers,
    )


def unscaled_inputs(dataset: SequenceDataset) -> SequenceDataset:
    """Multiply inputs with a standard deviation below 10 by 10,000, each of the F inputs by itself."""
    factors = input_factors(dataset)
    relevant = dataset.relevant

    def change(batch: Batch) -> Batch:
        return replace(batch, inputs=batch.inputs * factors)

    def marked(batch: Batch) -> NDArray[np.bool_]:
        assert relevant is not None
        return relevant(replace(batch, inputs=batch.inputs / factors))

    constants = tuple(guess for guess in dataset.guesses if guess.constant)
    broken = _changed(dataset, change, lambda outputs: outputs)
    return replace(broken, relevant=relevant and marked, guesses=constants)


def shuffled_time(dataset: SequenceDataset) -> SequenceDataset:
    """Put the timesteps of each sequence, with the targets that some have at every timestep, into a random order.

    The order follows from the numbers of the sequence alone (`order_of`): it is the same whenever the sequence comes.
    """
    validation = dataset.validation
    orders = orders_of(validation)
    back = np.argsort(orders, axis=1)

    def change(batch: Batch) -> Batch:
        order = orders if batch is validation else orders_of(batch)
        inputs = np.take_along_axis(batch.inputs, order[:, :, None], 1)
        return replace(batch, inputs=inputs, targets=_along_time(batch.targets, order) if per_step else batch.targets)

    per_step = dataset.per_step
    return _changed(dataset, change, lambda outputs: _along_time(outputs, back) if per_step else outputs)


def padded(dataset: SequenceDataset) -> SequenceDataset:
    """Let zeros follow each sequence, four times as many as the longest one has timesteps, and mask none of them.

    Where every timestep has a target, that of a zero is 0, or the first class.
    """
    T, per_step = dataset.seq_len, dataset.per_step
    longer = T * MISTAKES["padded"].times_longer

    def change(batch: Batch) -> Batch:
        targets = _lengthened(batch.targets, longer) if per_step else batch.targets
        return Batch(_lengthened(batch.inputs, longer), targets, last=batch.last)

    return replace(_changed(dataset, change, lambda outputs: outputs[:, :T] if per_step else outputs), seq_len=longer)


def swapped_batch_and_time(dataset: SequenceDataset) -> SequenceDataset:
    """Return the data as they are: it is the network that takes the sequences of a batch for timesteps."""
    return dataset


# ---- what the mistakes are made of ----


def _changed(dataset: SequenceDataset, change: Change, restored: Callable[[Outputs], Outputs]) -> SequenceDataset:
    """Return a data set whose batches are changed, and whose metric is that of the outputs `restored`.

    Guesses that the data name are left out: what they look at may not be there any more.
    """
    train_batch, right, metric = dataset.train_batch, dataset.validation, dataset.metric_function

    def measure(outputs: Outputs, batch: Batch) -> float:
        assert metric is not None
        return metric(restored(outputs), right)

    return replace(
        dataset,
        train_batch=lambda step, batch_size, seed: change(train_batch(step, batch_size, seed)),
        validation=change(right),
        metric_function=metric and measure,
        relevant=None,
        guesses=(),
    )


def input_factors(dataset: SequenceDataset) -> NDArray[np.float32]:
    """Return what each of the F inputs is multiplied with where they are not scaled."""
    batch = training_sample(dataset)
    values = batch.inputs.reshape(-1, dataset.input_size) if batch.lengths is None else batch.inputs[_valid(batch)]
    return factors_of(values)


def target_factors(dataset: SequenceDataset) -> NDArray[np.float32]:
    """Return what each of the O targets is multiplied with where they are not scaled."""
    return factors_of(_known_targets(training_sample(dataset)))


def factors_of(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return 10,000 for each column of values (N, C) with a standard deviation below 10, else 1: (C,)."""
    return np.where(values.std(0, dtype=np.float64) < SMALL_SPREAD, FACTOR, 1.0).astype(np.float32)


def _known_targets(batch: Batch) -> NDArray[Any]:
    """Return the targets of a batch, (N, O), without those of padding."""
    targets = batch.targets
    if targets.ndim == 3 and batch.lengths is not None:
        targets = targets[_valid(batch)]
    return targets.reshape(-1, targets.shape[-1])


def _valid(batch: Batch) -> NDArray[np.bool_]:
    assert batch.lengths is not None
    valid: NDArray[np.bool_] = np.arange(batch.inputs.shape[1]) < batch.lengths[:, None]  # (B, T)
    return valid


def orders_of(batch: Batch) -> NDArray[np.int64]:
    """Return a random order of the timesteps of each sequence, (B, T); padding stays where it is."""
    B, T = batch.inputs.shape[:2]
    lengths = np.full(B, T) if batch.lengths is None else batch.lengths
    return np.stack([order_of(row, int(length)) for row, length in zip(batch.inputs, lengths, strict=True)])


def order_of(sequence: NDArray[np.float32], length: int) -> NDArray[np.int64]:
    """Return a random order (T,) of the first `length` timesteps of a sequence (T, F), by its own checksum."""
    order = np.arange(len(sequence))
    checksum = zlib.crc32(np.ascontiguousarray(sequence).tobytes())
    order[:length] = np.random.default_rng(checksum).permutation(length)
    return order


def _along_time(values: NDArray[Any], order: NDArray[np.int64]) -> NDArray[Any]:
    """Return values (B, T, ...) in an order of the timesteps (B, T)."""
    taken: NDArray[Any] = np.take_along_axis(values, order.reshape(*order.shape, *[1] * (values.ndim - 2)), 1)
    return taken


def _lengthened(values: NDArray[Any], steps: int) -> NDArray[Any]:
    """Return values (B, T, ...) with zeros behind them, (B, steps, ...)."""
    longer = np.zeros((len(values), steps, *values.shape[2:]), values.dtype)
    longer[:, : values.shape[1]] = values
    return longer
