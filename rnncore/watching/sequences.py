"""Batches of sequences as modules take them, packed or padded, brought into one form: time first, in their order."""

from dataclasses import dataclass
from typing import TypeGuard

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence


@dataclass(frozen=True, slots=True)
class Layout:
    """How a module's inputs and outputs are laid out.

    batch_first: (B, T, F) rather than (T, B, F). alone: one sequence without a dimension for the batch. packed: the
    batch sizes and orders of a PackedSequence, None where there is none. lengths: (B,) of a PackedSequence, in the
    order of the user's batch, on the CPU.
    """

    batch_first: bool
    alone: bool = False
    packed: tuple[Tensor, Tensor | None, Tensor | None] | None = None
    lengths: Tensor | None = None

    def time_first(self, values: Tensor) -> Tensor:
        """Return a module's inputs, outputs or their gradients as (T, B, F); what is padded holds 0."""
        if self.packed is not None:
            packed = PackedSequence(values, *self.packed)
            return pad_packed_sequence(packed)[0]
        if self.alone:
            return values.unsqueeze(1)
        return values.transpose(0, 1) if self.batch_first else values

    def state(self, state: Tensor) -> Tensor:
        """Return an initial or final state, or its gradient, as (R, B, W)."""
        return state.unsqueeze(1) if self.alone else state


def layout_of(inputs: Tensor | PackedSequence, batch_first: bool) -> Layout:
    """Return the layout of what a module was called with."""
    if isinstance(inputs, Tensor):
        return Layout(batch_first, alone=inputs.dim() == 2)
    sizes, order, back = inputs.batch_sizes, inputs.sorted_indices, inputs.unsorted_indices
    lengths = (sizes.unsqueeze(0) > torch.arange(int(sizes[0])).unsqueeze(1)).sum(1)  # (B,), the longest first
    if back is not None:
        lengths = lengths[back.cpu()]
    return Layout(batch_first, packed=(sizes, order, back), lengths=lengths)


def is_packed(inputs: object) -> TypeGuard[PackedSequence]:
    """Tell whether a module was called with a PackedSequence."""
    return isinstance(inputs, PackedSequence)


def turned(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """Return (T, B, ...) with every sequence turned round, from its own end; what is padded stays where it is."""
    if lengths is None:
        return steps.flip(0)
    T = len(steps)
    t = torch.arange(T).unsqueeze(1)  # (T, 1)
    place = torch.where(t < lengths, lengths - 1 - t, t).to(steps.device)  # (T, B)
    for _ in range(steps.dim() - 2):
        place = place.unsqueeze(-1)
    return steps.gather(0, place.expand_as(steps))


def add_at_ends(steps: Tensor, values: Tensor, lengths: Tensor | None) -> None:
    """Add values (B, W) to each sequence's own last step of (T, B, W), in place."""
    if lengths is None:
        steps[-1] += values
    else:
        B = len(lengths)
        steps[(lengths - 1).to(steps.device), torch.arange(B, device=steps.device)] += values


def mean_at_lags(norms: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the means (T,) of norms (T, B) over sequences, aligned at their ends, and how many have each column."""
    T, B = norms.shape
    if lengths is None:
        return norms.mean(1), torch.full((T,), float(B))
    place = torch.arange(T).unsqueeze(1) - (T - lengths)  # (T, B) timestep of each column; < 0: none
    steps = place.to(norms.device)
    aligned = norms.gather(0, steps.clamp(min=0)).masked_fill(steps < 0, 0.0)
    return aligned.sum(1) / (steps >= 0).sum(1), (place >= 0).sum(1).double()
