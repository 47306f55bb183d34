"""The linear recurrent unit: h_t = lambda h_{t-1} + gamma (B x_t), complex and unit by unit; y = Re(C h) + D x."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncore.engine.cells.definition import CellDefinition, Step, Weights
from rnncore.engine.cells.elementwise import as_real, by_pieces, scan_elementwise
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.jacobian import Jacobian
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape

RING = (0.9, 0.999)  # |lambda| at the start: the paper's choice for long sequences (table 8)
MAX_PHASE = 2 * math.pi  # largest angle of lambda at the start


def parts_of(states: Tensor) -> tuple[Tensor, Tensor]:
    """Return real and imaginary parts (..., H) of states (..., 2 H)."""
    re, im = states.view(*states.shape[:-1], -1, 2).unbind(-1)
    return re, im


class Lru(CellDefinition):
    """The LRU (Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences", section 3).

    A unit is complex: its state is real and imaginary part one after the other, W = 2 H.
    """

    def reset(self, weights: Mapping[str, Tensor]) -> None:
        """Draw eigenvalues evenly on a ring (lemma 3.2), and B, C, D so that no state or output grows (appendix A).

        gamma = sqrt(1 - |lambda|^2) lets white noise of variance 1 give states of E |h|^2 = 1 (section 3.4).
        """
        low, high = (radius**2 for radius in RING)
        nu, theta, gamma = weights["nu_log"], weights["theta_log"], weights["gamma_log"]
        nn.init.uniform_(nu, low, high)  # |lambda|^2
        nn.init.uniform_(theta, 1e-6, MAX_PHASE)  # above 0, whose logarithm is not finite
        with torch.no_grad():
            gamma.copy_((1 - nu).sqrt().log())
            nu.copy_((-0.5 * nu.log()).log())  # |lambda| = exp(-exp(nu_log))
            theta.log_()
        for name, variance in (("B", 0.5), ("C", 1.0)):
            for part in ("re", "im"):
                parameter = weights[f"{name}_{part}"]
                nn.init.normal_(parameter, 0.0, math.sqrt(variance / parameter.shape[1]))
        nn.init.normal_(weights["D"])

    def start(self, inputs: Tensor) -> State:
        """Return zeros (B, 2 H)."""
        return (inputs.new_zeros(len(inputs), 2 * self.hidden_size),)

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """h_t = lambda h_{t-1} + gamma (B x_t), in real numbers."""
        size, angle, drive_re, drive_im = self._terms(inputs, weights)
        re, im = parts_of(state[0])
        turn_re, turn_im = size * angle.cos(), size * angle.sin()
        new = (turn_re * re - turn_im * im + drive_re, turn_re * im + turn_im * re + drive_im)
        return Step((torch.stack(new, -1).flatten(-2),))

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Do all timesteps at once, in complex numbers."""

        def driven(x: Tensor) -> tuple[Tensor]:
            _, _, re, im = self._terms(x, weights)
            return (torch.complex(re, im),)

        size, angle, *_ = self._terms(inputs[:1], weights)
        (drive,) = by_pieces(driven, inputs, 6 * self.hidden_size)
        return as_real(scan_elementwise(torch.polar(size, angle), drive, recursion, tape))

    def states(self, inputs: Tensor, weights: Weights) -> State:
        """Return h_t alone: nothing else goes on."""
        return (self.scan(inputs, weights, Recursion(), None),)

    def jacobian(self, inputs: Tensor, before: State, weights: Weights) -> Jacobian:
        """Return the same at all timesteps: [[Re, -Im], [Im, Re]] of lambda for each unit, and gamma B."""
        _, _, gamma_log, b_re, b_im, *_ = weights
        size, angle, *_ = self._terms(inputs[:1], weights)
        re, im = (size * angle.cos()).diag_embed(), (size * angle.sin()).diag_embed()  # (H, H)
        rows = torch.stack([torch.stack([re, -im], -1), torch.stack([im, re], -1)], 1)  # (H, 2, H, 2)
        by_state = rows.flatten(2).flatten(0, 1)
        by_input = (gamma_log.exp()[:, None, None] * torch.stack([b_re, b_im], 1)).flatten(0, 1)  # (2 H, I)
        return Jacobian(by_state.expand(len(inputs), -1, -1), by_input.expand(len(inputs), -1, -1))

    def outputs(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return Re(C h_t) + D x_t, (T, B, H)."""
        *_, c_re, c_im, skip = weights
        re, im = parts_of(states)
        return F.linear(re, c_re) - F.linear(im, c_im) + F.linear(inputs, skip)

    def _terms(self, inputs: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return |lambda| and the angle of lambda (H,), and both parts of gamma (B x_t), (..., H)."""
        nu_log, theta_log, gamma_log, b_re, b_im, *_ = weights
        gamma = gamma_log.exp()
        return (-nu_log.exp()).exp(), theta_log.exp(), gamma * F.linear(inputs, b_re), gamma * F.linear(inputs, b_im)
