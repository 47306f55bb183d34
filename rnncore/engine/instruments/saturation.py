"""The instrument "saturation": how much of a gradient's shrinking is due to units, how much to weights."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.cells.definition import Passed
from rnncore.engine.cells.recurrent import Recurrent, StateTape
from rnncore.engine.cells.scan import Recursion, row_norms
from rnncore.engine.instruments.moment import Moment
from rnncore.snapshot_parts import SaturationSplit

_PIECE = 2**15  # numbers of a state, of all sequences, that are worked on at once: with what comes of them in cache


def saturation(moment: Moment) -> dict[str, Any] | None:
    """Return the `SaturationSplit` of the backward pass that is on the tape."""
    if moment.tape is None:
        return None
    return saturation_split(moment.model.recurrent, moment.tape, moment.lengths).to_json()


@torch.no_grad()
def saturation_split(recurrent: Recurrent, tape: StateTape, lengths: Tensor | None = None) -> SaturationSplit:
    """Return both terms of every layer and step back in time, from a tape that holds states and their gradients.

    lengths: (B,) valid steps of sequences of unequal length: they are aligned at their ends, as profiles are.
    """
    layers = [_of_layer(recurrent, tape, layer, lengths) for layer in range(recurrent.num_layers)]
    units, weights = (np.stack(each) for each in zip(*layers, strict=True))
    return SaturationSplit(units, weights)


def _of_layer(
    recurrent: Recurrent, tape: StateTape, layer: int, lengths: Tensor | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    norms = _norms(recurrent, tape, layer)
    T, B = norms[0].shape
    ends = torch.full((B,), T) if lengths is None else lengths.cpu()
    place = (torch.arange(T)[:, None] - (T - ends)).to(norms[0].device)  # (T, B) timestep of each column, from 0
    flows = torch.tensor(Recursion(recurrent.truncation).flows(T)[:T], device=place.device)  # (T,)
    goes_back = (place >= 1) & flows[place.clamp(min=0)]
    before, left, arriving = (_mean(each, place, goes_back).log().cpu().numpy() for each in norms)
    with np.errstate(invalid="ignore"):  # -inf less -inf: nothing came, and nothing went on
        return left - before, arriving - left


def _norms(recurrent: Recurrent, tape: StateTape, layer: int) -> list[Tensor]:
    """Return the norms (T, B) of dL/dh_t, of what the units leave of it, and of what arrives at h_{t-1}."""
    inputs, states, totals = tape.inputs[layer], tape.states[layer], tape.hidden[layer]
    cell = None if tape.cell is None else tape.cell[layer]
    weights = tuple(recurrent.layer_weights(layer).values())
    memory = torch.zeros_like(states[0])
    before = torch.cat([memory[None], states[:-1]])  # h_{t-1}
    norms: tuple[list[Tensor], ...] = ([], [], [])
    steps = max(1, _PIECE // states[0].numel())
    for start in range(0, len(states), steps):
        part = slice(start, start + steps)
        own = None if cell is None else cell[part]
        passing = recurrent.definition.step_back(
            Passed(inputs[part], states[part], before[part], totals[part], own, memory), weights
        )
        memory = passing.memory
        for each, found in zip((totals[part], passing.units, passing.arriving), norms, strict=True):
            found.append(row_norms(each))
    return [torch.cat(each) for each in norms]


def _mean(norms: Tensor, place: Tensor, counted: Tensor) -> Tensor:
    """Return the means (T,) of norms (T, B) in columns of `place`, over the sequences that are `counted` there."""
    aligned = norms.gather(0, place.clamp(min=0)).masked_fill(~counted, 0.0)
    return aligned.sum(1) / counted.sum(1)  # NaN where no sequence has a step to go back to
