"""One timestep of each further cell, written down from its paper alone: nothing of the engine in it."""

from collections.abc import Callable

import torch
from torch import Tensor

from tests.support.unrolled import stack_grads

State = tuple[Tensor, ...]
Weights = dict[str, Tensor]
Step = Callable[[Weights, Tensor, State], State]


def _linear(w: Weights, x: Tensor, h: Tensor) -> Tensor:
    return x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]


def _sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def _g(x: Tensor) -> Tensor:
    return torch.where(x >= 0, x + 0.5, _sigmoid(x))


def orthogonal(phi: Callable[[Tensor], Tensor]) -> Step:
    def step(w: Weights, x: Tensor, state: State) -> State:
        lower = torch.tril(w["weight_hh"])
        matrix = torch.matrix_exp(lower - lower.T)
        return (phi(x @ w["weight_ih"].T + w["bias_ih"] + state[0] @ matrix.T + w["bias_hh"]),)

    return step


def antisymmetric(w: Weights, x: Tensor, state: State) -> State:
    (h,) = state
    matrix = w["weight_hh"] - w["weight_hh"].T - 0.1 * torch.eye(h.shape[1], dtype=h.dtype)
    return (h + 0.1 * torch.tanh(h @ matrix.T + x @ w["weight_ih"].T + w["bias_ih"]),)


def indrnn(phi: Callable[[Tensor], Tensor]) -> Step:
    return lambda w, x, state: (phi(x @ w["weight_ih"].T + w["bias_ih"] + state[0] @ torch.diag(w["weight_hh"])),)


def lstm1997(w: Weights, x: Tensor, state: State) -> State:
    i, g, o = _linear(w, x, state[0]).chunk(3, 1)
    c = state[1] + _sigmoid(i) * torch.tanh(g)
    return _sigmoid(o) * torch.tanh(c), c


def coupled(w: Weights, x: Tensor, state: State) -> State:
    i, g, o = _linear(w, x, state[0]).chunk(3, 1)
    c = (1 - _sigmoid(i)) * state[1] + _sigmoid(i) * torch.tanh(g)
    return _sigmoid(o) * torch.tanh(c), c


def peephole(w: Weights, x: Tensor, state: State) -> State:
    h, c = state
    H = h.shape[1]
    i, f, g, o = _linear(w, x, h).chunk(4, 1)
    p = w["weight_ch"]
    new = _sigmoid(f + c * p[H : 2 * H]) * c + _sigmoid(i + c * p[:H]) * torch.tanh(g)
    return _sigmoid(o + new * p[2 * H :]) * torch.tanh(new), new


def slstm(w: Weights, x: Tensor, state: State) -> State:
    """As the paper has it, without a stabiliser, but that c / n is kept in place of c: its gradient is recorded."""
    h, ratio, log_n = state
    i, f, z, o = _linear(w, x, h).chunk(4, 1)
    n = torch.exp(f) * torch.exp(log_n) + torch.exp(i)
    c = torch.exp(f) * ratio * torch.exp(log_n) + torch.exp(i) * torch.tanh(z)
    ratio = c / n
    return _sigmoid(o) * ratio, ratio, torch.log(n)


def slstm_stabilised(w: Weights, x: Tensor, state: State) -> State:
    """The paper's eqs. 15 to 17: state h, c, n, m."""
    h, c, n, m = state
    i, f, z, o = _linear(w, x, h).chunk(4, 1)
    new_m = torch.maximum(f + m, i)
    c = torch.exp(f + m - new_m) * c + torch.exp(i - new_m) * torch.tanh(z)
    n = torch.exp(f + m - new_m) * n + torch.exp(i - new_m)
    return _sigmoid(o) * c / n, c, n, new_m


def mingru(w: Weights, x: Tensor, state: State) -> State:
    z, candidate = (x @ w["weight_ih"].T + w["bias_ih"]).chunk(2, 1)
    return ((1 - _sigmoid(z)) * state[0] + _sigmoid(z) * _g(candidate),)


def minlstm(w: Weights, x: Tensor, state: State) -> State:
    f, i, candidate = (x @ w["weight_ih"].T + w["bias_ih"]).chunk(3, 1)
    f, i = _sigmoid(f), _sigmoid(i)
    return (f / (f + i) * state[0] + i / (f + i) * _g(candidate),)


def eigenvalues(w: Weights) -> Tensor:
    """lambda of an LRU."""
    return torch.exp(torch.complex(-torch.exp(w["nu_log"]), torch.exp(w["theta_log"])))


def lru(w: Weights, x: Tensor, state: State) -> State:
    """The state of each unit is its real and its imaginary part, one after the other."""
    h = torch.complex(state[0][:, ::2], state[0][:, 1::2])
    drive = x.to(h.dtype) @ torch.complex(w["B_re"], w["B_im"]).T
    h = eigenvalues(w) * h + torch.exp(w["gamma_log"]) * drive
    return (torch.view_as_real(h).flatten(1),)


def lru_output(w: Weights, x: Tensor, h: Tensor) -> Tensor:
    """Re(C h) + D x."""
    state = torch.complex(h[:, ::2], h[:, 1::2])
    return (state @ torch.complex(w["C_re"], w["C_im"]).T).real + x @ w["D"].T


STEPS: dict[tuple[str, str], Step] = {
    ("orthogonal", "tanh"): orthogonal(torch.tanh), ("orthogonal", "relu"): orthogonal(torch.relu),
    ("antisymmetric", "tanh"): antisymmetric,
    ("indrnn", "tanh"): indrnn(torch.tanh), ("indrnn", "relu"): indrnn(torch.relu),
    ("lstm1997", "tanh"): lstm1997, ("peephole", "tanh"): peephole, ("coupled", "tanh"): coupled,
    ("slstm", "tanh"): slstm,
    ("mingru", "tanh"): mingru, ("minlstm", "tanh"): minlstm, ("lru", "tanh"): lru,
}  # fmt: skip
KINDS = list(STEPS)
WITH_CELL_STATE = ("lstm1997", "peephole", "coupled", "slstm")


def unroll(
    kind: tuple[str, str],
    weights: Weights,
    inputs: Tensor,
    layers: int,
    truncation: int | None = None,
    clip: float | None = None,
) -> tuple[Tensor, list[list[State]]]:
    """Return the top layer's outputs (B, T, H), and of each layer and timestep the state, whose gradients are kept.

    weights: name -> what is stored, of all layers. inputs: (B, T, F). clip: largest norm of B dL/dh_t of each sequence.
    """
    step, sequence, states = STEPS[kind], list(inputs.unbind(1)), []
    B, T = inputs.shape[:2]
    for layer in range(layers):
        suffix = f"_l{layer}"
        own = {
            name.removeprefix("parametrizations.").removesuffix(".original").removesuffix(suffix): value
            for name, value in weights.items()
            if name.removesuffix(".original").endswith(suffix)
        }
        H = len(own["D" if kind[0] == "lru" else "weight_hh" if "weight_hh" in own else "weight_ih"])
        H = {"mingru": H // 2, "minlstm": H // 3, "lru": 2 * H, "lstm1997": H // 3, "peephole": H // 4,
             "coupled": H // 3, "slstm": H // 4}.get(kind[0], H)  # fmt: skip
        state: State = (inputs.new_zeros(B, H),) * (2 if kind[0] in WITH_CELL_STATE else 1)
        state += (inputs.new_full((B, H), -1e9),) * (kind[0] == "slstm")  # ln 0, but that it has a gradient
        done = []
        for t, x in enumerate(sequence):
            if truncation is not None and (T - t) % truncation == 0:
                state = tuple(each.detach() for each in state)
            state = step(own, x, state)
            if clip is not None:
                state[0].register_hook(
                    lambda grad: torch.stack(
                        [row * min(1.0, clip / max(float(B * row.norm()), 1e-300)) for row in grad]
                    )
                )
            for each in state:
                each.retain_grad()
            done.append(state)
        states.append(done)
        seen = [h for h, *_ in done]
        sequence = [lru_output(own, x, h) for x, h in zip(sequence, seen, strict=True)] if kind[0] == "lru" else seen
    return torch.stack(sequence, 1), states


def grads_of(states: list[list[State]], place: int = 0) -> Tensor:
    """Return the gradients (L, T, B, W) of h_t, or of c_t (place 1)."""
    return stack_grads([[state[place] for state in layer] for layer in states])
