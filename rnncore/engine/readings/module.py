"""A recurrent module of another program, as instruments look at it: what it read, and the gradient that came back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.cells import CELLS
from rnncore.config import ModelConfig
from rnncore.engine.cells.definition import CellDefinition, Weights
from rnncore.engine.cells.generic import State
from rnncore.engine.instruments.jacobians import Layer, NotDefinedError
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.probe import nobody
from rnncore.reading import Numbers
from rnncore.words import first_of

WORK = 2**33  # multiplications, about a second: of as many sequences as that allows, of one up to `MOST_WORK`
MOST_WORK = 2**36


@dataclass(frozen=True, slots=True)
class Side:
    """One layer in one direction, T timesteps in the order in which it goes, B sequences, on the CPU.

    inputs: (T, B, I). weights: those of its cell, in their order. start: the states before the first timestep, (B, H)
    each. direct: the gradient that reaches h_t (T, B, H) without later timesteps of this layer, or that by the whole
    state (T, B, S). totals: dL/dh_t (T, B, H). cell: dL/dc_t where there is a c_t. None: no gradient is known.
    """

    inputs: Tensor
    weights: Weights
    start: State
    direct: Tensor | None = None
    totals: Tensor | None = None
    cell: Tensor | None = None

    def rows(self, some: Tensor | slice) -> "Side":
        """Return it of some of the sequences."""

        def cut(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[:, some]

        start = tuple(each[some] for each in self.start)
        gradients = cut(self.direct), cut(self.totals), cut(self.cell)
        return Side(self.inputs[:, some], self.weights, start, *gradients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One direction of a module in one step of its training, or in one call. L is the loss of its program, as it is.

    cell, nonlinearity: see `ModelConfig`. layers: the lowest first. lengths: (B,) of unequal sequences, else None.
    reverse: whether it goes from the last timestep to the first. joined: whether the other direction takes part in
    what its upper layers read. dropped: whether dropout between the layers does. asked: what the reader chose. tell:
    takes the share of the work that is done. notes: what was left out so far.
    """

    step: int
    cell: str
    layers: tuple[Side, ...]
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    lengths: Tensor | None = None
    reverse: bool = False
    joined: bool = False
    dropped: bool = False
    asked: Mapping[str, int] = field(default_factory=dict)
    tell: Callable[[float], None] = nobody
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """T, B and the units H of a layer."""
        T, B, _ = self.layers[0].inputs.shape
        return T, B, self.layers[-1].start[0].shape[-1]

    @property
    def definition(self) -> CellDefinition:
        """What its cell does."""
        entry = CELLS[self.cell]
        found: CellDefinition = entry.load()(entry, self.shape[2], self.nonlinearity)
        return found

    def layer(self, number: int, dtype: torch.dtype | None = None) -> Layer:
        """Return a layer, from 1, run on what it read. Raises NotDefinedError."""
        T, B, _ = self.shape
        if T < 2 or B < 1:
            raise NotDefinedError(f"not defined for {B} sequences of {T} timesteps; allowed: at least 1 of at least 2")
        side = self.layers[number - 1]
        wanted = dtype or side.inputs.dtype
        weights, start = (tuple(each.to(wanted) for each in part) for part in (side.weights, side.start))
        found = Layer(self.definition, side.inputs.to(wanted), weights, start)
        if not all(each.isfinite().all() for each in found.states):
            raise NotDefinedError("not defined: the states are not finite")
        return found

    def network(self) -> tuple["Seen", SequenceModel, Tensor]:
        """Return its layers as a network of ours, without dropout, and what that reads (B, T, F), with notes added."""
        notes, sides = [*self.notes], self.layers
        if self.joined:
            notes.append("Of the top layer alone, since the other direction takes part in what it reads.")
            sides = sides[-1:]
        elif self.dropped:
            notes.append("Dropout between the layers is off.")
        if any(bool(each.any()) for side in sides for each in side.start):
            notes.append("It begins at a state of zeros, not at the one that the module is given.")
        names = CELLS[self.cell].parameters(1, 1)
        sizes: dict[str, Any] = {"hidden_size": self.shape[2], "num_layers": len(sides)}
        config = ModelConfig.model_construct(cell=self.cell, nonlinearity=self.nonlinearity, **sizes)
        with torch.random.fork_rng(devices=[]), torch.device("meta"):  # its own weights are never drawn
            model = SequenceModel(config, sides[0].inputs.shape[-1], 1)
        for number, side in enumerate(sides):
            for name, weight in zip(names, side.weights, strict=True):
                setattr(model.recurrent, f"{name}_l{number}", nn.Parameter(weight))
        return replace(self, notes=tuple(notes)), model, sides[0].inputs.transpose(0, 1)

    def longest(self) -> "Seen":
        """Return it of the sequences that are as long as the longest one."""
        lengths = self.lengths
        if lengths is None:
            return self
        T, found = int(lengths.max()), lengths == lengths.max()
        whole = replace(self, lengths=None, layers=tuple(side.rows(found) for side in self.layers))
        if bool(found.all()):
            return whole
        longest, batch = int(found.sum()), len(lengths)
        each = "the longest sequence" if longest == 1 else f"the {longest:,} longest sequences"
        return whole.noted(f"Of {each} of the {batch:,} in the batch, of {T:,} timesteps.")

    def within(self, work: float) -> "Seen":
        """Return it of as many sequences as may be worked out, of which each takes `work` multiplications.

        Raises NotDefinedError where one takes too long.
        """
        B, rows = self.shape[1], self.affordable(work)
        if rows >= B:
            return self
        cut = replace(self, layers=tuple(side.rows(slice(rows)) for side in self.layers))
        cut = cut if self.lengths is None else replace(cut, lengths=self.lengths[:rows])
        return cut.noted(f"Of {first_of(rows, B, 'sequence')} in the batch, to stay fast.")

    def affordable(self, work: float) -> int:
        """Return how many sequences may be worked out, of which each takes `work` multiplications; see `within`."""
        if work > MOST_WORK:
            T, _, H = self.shape
            raise NotDefinedError(f"not worked out here: {H:,} units over {T:,} timesteps would hold the program up")
        return max(1, int(WORK // max(1.0, work)))

    def noted(self, *notes: str) -> "Seen":
        """Return it with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def profile(self) -> Numbers | None:
        """Return the mean over the sequences of |dL/dh_t| of the top layer, (T,), in its own order; None: not known."""
        totals = self.layers[-1].totals
        if totals is None or self.lengths is not None:
            return None
        return np.asarray(totals.double().norm(dim=-1).mean(1), np.float64)

    def in_time(self, values: Numbers) -> Numbers:
        """Return numbers whose last axis is the timesteps in the order of time."""
        return np.ascontiguousarray(values[..., ::-1]) if self.reverse else values


def gradients_of(side: Side) -> tuple[Tensor, Tensor]:
    """Return the direct and the total gradients of a layer. Raises NotDefinedError where none has come back."""
    if side.direct is None or side.totals is None:
        raise NotDefinedError("not defined: no gradient has come back to the module")
    if not (side.direct.isfinite().all() and side.totals.isfinite().all()):
        raise NotDefinedError("not defined: the gradient is not finite")
    return side.direct, side.totals
