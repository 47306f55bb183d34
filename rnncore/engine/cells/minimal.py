"""minGRU and minLSTM: gates and candidates of the input alone, h_t = a_t h_{t-1} + b_t with a_t and b_t above 0."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncore.engine.cells.definition import CellDefinition, Step, Weights
from rnncore.engine.cells.elementwise import by_pieces, scan_elementwise
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape


def positive(x: Tensor) -> Tensor:
    """Return g(x) = x + 1/2 from 0 on, sigmoid(x) below: candidates above 0 (Feng et al. 2024, appendix B.3)."""
    return torch.where(x >= 0, x + 0.5, x.sigmoid())


def log_positive(x: Tensor) -> Tensor:
    """Return ln g(x)."""
    return torch.where(x >= 0, (x.relu() + 0.5).log(), F.logsigmoid(x))


def log_space_scan(log_factors: Tensor, log_added: Tensor) -> Tensor:
    """Return h_t = a_t h_{t-1} + b_t (T, B, W), h_0 = 0, of ln a_t and ln b_t, all timesteps at once.

    h_t = exp(s_t + ln sum_{k <= t} exp(ln b_k - s_k)), s_t the sum of ln a up to t (Heinsen 2023; Feng et al. 2024,
    appendix B.2): two sums along the sequence, which a device with many cores does in parallel.
    """
    sums = log_factors.cumsum(0)
    return (sums + (log_added - sums).logcumsumexp(0)).exp()


class Minimal(CellDefinition):
    """What minGRU and minLSTM share: gates known from the inputs, so that a step is one product and one sum."""

    def reset(self, weights: Mapping[str, Tensor]) -> None:
        """Draw as torch's Linear does: all from U(-1/sqrt(I), 1/sqrt(I)), I the number of inputs."""
        bound = weights["weight_ih"].shape[1] ** -0.5
        for parameter in weights.values():
            nn.init.uniform_(parameter, -bound, bound)

    @abstractmethod
    def terms(self, inputs: Tensor, weights: Weights) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Return a_t, b_t and the gates that are shown, (..., H) each, for inputs (..., I)."""

    @abstractmethod
    def log_terms(self, inputs: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
        """Return ln a_t and ln b_t, (..., H) each, for inputs (..., I)."""

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """h_t = a_t h_{t-1} + b_t."""
        factors, added, gates = self.terms(inputs, weights)
        return Step((factors * state[0] + added,), gates)

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Do all timesteps at once; on an accelerator, where no gradient is wanted, in log-space."""
        if inputs.device.type != "cpu" and not torch.is_grad_enabled():
            return log_space_scan(*self.log_terms(inputs, weights))
        numbers = 3 * len(self.entry.blocks) * self.hidden_size
        factors, added = by_pieces(lambda x: self.terms(x, weights)[:2], inputs, numbers)
        return scan_elementwise(factors, added, recursion, tape)

    def states(self, inputs: Tensor, weights: Weights) -> State:
        """Return h_t alone: nothing else goes on."""
        return (self.scan(inputs, weights, Recursion(), None),)

    def gates(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return the gates: they follow from the inputs in one product."""
        return torch.stack(self.terms(inputs, weights)[2], 2)


class MinGru(Minimal):
    """The minGRU (Feng et al. 2024, "Were RNNs all we needed?", section 3.1, in its log-space form with g)."""

    def terms(self, inputs: Tensor, weights: Weights) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """z_t = sigmoid(W x_t + b), h_t = (1 - z_t) h_{t-1} + z_t g(V x_t + c)."""
        update, candidate = F.linear(inputs, *weights).chunk(2, -1)
        z = update.sigmoid()
        return (-update).sigmoid(), z * positive(candidate), (z,)

    def log_terms(self, inputs: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
        """ln(1 - z_t) and ln(z_t g(...)), neither of which can underflow."""
        update, candidate = F.linear(inputs, *weights).chunk(2, -1)
        return F.logsigmoid(-update), F.logsigmoid(update) + log_positive(candidate)


class MinLstm(Minimal):
    """The minLSTM (Feng et al. 2024, section 3.2, in its log-space form with g): the gates add up to 1."""

    def terms(self, inputs: Tensor, weights: Weights) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """f, i = sigmoid(W x_t + b), h_t = f/(f + i) h_{t-1} + i/(f + i) g(V x_t + c); both quotients are shown."""
        forget, enter, candidate = F.linear(inputs, *weights).chunk(3, -1)
        # f/(f + i) = sigmoid(ln f - ln i), which no large preactivation makes 0/0
        difference = F.logsigmoid(forget) - F.logsigmoid(enter)
        f, i = difference.sigmoid(), (-difference).sigmoid()
        return f, i * positive(candidate), (f, i)

    def log_terms(self, inputs: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
        """ln(f/(f + i)) and ln(i/(f + i) g(...))."""
        forget, enter, candidate = F.linear(inputs, *weights).chunk(3, -1)
        difference = F.logsigmoid(forget) - F.logsigmoid(enter)
        return F.logsigmoid(difference), F.logsigmoid(-difference) + log_positive(candidate)
