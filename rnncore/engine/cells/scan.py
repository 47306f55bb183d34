"""What the scans over time have in common: reused buffers, chunks, clipping inside the recursion, weight gradients.

A scan is an autograd Function over a whole sequence, time first. Its forward pass writes every gate of every timestep
into one buffer; its backward pass turns those in place into local derivatives, many timesteps at once, and then needs
one matrix product and a few multiplications per step. The buffer that carries dL/dh_t through the recursion is the
total state gradient itself, so that recording it costs nothing.

All of it works on one network, (T, B, ...), and on S networks of one shape at once, (S, T, B, ...), with weights
(S, ...): sizes are counted from the end, and matrix products are those of stacks.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

# torch.ops.aten's fused local derivatives: one pass over memory each, and exact where the unit is saturated
tanh_backward = torch.ops.aten.tanh_backward.grad_input  # grad * (1 - y^2)
sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input  # grad * (1 - y) * y

# Bytes that a pass over one chunk of timesteps touches; more than a core's caches hold costs a tenth of the time.
CACHE = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Recursion:
    """What happens to the state gradient on its way back through time.

    truncation: it does not cross the borders between segments of this many timesteps, counted from the end.
    clip: the gradient of each sequence's own loss by h_t is scaled down to this L2 norm wherever it is longer, before
    it goes on to h_{t-1} and to the weights; of S networks one norm each, (S, 1) float64.
    """

    truncation: int | None = None
    clip: float | Tensor | None = None

    def flows(self, seq_len: int) -> list[bool]:
        """Return for each t from 0 to T whether gradients go from step t to step t - 1."""
        length = self.truncation or seq_len
        return [0 < t < seq_len and (seq_len - t) % length != 0 for t in range(seq_len + 1)]


def chunks(seq_len: int, bytes_per_step: int) -> list[range]:
    """Return the timesteps in chunks of equal length (the last may be shorter), as many as fit the cache."""
    most = max(1, CACHE // bytes_per_step)
    length = -(-seq_len // -(-seq_len // most))
    return [range(start, min(start + length, seq_len)) for start in range(0, seq_len, length)]


def row_norms(grad: Tensor) -> Tensor:
    """Return the L2 norms (...) of the rows of (..., H), float64, so that neither 1e-37 nor 1e37 is lost in squares."""
    grad = grad.cpu() if grad.device.type == "mps" else grad  # MPS knows no float64
    norms: Tensor = torch.linalg.vector_norm(grad.double(), dim=-1)  # converted first: 6 times faster, the same bits
    return norms


def clip_rows_(grad: Tensor, threshold: float | Tensor) -> None:
    """Scale down each sequence's gradient in place; grad (B, H) is that of the mean loss, its rows carry the 1/B."""
    norms = row_norms(grad) * grad.shape[-2]  # (B,)
    grad.mul_((threshold / norms.clamp(min=threshold)).to(grad).unsqueeze(-1))


def fast_tanh(device: torch.device) -> Callable[..., Any]:
    """Return tanh(x, out=y) for the arrays of `arrays`.

    On the CPU that is numpy's: 1.1e-7 relative at worst in float32, and 5 times faster than torch's (measured: 1.1
    us instead of 6.0 us for 2,048 numbers on AVX-512).
    """
    return np.tanh if device.type == "cpu" else torch.tanh


def arrays(steps: Tensor) -> Sequence[Any]:
    """Return one view per timestep of (T, ...) for `fast_tanh`: numpy arrays of the same memory, or tensors."""
    if steps.device.type != "cpu":
        return steps.unbind(-3)
    return list(steps.numpy() if steps.dim() == 3 else np.moveaxis(steps.numpy(), -3, 0))


def slices(chunk: range) -> tuple[slice, slice, slice]:
    """Return the timesteps of a chunk, those of them that follow another timestep, and the timesteps before these."""
    later = max(chunk.start, 1)
    return slice(chunk.start, chunk.stop), slice(later, chunk.stop), slice(later - 1, chunk.stop - 1)


def during(steps: Tensor, part: slice) -> Tensor:
    """Return a view of some timesteps of (T, B, G)."""
    return steps[..., part, :, :]


def flat(steps: Tensor) -> Tensor:
    """Return a view (t B, G) of (t, B, G)."""
    *stack, t, B, G = steps.shape
    return steps.view(*stack, t * B, G)


def affine(bias: Tensor, rows: Tensor, weight: Tensor, out: Tensor) -> None:
    """Write bias (G,) + rows (N, I) weight (I, G) to `out`."""
    if rows.dim() == 2:
        torch.addmm(bias, rows, weight, out=out)
    else:
        torch.baddbmm(bias.unsqueeze(-2), rows, weight, out=out)


def product(rows: Tensor, weight: Tensor, out: Tensor) -> Tensor:
    """Write rows (N, G) weight (G, I) to `out` and return it."""
    return (torch.mm if rows.dim() == 2 else torch.bmm)(rows, weight, out=out)


def add_product(rows: Tensor, weight: Tensor, out: Tensor) -> Tensor:
    """Add rows (N, G) weight (G, I) to `out` and return it."""
    return out.addmm_(rows, weight) if rows.dim() == 2 else out.baddbmm_(rows, weight)


Stepping = Callable[[Tensor, Tensor, Tensor], Tensor]


def stepping(states: Tensor) -> Stepping:
    """Return function(out, h, W): out + h W, in place, for one timestep of states (T, B, H)."""
    if states.dim() == 3:
        return Tensor.addmm_
    products: dict[int, Tensor] = {}  # contiguous memory, which torch's stacks of products need to be one call

    def step(out: Tensor, h: Tensor, weight: Tensor) -> Tensor:
        room = products.get(out.shape[-1])
        if room is None:
            room = products[out.shape[-1]] = torch.empty_like(out, memory_format=torch.contiguous_format)
        return out.add_(torch.bmm(h, weight, out=room))

    return step


class OuterSum:
    """sum_n grads_n (x) inputs_n over all rows n, gathered chunk by chunk: the gradient of a weight matrix."""

    def __init__(self, weight: Tensor) -> None:
        self.narrow = (
            weight.shape[-1] * 4 <= weight.shape[-2]
        )  # then the product the other way round is faster, up to 8x
        self.sum = torch.zeros_like(weight.mT if self.narrow else weight, memory_format=torch.contiguous_format)

    def add(self, grads: Tensor, inputs: Tensor) -> None:
        """Add the rows of grads (N, G) and inputs (N, I)."""
        if self.narrow:
            add_product(inputs.mT, grads, self.sum)
        else:
            add_product(grads.mT, inputs, self.sum)

    @property
    def total(self) -> Tensor:
        """The sum (G, I)."""
        return self.sum.mT if self.narrow else self.sum


Key = tuple[torch.Size, torch.dtype, torch.device]  # the shape is (T, B, H) or (S, T, B, H)


class Buffers(Protocol):
    """What a scan keeps from its forward to its backward pass; `key` is the shape it was built for."""

    key: Key


BuffersT = TypeVar("BuffersT", bound=Buffers)


class Pool(Generic[BuffersT]):
    """Buffers of one kind of scan, used again from step to step: fresh memory would cost page faults.

    Buffers belong to one graph from its forward to its backward pass; graphs that live at the same time have buffers
    of their own. Those of the `KEPT` most recent shapes are kept. They are inference tensors: operations on them are
    spared torch's bookkeeping for autograd, and allowed under `torch.inference_mode()` only. A copy of a pool is empty.
    """

    KEPT = 3

    def __init__(self, build: Callable[[Key], BuffersT]) -> None:
        self._build = build
        self._free: OrderedDict[Key, list[BuffersT]] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._build,)

    def take(self, states: Tensor) -> BuffersT:
        """Return buffers for states (T, B, H) that nobody else uses; what they hold is arbitrary."""
        key = (states.shape, states.dtype, states.device)
        with self._lock:
            free = self._free.setdefault(key, [])
            self._free.move_to_end(key)
            while len(self._free) > self.KEPT:
                self._free.popitem(last=False)
            if free:
                return free.pop()
        with torch.inference_mode():
            return self._build(key)

    def give_back(self, buffers: BuffersT) -> None:
        """Take buffers back, for the next graph of their shape."""
        with self._lock:
            if buffers.key in self._free:
                self._free[buffers.key].append(buffers)
