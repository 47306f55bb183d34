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
    return Flossing(recurrent, inputs, config).finish(recurrent, told)


class Flossing:
    """The flossing of a network before one step: it can be left between two updates, and gone on with later.

    It has the same arguments as `floss`, which does all of it at once.
    """

    def __init__(self, recurrent: Recurrent, inputs: Tensor, config: FlossingConfig) -> None:
        self._config = config
        self._own = copy.deepcopy(recurrent).to("cpu", torch.float64)
        self._driven = inputs.detach().to("cpu", torch.float64)
        self._optimizer = torch.optim.Adam(self._own.parameters(), lr=config.learning_rate)
        self._sizes: list[float] = []  # root mean squares of the exponents before each update, and after the last one

    def finish(self, recurrent: Recurrent, told: Told = nobody) -> Flossed:
        """Do the updates that are left, then change the parameters of `recurrent`; what is done is not done again."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # matrices so small are faster without a second thread, which waits for the first
        try:
            with torch.enable_grad():
                while self._finite and len(self._sizes) < self._config.steps:
                    self._update(told)
            with torch.no_grad():
                if self._finite and len(self._sizes) == self._config.steps:
                    self._sizes.append(self._size(self._loss()))
        finally:
            torch.set_num_threads(threads)
        if not self._finite:
            return Flossed(self._sizes[0], math.nan if len(self._sizes) <= self._config.steps else self._sizes[-1])
        for parameter, changed in zip(recurrent.parameters(), self._own.parameters(), strict=True):
            parameter.data.copy_(changed.detach())
        return Flossed(self._sizes[0], self._sizes[-1])

    @property
    def _finite(self) -> bool:
        return not self._sizes or math.isfinite(self._sizes[-1])

    def _loss(self) -> Tensor:
        return flossing_loss(self._own, self._driven, self._config.exponents)

    @staticmethod
    def _size(loss: Tensor) -> float:
        return math.sqrt(float(loss.detach()))

    def _update(self, told: Told) -> None:
        config, done = self._config, len(self._sizes)
        told(Progress(done, config.steps, self._sizes[-1] if self._sizes else None))
        loss = self._loss()
        self._sizes.append(self._size(loss))
        if not self._finite:
            return
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - done / config.steps)
        self._optimizer.step()
        self._own.hold_weights()


def flossing_loss(recurrent: Recurrent, inputs: Tensor, count: int) -> Tensor:
    """Return the mean of lambda_i^2 over the first `count` exponents, a scalar whose gradient flows to the weights.

    inputs: (B, T, F). The exponents are those of `lyapunov_spectrum`, of all layers' states together.
    """
    weights = [tuple(recurrent.layer_weights(layer).values()) for layer in range(recurrent.num_layers)]
    layers = layers_with(recurrent.definition, weights, inputs)
    size = sum(layer.size for layer in layers)
    loss: Tensor = exponents_of(network_steps(layers), len(inputs), size, min(count, size)).square().mean()
    return loss
