"""What one call of a watched module saw, and the direct gradients that the backward pass brings to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

from rnncore.watching.sequences import Layout, is_packed, layout_of

State = tuple[Tensor, ...]  # h, and of an LSTM c, each (R, B, W) or (R, W)


@dataclass(slots=True, eq=False)
class Call:
    """References to what a module was called with and what it returned, all detached; nothing is copied.

    inputs, outputs: as the module has them. start: the given initial state, None for zeros. end: its final state.
    weights: those that it used. autocast: the dtype of mixed precision, None without. generator: the state of the
    CPU's generator before the call, where dropout between layers drew from it. masks: of that dropout, where they are
    kept instead. versions: of what it read (see `changed`), and of its outputs. weight: the node of the graph at which
    the gradient of a weight arrives, None of a frozen module. number: of the call among all of the lab. twice: whether
    a pass that is differentiated itself has come by; spoilt: and another one after it, which brings gradients by ways
    that are not known.
    grad_outputs, grad_end: what the backward passes have brought so far.
    """

    name: str
    module: nn.RNNBase
    layout: Layout
    inputs: Tensor
    outputs: Tensor
    start: State | None
    end: State
    weights: list[Tensor]
    weight: Any
    autocast: torch.dtype | None
    generator: Tensor | None
    versions: tuple[tuple[int, ...], int]
    number: int
    masks: list[Tensor] | None = None
    twice: bool = False
    spoilt: bool = False
    grad_outputs: Tensor | None = None
    grad_end: list[Tensor | None] = field(default_factory=list)

    @classmethod
    def of(
        cls, name: str, module: nn.RNNBase, inputs: Any, start: Any, result: Any, generator: Tensor | None, number: int,
        masks: list[Tensor] | None = None,
    ) -> "Call":  # fmt: skip
        """Note down a call of a module: its inputs, the initial state that it was given, and what it returned."""
        layout = layout_of(inputs, module.batch_first)
        outputs = result[0].data if is_packed(result[0]) else result[0]
        inputs = inputs.data if is_packed(inputs) else inputs
        device = inputs.device.type
        autocast = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        before, end = _detached(start), _detached(result[1])
        assert end is not None
        weights = [weight.detach() for weight in module._flat_weights if weight is not None]
        versions = versions_of(inputs, before, weights), outputs._version
        return cls(
            name, module, layout, inputs.detach(), outputs.detach(), before, end, weights,
            node_of(module._flat_weights), autocast, generator, versions, number, masks, grad_end=[None] * len(end),
        )  # fmt: skip

    def add_outputs(self, grad: Tensor) -> None:
        """Add what a backward pass brought to the outputs."""
        self.grad_outputs = grad if self.grad_outputs is None else self.grad_outputs + grad

    def add_end(self, place: int, grad: Tensor) -> None:
        """Add what a backward pass brought to the final h (place 0) or c (1)."""
        before = self.grad_end[place]
        self.grad_end[place] = grad if before is None else before + grad

    @property
    def batch(self) -> int:
        """Of how many sequences it is."""
        return self.layout.state(self.end[0]).shape[1]

    @property
    def changed(self) -> str | None:
        """What the call read and somebody has changed in place since: without it the gates cannot be worked out."""
        return changed(self.versions[0], versions_of(self.inputs, self.start, self.weights))

    @property
    def untouched(self) -> bool:
        """Whether nobody has changed the outputs in place since the call."""
        return self.outputs._version == self.versions[1]


def versions_of(inputs: Tensor, start: State | None, weights: Iterable[Tensor]) -> tuple[int, ...]:
    """Return how often what a call reads has been changed in place: its inputs, its initial state, its weights."""
    return tuple(sum(each._version for each in part) for part in ((inputs,), start or (), weights))


def changed(before: tuple[int, ...], now: tuple[int, ...]) -> str | None:
    """Say which of what a call reads has been changed, by `versions_of` then and now."""
    words = ("its inputs were", "its initial state was", "its weights were")
    return next((each for each, a, b in zip(words, before, now, strict=True) if a != b), None)


def node_of(weights: Iterable[Tensor | None]) -> Any:
    """Return the node of the graph at which the gradient of the first weight that wants one arrives."""
    wanted = next((each for each in weights if each is not None and each.requires_grad), None)
    return None if wanted is None else get_gradient_edge(wanted).node


def _detached(state: Tensor | Sequence[Tensor] | None) -> State | None:
    if state is None:
        return None
    return (state.detach(),) if isinstance(state, Tensor) else tuple(each.detach() for each in state)
