"""The parts of a snapshot that Python reads: what each holds, and its form in JSON."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncore.json_arrays import Floats32, array, floats, numbers

Floats64 = NDArray[np.float64]
Counts = NDArray[np.int64]

FIRST_DECADE, LAST_DECADE = -20, 4  # of |gradient element|: 1e-20 to 1e4, one bin per decade
BINS = LAST_DECADE - FIRST_DECADE
MAX_SEQUENCES, MAX_CURVES, MAX_CLASSES = 200, 3, 40


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """Targets and outputs of the first validation sequences, in the scale of the data as the network sees it.

    targets, outputs: (N,) float32, one value per sequence; where every step has a target (S, T), NaN beyond a
    sequence's end. sequences: how many the whole validation set has. output: which component of the target is shown,
    of output_size.
    """

    targets: Floats32
    outputs: Floats32
    sequences: int
    output: int
    output_size: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "kind": "regression", "per_step": self.targets.ndim == 2,
            "targets": floats(self.targets), "outputs": floats(self.outputs),
            "sequences": self.sequences, "output": self.output, "output_size": self.output_size,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        targets, outputs = array(value["targets"]), array(value["outputs"])
        return cls(targets, outputs, value["sequences"], value["output"], value["output_size"])


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """Confusion matrix over the whole validation set.

    classes: C names, at most `MAX_CLASSES`: where there are more, those most frequent in the validation set.
    counts: (C, C), counts[target, answer]. total, correct: decisions on all classes, and those that were right;
    a NaN output is never right. per_step: whether every (valid) timestep is a decision.
    """

    classes: tuple[str, ...]
    counts: Counts
    total: int
    correct: int
    per_step: bool

    @property
    def left_out(self) -> int:
        """Decisions that are not in `counts`: of a class beyond those shown, or with a NaN output."""
        return self.total - int(self.counts.sum())

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "kind": "classification", "per_step": self.per_step,
            "classes": list(self.classes), "counts": self.counts.tolist(),
            "total": self.total, "correct": self.correct, "left_out": self.left_out,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        counts = np.array(value["counts"], np.int64)
        return cls(tuple(value["classes"]), counts, value["total"], value["correct"], value["per_step"])


@dataclass(frozen=True, slots=True, eq=False)
class ParameterStatistics:
    """Each weight matrix and bias, P of them in the model's order, and its gradient.

    weight_norm, gradient_norm: (P,) L2; the weights that the gradient was taken at, the gradient before clipping.
    histogram: (P, BINS) elements g with 10^k <= |g| < 10^(k+1), k from FIRST_DECADE. zeros, below, above: (P,) exact
    zeros; smaller ones; larger ones, infinite and NaN.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    weight_norm: Floats64
    gradient_norm: Floats64
    histogram: Counts
    zeros: Counts
    below: Counts
    above: Counts

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        counts = {name: getattr(self, name).tolist() for name in ("histogram", "zeros", "below", "above")}
        return {
            "names": list(self.names), "shapes": [list(shape) for shape in self.shapes],
            "weight_norm": numbers(self.weight_norm), "gradient_norm": numbers(self.gradient_norm),
            "first_decade": FIRST_DECADE, **counts,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(
            names=tuple(value["names"]),
            shapes=tuple(tuple(shape) for shape in value["shapes"]),
            weight_norm=np.array(value["weight_norm"], np.float64),  # None becomes NaN
            gradient_norm=np.array(value["gradient_norm"], np.float64),
            **{name: np.array(value[name], np.int64) for name in ("histogram", "zeros", "below", "above")},
        )


@dataclass(frozen=True, slots=True, eq=False)
class SpectralBound:
    """What bounds a plain RNN's gradient: ||dL/dh_t|| <= (sigma_max gamma)^(T-t) ||dL/dh_T||.

    Pascanu, Mikolov, Bengio 2013, section 2.1. values: (L,) largest singular value of W_hh per layer, of the weights
    that the profile of the same step was measured at. gamma: largest slope of the non-linearity. bound_layer: the
    layer (from 0) for which the bound holds: the top one, where only the last step is read and all sequences have the
    same length; None where it holds for none.
    """

    values: Floats64
    gamma: float
    bound_layer: int | None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {"values": numbers(self.values), "gamma": self.gamma, "bound_layer": self.bound_layer}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(np.array(value["values"], np.float64), value["gamma"], value["bound_layer"])


@dataclass(frozen=True, slots=True, eq=False)
class SaturationSplit:
    """What each step back in time does to the gradient: two terms, whose sum is the logarithm of the whole factor.

    With delta_t = dL/dh_t, a_t = D_t delta_t what the units leave of it, and W^T a_t what arrives at h_{t-1} through
    the weights, norms averaged over the batch: units (L, T) is log(mean |a_t| / mean |delta_t|), weights (L, T)
    log(mean |W^T a_t| / mean |a_t|), natural logarithms, in column t those of the step from t to t - 1. The means are
    taken before the ratios, so that for the loss of a last step, in the top layer, all terms add up to
    log(g[1] / g[T]) of the profile g, sequences all of one length.

    For a plain RNN D_t are the slopes of the units and W is W_hh. For an LSTM a_t is dL/d(preactivation) of all four
    blocks, in which is what came along the cell state, so that units may be above 0. For a GRU a_t is that of r and z,
    r times that of the candidate, and z delta_t, which goes on as it is: W is [W_hr; W_hz; W_hn; I].

    -inf: exactly nothing is left. inf: there was nothing at h_t, but something along the cell state. NaN: there was
    nothing before either, or no step goes back from there: at t = 1, at a border of truncated backpropagation, at a lag
    that no sequence has (aligned at their ends, as profiles are).
    """

    units: Floats64
    weights: Floats64

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict; totals (L): sums over the steps that there are, None where one is not finite."""
        with np.errstate(invalid="ignore"):  # -inf and inf
            totals = {f"{name}_total": numbers(np.nansum(getattr(self, name), 1)) for name in ("units", "weights")}
        return {"units": floats(self.units), "weights": floats(self.weights), **totals}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(array(value["units"]).astype(np.float64), array(value["weights"]).astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Gates:
    """Mean activation of each gate over the first validation sequences and all units.

    names: G of them. mean: (L, G, T) float32, NaN at timesteps that none of the sequences reaches. sequences: how many.
    """

    names: tuple[str, ...]
    mean: Floats32
    sequences: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {"names": list(self.names), "mean": floats(self.mean), "sequences": self.sequences}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(tuple(value["names"]), array(value["mean"]), value["sequences"])


Predictions = Regression | Classification


def predictions_from_json(value: dict[str, Any]) -> Predictions:
    """Undo `to_json` of either kind of predictions."""
    kinds: dict[str, type[Regression] | type[Classification]] = {
        "regression": Regression,
        "classification": Classification,
    }
    return kinds[value["kind"]].from_json(value)
