"""What a watched step yields; numpy only, so that whoever shows it needs no torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnncore.diagnosis.rules.through_time import DIRECT_SHARE

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Profile:
    """The gradients of one recurrent module at one step, by layer and direction (rows) and timestep (columns).

    Rows are in torch's order: layer 1, its reverse direction where there is one, layer 2, and so on: (R, T) float64.
    Norms are means over the sequences b of ||dL/dh_{t,b}||, L being the loss as it was.

    hidden: through every path. direct: the part that does not come through the row's own recurrence; None where a loop
    changes the state between its calls, so that it cannot be told. cell: of
    the LSTM's c_t, through every path. start, start_cell: (R,) of the state before the first timestep. count: (T,) how
    many sequences have a timestep there; of unequal lengths they are aligned at their own ends, and a column that none
    has holds NaN. calls: of a module that was called several times in the step one profile per call, else empty.
    gates: (R, G, T) mean of each gate of `gate_names` over sequences and units. saturated: (R,) share of h_t's values
    beyond 0.95 of what a tanh can reach; both None where not asked for.
    """

    hidden: Floats
    direct: Floats | None
    cell: Floats | None
    start: Floats
    start_cell: Floats | None
    count: Floats
    layers: int
    directions: int = 1
    calls: tuple["Profile", ...] = ()
    gate_names: tuple[str, ...] = ()
    gates: Floats | None = None
    saturated: Floats | None = None

    @property
    def ragged(self) -> bool:
        """Whether sequences are of unequal length, so that columns are lags from each one's own end."""
        present = self.count[self.count > 0]
        return bool(present.size) and bool(present.min() < present.max())

    @property
    def initial_states(self) -> dict[int, tuple[float, bool]]:
        """Of each row whose initial state has a gradient, its norm and whether it is read at the end, by row.

        Without reverse directions over sequences of unequal length: each sequence's own is read at its own end.
        """
        found = {}
        for row, value in enumerate(self.start):
            reverse = self.directions == 2 and row % 2 == 1
            if 0 < value < np.inf and not (reverse and self.ragged):
                found[row] = float(value), reverse
        return found

    @property
    def loop(self) -> bool:
        """Whether it is joined from calls that follow one another in time.

        There an output may be the next call's input, so that `direct` is no proof of a read-out of its own.
        """
        return bool(self.calls) and all(each.hidden.shape[1] < self.hidden.shape[1] for each in self.calls)

    @property
    def told_direct(self) -> Floats | None:
        """The direct part where it tells whether timesteps have a read-out of their own.

        Of a loop most of whose timesteps have a direct gradient it is NaN: that may be read-outs, or outputs that are
        the next inputs. Of other loops it is None, since only what is not direct is sure.
        """
        if self.direct is None or not self.loop:
            return self.direct
        mostly = np.mean(self.direct > DIRECT_SHARE * self.hidden) > 0.5
        return np.full_like(self.direct, np.nan) if mostly else None

    def row_names(self) -> list[str]:
        """Return the name of each row: "layer 1", "layer 1, reverse", and so on."""
        ends = ("", ", reverse")[: self.directions]
        return [f"layer {layer + 1}{end}" for layer in range(self.layers) for end in ends]


@dataclass(slots=True)
class WatchRecord:
    """One recorded step of a watched model. What is not known is None, and nothing is made up for it.

    step: counted by `Lab.step`, from 1. profiles: by the module's name in the model, "" where the model is the module.
    loss: what was handed to `Lab.step`. grad_norm: L2 norm of the gradient of all parameters when the backward pass
    ended. clipped_norm: the same right before the optimiser's step, after the user's own clipping. update_norm: L2
    norm of what the step changed in the parameters. learning_rate: of the optimiser's first group. weight_norm: L2
    norm of all parameters before the step. scaled: a GradScaler took part, under which infinite norms are usual at
    first. elapsed_s: seconds since watching began. The last ones of a step become
    known in the optimiser's step, mostly after `Lab.step`.
    """

    step: int
    elapsed_s: float
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    loss: float | None = None
    grad_norm: float | None = None
    clipped_norm: float | None = None
    update_norm: float | None = None
    learning_rate: float | None = None
    weight_norm: float | None = None
    scaled: bool = False

    @property
    def told_norm(self) -> float | None:
        """The gradient's norm where it tells something: one that a scaler has made infinite does not."""
        norm = self.grad_norm
        return None if norm is None or (self.scaled and math.isinf(norm)) else norm

    @property
    def clip_coef(self) -> float | None:
        """What clipping multiplied the gradient with, by its norms before and after; None where one is not known."""
        if self.grad_norm is None or self.clipped_norm is None:
            return None
        return min(1.0, self.clipped_norm / self.grad_norm) if self.grad_norm > 0 else 1.0
