"""The instrument "gates": how far the gates are open."""

from typing import Any

import torch
from torch import Tensor

from rnncore.engine.cells.recurrent import Recurrent, StateTape
from rnncore.engine.cells.scan import chunks, flat, slices
from rnncore.engine.instruments.moment import Evaluated
from rnncore.engine.losses import valid_steps
from rnncore.snapshot_parts import Gates

# cell -> gate -> its block of rows in W_ih and W_hh (torch.nn's order: LSTM i, f, g, o; GRU r, z, n)
GATE_BLOCKS: dict[str, dict[str, int]] = {"rnn": {}, "lstm": {"i": 0, "f": 1, "o": 3}, "gru": {"r": 0, "z": 1}}
GATE_SEQUENCES = 32
_MAX_STATES = 500_000  # hidden activations T x B x H per layer in one forward pass


def gates(moment: Evaluated) -> dict[str, Any] | None:
    """Return `Gates` of the updated model on the first validation sequences."""
    inputs, _, lengths = moment.validation
    per_sequence = inputs.shape[1] * moment.model.config.hidden_size
    rows = slice(max(1, min(GATE_SEQUENCES, _MAX_STATES // per_sequence)))
    found = gate_activations(moment.model.recurrent, inputs[rows], None if lengths is None else lengths[rows])
    return None if found is None else found.to_json()


@torch.no_grad()
def gate_activations(recurrent: Recurrent, inputs: Tensor, lengths: Tensor | None = None) -> Gates | None:
    """Return the mean of each gate over sequences and units by layer and timestep; None for the plain RNN.

    inputs: (B, T, F). lengths: (B,) valid steps, None = all T; padded steps do not count. Dropout is off. One forward
    pass gives all hidden states; all gates follow from inputs and states in two matrix products.
    """
    blocks = GATE_BLOCKS[recurrent.cell]
    if not blocks:
        return None
    training, tape = recurrent.training, StateTape(cell=False)
    recurrent.eval()
    recurrent(inputs, tape)
    recurrent.train(training)
    B, T, _ = inputs.shape
    valid = torch.ones(T, B, 1, dtype=torch.bool, device=inputs.device)
    if lengths is not None:
        valid = valid_steps(lengths, T).t().unsqueeze(-1)  # (T, B, 1)
    below = [inputs.transpose(0, 1).contiguous(), *tape.states]  # of each layer: its inputs (T, B, I)
    means = [
        _layer_gates(recurrent, layer, list(blocks.values()), below[layer], tape.states[layer], valid)
        for layer in range(recurrent.num_layers)
    ]
    return Gates(tuple(blocks), torch.stack(means).float().cpu().numpy(), B)


def _layer_gates(
    recurrent: Recurrent, layer: int, blocks: list[int], inputs: Tensor, states: Tensor, valid: Tensor
) -> Tensor:
    """Return (G, T) means of the gates in `blocks`; inputs (T, B, I), states (T, B, H), valid (T, B, 1)."""
    T, B, H = states.shape
    rows = torch.cat([torch.arange(block * H, (block + 1) * H, device=states.device) for block in blocks])  # (G H,)
    w_ih, w_hh, b_ih, b_hh = (weight[rows] for weight in recurrent.layer_weights(layer).values())
    means = []
    for chunk in chunks(T, B * len(w_hh) * states.element_size()):
        part, later, before = slices(chunk)
        gates = torch.addmm(b_ih + b_hh, flat(inputs[part]), w_ih.t()).view(len(chunk), B, -1)
        if later.start < later.stop:  # at t = 1 there is no earlier state
            flat(gates[later.start - part.start :]).addmm_(flat(states[before]), w_hh.t())
        mean = gates.sigmoid_().view(len(chunk), B, len(blocks), H).mean(-1, dtype=torch.float64)  # (t, B, G)
        means.append(mean.masked_fill(~valid[part], 0).sum(1) / valid[part].sum(1))
    return torch.cat(means).t()
