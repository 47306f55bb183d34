"""Recurrent modules of torch.nn unrolled step by step in plain operations, every state with its gradient kept."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class Unrolled:
    """What came out, and of each layer and direction h_t, c_t and what the layer above saw, (B, ...) per timestep."""

    outputs: Tensor  # (T, B, D W)
    end: tuple[Tensor, ...]
    hidden: list[list[Tensor]] = field(default_factory=list)
    cell: list[list[Tensor]] = field(default_factory=list)
    seen: list[list[Tensor]] = field(default_factory=list)
    ends: list[Tensor] = field(default_factory=list)
    start: list[tuple[Tensor, ...]] = field(default_factory=list)
    lengths: Tensor | None = None


def unroll(
    module: nn.RNNBase,
    x: Tensor,
    start: tuple[Tensor, ...] | None = None,
    lengths: Tensor | None = None,
    masks: list[Tensor] | None = None,
) -> Unrolled:
    """Unroll a module over x (T, B, I); dropout between layers draws from the generator as torch.nn's own does.

    masks: those of dropout instead, one for each layer but the last: (T, B, F), or of packed rows (N, F).
    """
    T, B, _ = x.shape
    D, H, W = 2 if module.bidirectional else 1, module.hidden_size, module.proj_size or module.hidden_size
    lstm = module.mode == "LSTM"
    within = torch.ones(T, B, dtype=torch.bool) if lengths is None else torch.arange(T)[:, None] < lengths
    done = Unrolled(x, (), lengths=lengths)
    finals: list[list[Tensor]] = []
    for layer in range(module.num_layers):
        sides = []
        for d in range(D):
            row = layer * D + d
            own = (
                tuple(each[row].detach().clone().requires_grad_() for each in start)
                if start
                else tuple(x.new_zeros(B, size).requires_grad_() for size in (W, H)[: 1 + lstm])
            )
            done.start.append(own)
            state, hidden, cell, seen = own, [None] * T, [None] * T, [None] * T
            for t in reversed(range(T)) if d else range(T):
                new = _step(module, f"_l{layer}" + ("_reverse" if d else ""), x[t], state)
                for each in new:
                    each.retain_grad()
                hidden[t] = new[0]
                cell[t] = new[1] if lstm else None
                state = tuple(torch.where(within[t][:, None], a, b) for a, b in zip(new, state, strict=True))
                seen[t] = new[0] * within[t][:, None]
                seen[t].retain_grad()
            final = tuple(each * 1 for each in state)
            final[0].retain_grad()
            done.hidden.append(hidden)
            done.cell.append(cell)
            done.seen.append(seen)
            done.ends.append(final[0])
            finals.append(list(final))
            sides.append(torch.stack(seen))
        x = torch.cat(sides, -1)
        done.outputs = x
        if module.dropout and layer < module.num_layers - 1:
            given = None if masks is None else masks[layer]
            if lengths is None:
                x = F.dropout(x, module.dropout, module.training) if given is None else x * given
            else:  # torch draws for the packed rows alone: by time, the longest sequence first
                order = lengths.argsort(descending=True, stable=True)
                rows = [(t, int(b)) for t in range(T) for b in order if t < lengths[b]]
                mask = given
                if mask is None:
                    mask = F.dropout(x.new_ones(len(rows), x.shape[-1]), module.dropout, module.training)
                full = torch.zeros_like(x)
                for (t, b), each in zip(rows, mask, strict=True):
                    full[t, b] = each
                x = x * full
    done.end = tuple(torch.stack(each) for each in zip(*finals, strict=True))
    return done


def _step(module: nn.RNNBase, end: str, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    def weight(name: str) -> Tensor | None:
        return getattr(module, name + end, None)

    a = F.linear(x, weight("weight_ih"), weight("bias_ih"))
    b = F.linear(state[0], weight("weight_hh"), weight("bias_hh"))
    if module.mode == "RNN_TANH":
        return ((a + b).tanh(),)
    if module.mode == "RNN_RELU":
        return ((a + b).relu(),)
    if module.mode == "GRU":
        (r1, z1, n1), (r2, z2, n2) = a.chunk(3, -1), b.chunk(3, -1)
        r, z = (r1 + r2).sigmoid(), (z1 + z2).sigmoid()
        return ((1 - z) * (n1 + r * n2).tanh() + z * state[0],)
    i, f, g, o = (a + b).chunk(4, -1)
    c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (F.linear(h, weight("weight_hr")) if module.proj_size else h), c


def _grad(tensor: Tensor) -> np.ndarray:
    return (torch.zeros_like(tensor) if tensor.grad is None else tensor.grad).numpy()


def expected(done: Unrolled, first: int | None = None) -> dict[str, np.ndarray | None]:
    """Return what a `Profile` must hold, after the backward pass: (R, T), or (R,) for the initial states."""
    T, B = len(done.hidden[0]), done.hidden[0][0].shape[0]
    lengths = np.full(B, T) if done.lengths is None else done.lengths.numpy()
    lengths = lengths[:first]
    longest = lengths.max()

    def means(grads: np.ndarray) -> np.ndarray:  # (T, B, W)
        norms = np.sqrt((grads**2).sum(-1))
        return np.array(
            [
                np.mean([norms[length - lag, b] for b, length in enumerate(lengths) if length >= lag])
                for lag in range(longest, 0, -1)
            ]
        )

    def stacked(steps: list[Tensor]) -> np.ndarray:
        return np.stack([_grad(each) for each in steps])

    direct = []
    bidirectional = done.outputs.shape[-1] == 2 * done.ends[0].shape[-1]
    for row, seen in enumerate(done.seen):
        own = stacked(seen)
        for b in range(B):
            last = 0 if bidirectional and row % 2 else (T if done.lengths is None else int(done.lengths[b])) - 1
            own[last, b] += _grad(done.ends[row])[b]
        direct.append(means(own))
    lstm = done.cell[0][0] is not None
    start = [[np.sqrt((_grad(each)[:first] ** 2).sum(-1)).mean() for each in own] for own in done.start]
    return {
        "hidden": np.stack([means(stacked(each)) for each in done.hidden]),
        "direct": np.stack(direct),
        "cell": np.stack([means(stacked(each)) for each in done.cell]) if lstm else None,
        "start": np.array([each[0] for each in start]),
        "start_cell": np.array([each[1] for each in start]) if lstm else None,
        "count": np.array([(lengths >= lag).sum() for lag in range(longest, 0, -1)], float),
    }
