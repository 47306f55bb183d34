"""How the columns of files became numbers for a network, kept to do exactly the same to a file it has not seen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError, TargetKind
from rnncore.data.prepare import Filled, InputCode, Inputs, Missing
from rnncore.data.scaling import Scale, Series, each_series, scaled
from rnncore.data.sequences import Floats, Sequences
from rnncore.words import listed


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """What a run has learned with, all of it fitted on its own training part.

    inputs: how each column became inputs, in their order. targets, scales: names and scales of the O numbers that are
    answered, or the one name of a target of `classes`. kind: of the target. ids: the series that scales "by series"
    know, in their order. window: timesteps of a forecast's window, 0 where whole sequences have a target; horizon: how
    far ahead the answer is. every_step: a target at every timestep. max_length: longer sequences keep their end.
    """

    inputs: tuple[InputCode, ...]
    targets: tuple[str, ...]
    scales: tuple[Scale, ...]
    classes: tuple[str, ...]
    kind: TargetKind
    ids: tuple[str, ...]
    missing: Missing
    window: int = 0
    horizon: int = 0
    every_step: bool = False
    max_length: int = 0

    @property
    def by_series(self) -> bool:
        """Whether a forecast needs to know each series' own scale."""
        return self.window > 0 and any(scale.by_series for scale in (*self.scales, *self._input_scales()))

    def _input_scales(self) -> tuple[Scale, ...]:
        return tuple(code.scale for code in self.inputs if code.scale is not None)

    def known(self, ids: tuple[str, ...]) -> NDArray[np.int64]:
        """Return the place of each series (N,) among those the run knows, -1 for others."""
        places = {_plain(name): place for place, name in enumerate(self.ids)}
        return np.array([places.get(_plain(name), -1) for name in ids], np.int64)

    def coded(self, sequences: Sequences) -> tuple[Inputs, list[str]]:
        """Return the inputs of sequences whose columns are `self.inputs`, in this order, and notes.

        A column of words holds places in the words of its code, NaN for a word that the run has not seen.

        Raises:
            DataError: infinite or too large values.
        """
        filled = Filled(sequences, sequences.offsets, self.missing)
        numbers = np.empty((sequences.rows, len(self._input_scales())), np.float32)
        names: list[str] = []
        places: list[int] = []
        words = []
        for place, code in enumerate(self.inputs):
            if code.scale is None:
                size = len(code.words)
                codes = np.nan_to_num(sequences.values[place], nan=size).astype(np.min_scalar_type(size))
                words.append((len(names), codes, size))
                names += [f"{code.name} = {word}" for word in code.words]
                continue
            values = filled.column(place)
            numbers[:, len(places)] = scaled(values, self._for(code.scale, values, sequences), code.name)
            places.append(len(names))
            names.append(code.name)
        return Inputs(tuple(names), numbers, np.array(places, np.int64), tuple(words)), filled.notes()

    def _for(self, scale: Scale, values: NDArray[np.float64], sequences: Sequences) -> Scale:
        """Return the scale for other sequences: of a forecast by series, each series' own from the run."""
        if not scale.by_series:
            return scale
        of = np.repeat(np.arange(sequences.count, dtype=np.int32), sequences.lengths)
        if self.window:
            assert scale.means is not None
            assert scale.stds is not None
            own = self.known(sequences.ids)
            return replace(scale, means=scale.means[own], stds=scale.stds[own], of=of)
        # Each labelled sequence is scaled with its own numbers: that is what the run has learned with.
        means, stds = each_series(values, Series(sequences.offsets, np.ones(sequences.rows, bool)))
        varies = stds > 1e-12 * np.maximum(np.abs(means), 1e-300)
        means, stds = np.where(np.isfinite(means), means, scale.mean), np.where(varies, stds, scale.std)
        return replace(scale, means=means, stds=stds, of=of)

    def in_own_units(self, outputs: Floats, series: NDArray[np.int64], ids: tuple[str, ...]) -> NDArray[np.float64]:
        """Return numbers answered (N, O) in the units of the file; series: (N,) places in `ids`."""
        values = outputs.astype(np.float64)
        known = self.known(ids)
        for place, scale in enumerate(self.scales):
            if scale.means is not None and scale.stds is not None and self.window:
                own = known[series]
                values[:, place] = values[:, place] * scale.stds[own] + scale.means[own]
            elif not scale.raw:
                values[:, place] = values[:, place] * scale.std + scale.mean
        return values


def _plain(name: str) -> str:
    """Return the name of a series, a number as in its shortest form: files differ in whether '1' has a '.0'."""
    try:
        return f"{float(name):.15g}"
    except ValueError:
        return name


def only_known(coding: Coding, sequences: Sequences) -> tuple[NDArray[np.bool_], list[str]]:
    """Return which series (N,) can be predicted, and notes; all unless each has a scale of its own.

    Raises:
        DataError: none can be.
    """
    if not coding.by_series:
        return np.ones(sequences.count, bool), []
    known = coding.known(sequences.ids) >= 0
    others = [name for name, there in zip(sequences.ids, known, strict=True) if not there]
    if not others:
        return known, []
    why = "the run scales each series with numbers of its own, and has none for"
    if not known.any():
        raise DataError(f"No series of '{sequences.name}' can be predicted: {why} {listed(others, 5)}.")
    return known, [f"Not predicted, since {why} {listed(others, 5)}."]
