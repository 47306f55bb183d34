"""Gradient flossing: pushes the first Lyapunov exponents of a network to 0 (Engelken 2023, arXiv 2312.17306)."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rnncore.config import FlossingConfig
from rnncore.engine.cells.recurrent import Recurrent
from rnncore.engine.instruments.jacobians import layers_with, network_steps
from rnncore.engine.instruments.lyapunov import exponents_of
from rnncore.flossing import Progress


@dataclass(frozen=True, slots=True)
class Flossed:
    """Root mean squares of the exponents, before and after; not finite where these cannot be pushed to 0."""

    before: float
    after: float


Told = Callable[[Progress], None]


def nobody(progress: Progress) -> None:
    """Tell nobody that an update is about to be made."""


def floss(recurrent: Recurrent, inputs: Tensor, config: FlossingConfig, told: Told = nobody) -> Flossed:
    """Push the first exponents to 0 by changing the recurrent layers' parameters, in place.

    Each update is one of Adam, begun afresh, down the gradient of the mean of lambda_i^2, i = 1 to k, with a learning
    rate that falls linearly to 0. The work is done in float64 on the CPU, on a copy; where a number stops being finite
    the parameters stay as they are.

    inputs: (B, T, F), at least two timesteps. told: is called before each update, and may raise what ends the flossing;
    then the parameters are as they were before it.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # matrices so small are faster without a second thread, which waits for the first
    try:
        return _floss(recurrent, inputs, config, told)
    finally:
        torch.set_num_threads(threads)


def _floss(recurrent: Recurrent, inputs: Tensor, config: FlossingConfig, told: Told) -> Flossed:
    own = copy.deepcopy(recurrent).to("cpu", torch.float64)
    driven = inputs.detach().to("cpu", torch.float64)
    optimizer = torch.optim.Adam(own.parameters(), lr=config.learning_rate)
    sizes: list[float] = []
    with torch.enable_grad():
        for done in range(config.steps):
            told(Progress(done, config.steps, sizes[-1] if sizes else None))
            loss = flossing_loss(own, driven, config.exponents)
            sizes.append(math.sqrt(float(loss.detach())))
            if not math.isfinite(sizes[-1]):
                return Flossed(sizes[0], math.nan)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - done / config.steps)
            optimizer.step()
            own.hold_weights()
    with torch.no_grad():
        sizes.append(math.sqrt(float(flossing_loss(own, driven, config.exponents))))
        if math.isfinite(sizes[-1]):
            for parameter, changed in zip(recurrent.parameters(), own.parameters(), strict=True):
                parameter.data.copy_(changed)
    return Flossed(sizes[0], sizes[-1])


def flossing_loss(recurrent: Recurrent, inputs: Tensor, count: int) -> Tensor:
    """Return the mean of lambda_i^2 over the first `count` exponents, a scalar whose gradient flows to the weights.

    inputs: (B, T, F). The exponents are those of `lyapunov_spectrum`, of all layers' states together.
    """
    weights = [tuple(recurrent.layer_weights(layer).values()) for layer in range(recurrent.num_layers)]
    layers = layers_with(recurrent.definition, weights, inputs)
    size = sum(layer.size for layer in layers)
    loss: Tensor = exponents_of(network_steps(layers), len(inputs), size, min(count, size)).square().mean()
    return loss
