"""Facts about prepared data that decide whether they can be learned from: scales, order in time, padding, delays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, SequenceDataset

UNRELATED = 0.1  # an autocorrelation below this is no order
LAGS = 10  # timesteps at most over which an order is looked for
_LEAST_STEPS = 8  # of a sequence in which an order can be seen
_VALUES = 400_000  # inputs that are looked at, at most

Facts = dict[str, float]


def facts_of(dataset: SequenceDataset, sample: Batch) -> Facts:
    """Return facts by name, as the network sees the data; those that the data do not have are left out.

    sample: training sequences. Names: seq_len; train_size; input_rms (of the largest input), input_max; target_mean,
    target_std and target_rms (of the output where the last is largest); tail (share of a sequence in which all inputs
    keep their last value); order, the largest autocorrelation within sequences over lags up to `LAGS`, of the input
    where it is largest; forecast (1 where the target is a later value
    of a series); delay (timesteps between the first input that decides the last target and that target);
    common_class (share of the commonest class), classes. `reordered` is added where it can be told (1 or absent).
    """
    values = _numbers(sample.inputs)  # (B, T, F)
    facts: Facts = {"seq_len": float(dataset.seq_len), "forecast": float(sample.last is not None)}
    if dataset.train_size is not None:
        facts["train_size"] = float(dataset.train_size)
    inside = _inside(sample)  # (B, T)
    sizes = np.abs(values[inside])  # (K, F)
    facts["input_rms"] = float(np.sqrt(np.mean(np.square(sizes), axis=0)).max())
    facts["input_max"] = float(sizes.max())
    facts["tail"] = tail_share(values, inside.sum(1))
    few = max(2, _VALUES // max(1, values[0].size))
    if dataset.seq_len >= _LEAST_STEPS:
        facts["order"] = autocorrelation(values[:few], inside[:few])
    facts |= _target_facts(dataset, sample, inside)
    if dataset.relevant is not None:
        facts["delay"] = _delay(dataset.relevant(sample), inside.sum(1))
    return facts


def reordered(batch: Batch, intended: Batch) -> bool:
    """Tell whether the first sequences are those that were intended, but with their timesteps in another order."""
    ours, theirs = batch.inputs[:8], intended.inputs[:8]  # (B, T, F)
    if ours.shape != theirs.shape or np.array_equal(ours, theirs):
        return False
    pairs = zip(ours, theirs, strict=True)
    return all(np.array_equal(_in_order(one), _in_order(other)) for one, other in pairs)


def _in_order(steps: NDArray[Any]) -> NDArray[Any]:
    """Return timesteps (T, F) in the order of their numbers."""
    ordered: NDArray[Any] = steps[np.lexsort(steps.T)]
    return ordered


def tail_share(values: NDArray[Any], lengths: NDArray[np.integer]) -> float:
    """Return the mean share of a sequence's timesteps, the last but one back, in which all inputs are as at its end."""
    B, T, _ = values.shape
    ends = values[np.arange(B), lengths - 1][:, None]  # (B, 1, F)
    differs = (values != ends).any(-1) & (np.arange(T) < lengths[:, None])  # (B, T)
    last = np.where(differs.any(1), T - 1 - differs[:, ::-1].argmax(1), -1)  # the last timestep that is not as the end
    return float(np.mean((lengths - 2 - last).clip(min=0) / lengths))


def autocorrelation(values: NDArray[Any], inside: NDArray[np.bool_]) -> float:
    """Return the largest |autocorrelation| of any input within sequences, lags 1 to `LAGS`; padding is left out.

    values: (B, T, F). inside: (B, T). Each sequence's own mean is taken out, and what this alone makes of unrelated
    values, -1 / (T - 1), is added back.
    """
    counts = inside.sum(1)[:, None, None]  # (B, 1, 1)
    masked = np.where(inside[..., None], values, 0.0)
    centred = np.where(inside[..., None], values - masked.sum(1, keepdims=True) / counts, 0.0)
    T = int(inside.sum(1).mean())
    found = 0.0
    for lag in range(1, min(LAGS, T // 3) + 1):
        both = (inside[:, lag:] & inside[:, :-lag])[..., None]
        products = (centred[:, lag:] * centred[:, :-lag] * both).sum((0, 1)) / max(1, both.sum())  # (F,)
        variance = (centred**2).sum((0, 1)) / max(1, inside.sum())
        known = variance > 0
        if known.any():
            found = max(found, float(np.abs(products[known] / variance[known] + 1 / (T - 1)).max()))
    return found


def _target_facts(dataset: SequenceDataset, sample: Batch, inside: NDArray[np.bool_]) -> Facts:
    targets = sample.targets[inside] if dataset.per_step else sample.targets  # (K, O) or (K,)
    if dataset.target == "regression":
        values = targets.reshape(len(targets), -1).astype(np.float64)
        size = np.sqrt(np.mean(np.square(values), axis=0))  # (O,)
        place = int(size.argmax())
        mean, std = float(values[:, place].mean()), float(values[:, place].std())
        return {"target_mean": mean, "target_std": std, "target_rms": float(size[place])}
    classes = (targets > 0.5).astype(np.int64) if dataset.target == "binary" else targets
    counts = np.bincount(classes.ravel())
    return {"common_class": float(counts.max() / counts.sum()), "classes": float(max(2, dataset.output_size))}


def _inside(batch: Batch) -> NDArray[np.bool_]:
    B, T = batch.inputs.shape[:2]
    lengths = np.full(B, T) if batch.lengths is None else batch.lengths
    return np.arange(T) < lengths[:, None]


def _numbers(inputs: NDArray[Any]) -> NDArray[np.float64]:
    return inputs.astype(np.float64)


def _delay(marks: NDArray[np.bool_], lengths: NDArray[np.integer]) -> float:
    """Return the median over sequences of how far before the end the first marked input (B, T) lies, in timesteps."""
    marked = marks.any(1)
    return float(np.median((lengths - 1 - marks.argmax(1))[marked])) if marked.any() else 0.0
