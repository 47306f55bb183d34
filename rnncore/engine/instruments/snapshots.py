"""Snapshots: what a model predicts and what its weights, gradients and gates are like, at one evaluation.

Nothing here draws a random number or writes to a model, so that training goes the same way with and without.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncore.data.dataset import SequenceDataset
from rnncore.engine.cells.recurrent import Recurrent, StateTape
from rnncore.engine.cells.scan import chunks, flat, slices
from rnncore.engine.evaluation import Evaluation, TensorBatch
from rnncore.engine.flat import FlatParameters, exact_norm
from rnncore.engine.instruments.predictions import prediction_view
from rnncore.engine.losses import valid_steps
from rnncore.engine.model import SequenceModel
from rnncore.snapshot import BINS, FIRST_DECADE, LAST_DECADE, Gates, ParameterStatistics, Snapshot, SpectralBound

# cell -> gate -> its block of rows in W_ih and W_hh (torch.nn's order: LSTM i, f, g, o; GRU r, z, n)
GATE_BLOCKS: dict[str, dict[str, int]] = {"rnn": {}, "lstm": {"i": 0, "f": 1, "o": 3}, "gru": {"r": 0, "z": 1}}
GATE_SEQUENCES = 32
_MAX_STATES = 500_000  # hidden activations T x B x H per layer in one forward pass for the gates
_EDGES = 10.0 ** np.arange(FIRST_DECADE, LAST_DECADE + 1)


class BackwardHalf(NamedTuple):
    """The part of a snapshot that belongs to a backward pass."""

    parameters: ParameterStatistics
    sigma_max: SpectralBound | None


class Snapshots:
    """Takes the snapshots of one run. `backward` before clipping and update, `finish` after the evaluation."""

    def __init__(self, dataset: SequenceDataset, model: SequenceModel, validation: TensorBatch) -> None:
        self._model = model
        self._view = prediction_view(dataset)
        self._ragged = dataset.validation.lengths is not None
        per_sequence = dataset.seq_len * model.config.hidden_size
        rows = slice(max(1, min(GATE_SEQUENCES, _MAX_STATES // per_sequence)))
        self._inputs = validation.inputs[rows]
        self._lengths = None if validation.lengths is None else validation.lengths[rows]

    def backward(self, parameters: FlatParameters) -> BackwardHalf:
        """Measure weights and gradients as the backward pass has left them."""
        return BackwardHalf(parameter_statistics(parameters), spectral_bound(self._model, self._ragged))

    def finish(self, half: BackwardHalf, evaluation: Evaluation) -> Snapshot:
        """Add what the updated model predicts and how its gates stand."""
        attention = evaluation.attention
        return Snapshot(
            predictions=self._view(evaluation.outputs),
            parameters=half.parameters,
            sigma_max=half.sigma_max,
            gates=gate_activations(self._model.recurrent, self._inputs, self._lengths),
            attention=None if attention is None else attention.float().cpu().numpy(),
        )


def parameter_statistics(parameters: FlatParameters) -> ParameterStatistics:
    """Return norms of each tensor's weights and gradient, and how many gradient elements fall into each decade."""
    counts = np.empty((len(parameters.names), BINS + 2), np.int64)
    zeros = np.empty(len(parameters.names), np.int64)
    for row, gradient in enumerate(parameters.gradient_views):
        sizes = gradient.abs().flatten().cpu().numpy()
        places = np.searchsorted(_EDGES, sizes, side="right")  # 0 below all edges, last: above, inf, NaN
        counts[row] = np.bincount(places, minlength=BINS + 2)
        zeros[row] = sizes.size - np.count_nonzero(sizes)
    return ParameterStatistics(
        names=tuple(parameters.names),
        shapes=tuple(tuple(parameter.shape) for parameter in parameters.parameters),
        weight_norm=np.array([exact_norm(parameter.data) for parameter in parameters.parameters]),
        gradient_norm=np.array([exact_norm(gradient) for gradient in parameters.gradient_views]),
        histogram=counts[:, 1:-1],
        zeros=zeros,
        below=counts[:, 0] - zeros,
        above=counts[:, -1],
    )


def spectral_bound(model: SequenceModel, ragged: bool = False) -> SpectralBound | None:
    """Return the largest singular value of each layer's W_hh, in float64; None for cells with gates.

    The bound ||dL/dh_t|| <= (sigma_max gamma)^(T-t) ||dL/dh_T|| (Pascanu et al. 2013, section 2.1) holds where later
    timesteps are the only source of gradient: in the top layer under the read-out "last", sequences all of one length.
    Slopes of tanh and ReLU are at most gamma = 1. ragged: whether sequences differ in length.
    """
    recurrent = model.recurrent
    if recurrent.cell != "rnn":
        return None
    matrices = [recurrent.layer_weights(layer)["weight_hh"].detach() for layer in range(recurrent.num_layers)]
    values = np.array([largest_singular_value(matrix) for matrix in matrices])
    holds = model.config.readout == "last" and not ragged
    return SpectralBound(values, 1.0, recurrent.num_layers - 1 if holds else None)


def largest_singular_value(matrix: Tensor) -> float:
    """Return sigma_max of a finite matrix (H, H): the root of the largest eigenvalue of W^T W, in float64."""
    weights = matrix.to("cpu", torch.float64)
    scale = float(weights.abs().max()) or 1.0  # so that squares neither overflow nor underflow
    weights = weights / scale
    return scale * float(torch.linalg.eigvalsh(weights.t() @ weights)[-1].clamp(min=0).sqrt())


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
