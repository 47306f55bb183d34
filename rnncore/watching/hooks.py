"""Hooks on a watched module: they see its calls and the direct gradients that come back, and change nothing."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from rnncore.watching.calls import Call
from rnncore.watching.sequences import is_packed


class Listener(Protocol):
    """Who hears of calls and of gradients."""

    @property
    def recording(self) -> bool:
        """Whether this step is recorded."""

    def next_call(self) -> int:
        """Return the number of a new call."""

    def arrived(self, call: Call) -> None:
        """Hear that a backward pass has brought a gradient to a call; said from within the pass."""


def nothing(*_: Any) -> None:
    """Do nothing: what a copied or unpickled model has in place of a watcher's hooks."""


class Before:
    """Notes the state of the generator before a call in which dropout between layers draws from it."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.state: Tensor | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nothing, "__call__")

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Hear that the module is about to run."""
        drops = module.training and self.listener.recording and torch.is_grad_enabled()
        self.state = torch.get_rng_state() if drops else None


class After:
    """Notes a call, and hooks into the gradients of what it returned."""

    def __init__(self, name: str, listener: Listener, before: Before | None) -> None:
        self.name, self.listener, self.before = name, listener, before

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nothing, "__call__")

    def __call__(self, module: nn.RNNBase, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Hear that the module has run."""
        if not self.listener.recording or not torch.is_grad_enabled():
            return
        inputs = args[0] if args else kwargs["input"]
        start = args[1] if len(args) > 1 else kwargs.get("hx")
        generator = None if self.before is None else self.before.state
        call = Call.of(self.name, module, inputs, start, result, generator, self.listener.next_call())
        outputs = result[0].data if is_packed(result[0]) else result[0]
        self._hook(outputs, call, call.add_outputs)
        ends = result[1] if isinstance(result[1], tuple) else (result[1],)
        for place, end in enumerate(ends):
            self._hook(end, call, partial(call.add_end, place))

    def _hook(self, tensor: Tensor, call: Call, add: Callable[[Tensor], None]) -> None:
        listener = self.listener

        def arrive(grad: Tensor | None) -> None:
            if grad is not None and listener.recording:
                add(grad.detach())
                listener.arrived(call)

        if tensor.requires_grad:
            tensor.register_hook(arrive)  # type: ignore[no-untyped-call]


def attach(name: str, module: nn.RNNBase, listener: Listener) -> list[RemovableHandle]:
    """Hook into a recurrent module of torch.nn; the handles take the hooks away again."""
    before = Before(listener) if module.dropout and module.num_layers > 1 else None
    handles = [module.register_forward_hook(After(name, listener, before), with_kwargs=True)]
    if before is not None:
        handles.append(module.register_forward_pre_hook(before))
    return handles
