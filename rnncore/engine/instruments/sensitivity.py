"""How strongly the states depend on the parameters, timestep by timestep: it grows with the memory of a network."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.instruments.jacobians import Directions, Layer, NotDefinedError, layers_of, network_steps
from rnncore.engine.model import SequenceModel

DIRECTIONS = 16
_SEED = 0  # of the directions: the same reading twice gives the same numbers


def state_sensitivity(
    model: SequenceModel, inputs: Tensor, directions: int = DIRECTIONS, names: tuple[str, ...] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return E |d h_t / d theta|^2 of the top layer's h_t and its standard error, (T,) each, in float64.

    theta: all recurrent parameters of all layers, or those whose names begin with one of `names` ("weight_hh"). The
    mean is over the sequences; the squared Frobenius norm of a sequence's Jacobian is that of J u, averaged over
    Gaussian directions u, or over the axes themselves where theta has no more numbers than `directions`; the error is
    that of both means together (Zucchet & Orvieto 2024, "Recurrent neural networks: vanishing and exploding gradients
    are not the end of the story").

    inputs: (B, T, F). Raises NotDefinedError for less than two timesteps, and where theta is empty.
    """
    layers = layers_of(model, inputs.double())
    recurrent = model.recurrent
    places = [
        (layer, place)
        for layer in range(len(layers))
        for place, name in enumerate(recurrent.layer_weights(layer))
        if names is None or name.startswith(names)
    ]
    if not places:
        raise NotDefinedError(f"not defined for {recurrent.entry.phrase}, which has no parameters of these names")
    sizes = [layers[layer].weights[place].numel() for layer, place in places]
    exact = sum(sizes) <= directions
    if exact:
        chosen = torch.eye(sum(sizes), dtype=torch.float64)
    else:
        generator = torch.Generator().manual_seed(_SEED)
        chosen = torch.randn(directions, sum(sizes), generator=generator, dtype=torch.float64)
    along: list[list[Tensor | None]] = [[None] * len(layer.weights) for layer in layers]
    for (layer, place), own in zip(places, torch.split(chosen.to(inputs.device), sizes, 1), strict=True):
        along[layer][place] = own.view(-1, *layers[layer].weights[place].shape)
    squares = _squares(layers, along, len(chosen))  # (K, T, B)
    each = squares.sum(0, keepdim=True) if exact else squares
    B = each.shape[-1]
    of_directions = each.mean(-1)  # (K or 1, T)
    of_sequences = each.mean(0)  # (T, B)
    variance = of_sequences.var(-1) / B if B > 1 else of_sequences.new_zeros(len(of_sequences))
    if not exact:
        variance = variance + of_directions.var(0) / len(chosen)
    return np.asarray(each.mean((0, 2)).cpu()), np.asarray(variance.sqrt().cpu())


def _squares(layers: list[Layer], along: Sequence[Directions], count: int) -> Tensor:
    """Return |J u|^2 of K directions u of the parameters, (K, T, B), J the Jacobian of the top layer's h_t by them."""
    inputs, top = layers[0].inputs, layers[-1]
    changes = inputs.new_zeros(inputs.shape[1], sum(layer.size for layer in layers), count)  # (B, N, K)
    found = []
    for step in network_steps(layers, along):
        changes = step(changes)
        hidden = changes[:, -top.size :][:, : top.states[0].shape[-1]]
        found.append(hidden.square().sum(1))  # (B, K)
    return torch.stack(found).permute(2, 0, 1)
