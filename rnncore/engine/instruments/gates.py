"""The instrument "gates": how far the gates are open."""

from typing import Any

import torch
from torch import Tensor

from rnncore.engine.cells.recurrent import Recurrent
from rnncore.engine.instruments.moment import Evaluated
from rnncore.engine.losses import valid_steps
from rnncore.snapshot_parts import Gates

GATE_SEQUENCES = 32
_MAX_STATES = 500_000  # hidden activations T x B x H per layer in one forward pass


def gates(moment: Evaluated) -> dict[str, Any] | None:
    """Return `Gates` of the updated model on the first validation sequences."""
    inputs, _, lengths = moment.validation
    per_sequence = inputs.shape[1] * moment.model.config.hidden_size
    rows = slice(max(1, min(GATE_SEQUENCES, _MAX_STATES // per_sequence)))
    inputs, lengths = inputs[rows], None if lengths is None else lengths[rows]
    if moment.model.swaps_axes:
        inputs, lengths = inputs.transpose(0, 1), None
    found = gate_activations(moment.model.recurrent, inputs, lengths)
    return None if found is None else found.to_json()


@torch.no_grad()
def gate_activations(recurrent: Recurrent, inputs: Tensor, lengths: Tensor | None = None) -> Gates | None:
    """Return the mean of each gate over sequences and units by layer and timestep; None for a cell without gates.

    inputs: (B, T, F). lengths: (B,) valid steps, None = all T; padded steps do not count. Dropout is off.
    """
    names = tuple(gate.key for gate in recurrent.entry.gates)
    if not names:
        return None
    B, T, _ = inputs.shape
    valid = torch.ones(T, B, 1, dtype=torch.bool, device=inputs.device)
    if lengths is not None:
        valid = valid_steps(lengths, T).t().unsqueeze(-1)  # (T, B, 1)
    means = [
        gates.mean(-1, dtype=torch.float64).masked_fill(~valid, 0).sum(1) / valid.sum(1)  # (T, G)
        for gates in recurrent.gates(inputs)
    ]
    return Gates(names, torch.stack(means).transpose(1, 2).float().cpu().numpy(), B)
