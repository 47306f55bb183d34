"""How strongly the states depend on the parameters, timestep by timestep: it grows with the memory of a network."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.cells.definition import CellDefinition, Weights
from rnncore.engine.instruments.jacobians import NotDefinedError, layers_of
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
    layers_of(model, inputs)  # raises where states are not defined
    recurrent, below = model.recurrent, inputs.detach().double().transpose(0, 1).contiguous()
    weights = [
        {name: each.detach().double() for name, each in recurrent.layer_weights(layer).items()}
        for layer in range(recurrent.num_layers)
    ]
    places = [
        (layer, name) for layer, each in enumerate(weights) for name in each if names is None or name.startswith(names)
    ]
    if not places:
        raise NotDefinedError(f"not defined for {recurrent.entry.phrase}, which has no parameters of these names")
    theta = torch.cat([weights[layer][name].reshape(-1) for layer, name in places])  # (P,)

    def states(flat: Tensor) -> Tensor:
        own = [dict(each) for each in weights]
        start = 0
        for layer, name in places:
            shape = weights[layer][name].shape
            own[layer][name] = flat[start : start + shape.numel()].view(shape)
            start += shape.numel()
        seen = below
        for each in own:
            values: Weights = tuple(each.values())
            hidden = CellDefinition.states(recurrent.definition, seen, values)[0]  # scans can be differentiated once
            seen = recurrent.definition.outputs(seen, hidden, values)
        return hidden  # (T, B, W)

    exact = len(theta) <= directions
    if exact:
        chosen = torch.eye(len(theta), dtype=torch.float64, device=theta.device)
    else:
        generator = torch.Generator().manual_seed(_SEED)
        chosen = torch.randn(directions, len(theta), generator=generator, dtype=torch.float64).to(theta.device)
    squares = _changes(states, theta, chosen).square().sum(-1)  # (K, T, B)
    each = squares.sum(0, keepdim=True) if exact else squares
    B = each.shape[-1]
    of_directions = each.mean(-1)  # (K or 1, T)
    of_sequences = each.mean(0)  # (T, B)
    variance = of_sequences.var(-1) / B if B > 1 else torch.zeros(len(of_sequences), dtype=torch.float64)
    if not exact:
        variance = variance + of_directions.var(0) / len(chosen)
    return np.asarray(each.mean((0, 2)).cpu()), np.asarray(variance.sqrt().cpu())


def _changes(states: Callable[[Tensor], Tensor], theta: Tensor, directions: Tensor) -> Tensor:
    """Return J u of each direction u, (K, T, B, W), from directions (K, P), J the Jacobian of `states` at theta (P,).

    A gradient of a gradient: v^T J is linear in v, and its derivative along u is J u. torch's forward mode would load
    its compiler, which nothing else here needs.
    """
    with torch.enable_grad():
        theta = theta.requires_grad_()
        found = states(theta)
        v = torch.zeros_like(found, requires_grad=True)
        (backward,) = torch.autograd.grad(found, theta, v, create_graph=True)  # (P,)
        (changes,) = torch.autograd.grad(backward, v, directions, is_grads_batched=True)
    return changes
