"""Hooks on a watched module: they see its calls and the gradients that come back.

They change nothing, but for one case: `one_by_one` says why the result of a module with dropout between its layers is
another one where a backend does not tell the masks.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.hooks import RemovableHandle

from rnncore.watching import one_by_one
from rnncore.watching.calls import Call
from rnncore.watching.loops import CellCall
from rnncore.watching.sequences import is_packed
from rnncore.watching.supported import UNKNOWN_MASKS, drops_between_layers, other_masks, tells_masks

AnyCall = Call | CellCall


class Listener(Protocol):
    """Who hears of calls and of gradients."""

    @property
    def recording(self) -> bool:
        """Whether this step is recorded."""

    def next_call(self, name: str) -> int:
        """Hear that a module was called; return the number of the call."""

    def note(self, name: str, reason: str) -> None:
        """Hear why a call of a module is not recorded."""

    def tell(self, sentence: str) -> None:
        """Say a sentence once."""

    def spending(self) -> AbstractContextManager[None]:
        """Count the time of a block as taken by recording."""

    def arrived(self, call: AnyCall) -> bool:
        """Hear, from within it, that a backward pass brings a gradient to a call; return whether that is trained by."""


def nothing(*_: Any) -> None:
    """Do nothing: what a copied or unpickled model has in place of a watcher's hooks."""


@contextmanager
def _guarded(name: str, listener: Listener) -> Iterator[None]:
    """Make an error of ours a note: it stands within the user's own forward or backward pass, and must not end it."""
    try:
        yield
    except Exception as error:
        listener.note(name, f"{type(error).__name__}: {error}".rstrip("."))


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

    def __init__(self, name: str, listener: Listener, before: Before | None, parametrized: dict[str, Tensor]) -> None:
        self.name, self.listener, self.before, self.parametrized = name, listener, before, parametrized

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nothing, "__call__")

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """Hear that the module has run; return another result where its masks are not told, else None."""
        if not self.listener.recording or not torch.is_grad_enabled():
            return None
        with self.listener.spending(), _guarded(self.name, self.listener):
            return self._note(module, args, kwargs, result)
        return None  # type: ignore[unreachable]  # after an error

    def _note(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        if _transformed(result):
            self.listener.note(
                self.name, "it was called within a transform of torch.func, whose gradients are not told"
            )
            return None
        inputs = args[0] if args else kwargs["input"]
        start = args[1] if len(args) > 1 else kwargs.get("hx")
        number = self.listener.next_call(self.name)
        if isinstance(module, nn.RNNBase):
            return self._note_layers(module, inputs, start, result, number)
        if isinstance(module, nn.RNNCellBase):
            call = CellCall.of(self.name, module, inputs, start, result, number, self.parametrized)
            for place, end in enumerate(result if isinstance(result, tuple) else (result,)):
                self._hook(end, call, partial(call.add_end, place))
        return None

    def _note_layers(self, module: nn.RNNBase, inputs: Any, start: Any, result: Any, number: int) -> Any:
        generator = None if self.before is None else self.before.state
        other, masks, device = None, None, result[1][0].device.type
        if generator is not None and not tells_masks(device):
            if _may_run_again():
                self.listener.note(self.name, UNKNOWN_MASKS.format(device))
                return None
            other, masks = one_by_one.run(module, inputs, start, number)
            self.listener.tell(other_masks(self.name, device))
            result, generator = other, None
        call = Call.of(self.name, module, inputs, start, result, generator, number, masks)
        self._hook(result[0].data if is_packed(result[0]) else result[0], call, call.add_outputs)
        for place, end in enumerate(result[1] if isinstance(result[1], tuple) else (result[1],)):
            self._hook(end, call, partial(call.add_end, place))
        return other

    def _hook(self, tensor: Tensor, call: AnyCall, add: Callable[[Tensor], None]) -> None:
        name, listener = self.name, self.listener

        def arrive(grad: Tensor | None) -> None:
            if grad is not None and listener.recording:
                with listener.spending(), _guarded(name, listener):
                    call.spoilt = call.spoilt or (call.twice and not torch.is_grad_enabled())
                    call.twice = call.twice or torch.is_grad_enabled()  # that is what create_graph=True looks like
                    if listener.arrived(call):
                        add(grad.detach())

        if tensor.requires_grad:
            tensor.register_hook(arrive)  # type: ignore[no-untyped-call]


def _may_run_again() -> bool:
    """Tell whether a call is a checkpointed one, or its repetition in a backward pass: both need the same masks."""
    hooked = torch._C._autograd._top_saved_tensors_default_hooks(False) is not None
    return hooked or torch._C._current_graph_task_id() != -1


class Weight:
    """Keeps a weight that a parametrization works out, such as a normalized one, each time that it does so."""

    def __init__(self, name: str, kept: dict[str, Tensor]) -> None:
        self.name, self.kept = name, kept

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nothing, "__call__")

    def __call__(self, module: nn.Module, args: tuple[Any, ...], weight: Tensor) -> None:
        """Hear of the weight."""
        self.kept[self.name] = weight


def _transformed(result: Any) -> bool:
    """Tell whether torch.func (grad, vmap, ...) works with what a module returned."""
    tensor = result
    while isinstance(tensor, tuple):  # also a PackedSequence
        tensor = tensor[0]
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))


class Answers:
    """Reads the loss off what a model answers."""

    def __init__(self, hear: Callable[[Tensor], None]) -> None:
        self.hear = hear

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nothing, "__call__")

    def __call__(self, module: nn.Module, args: tuple[Any, ...], answer: Any) -> None:
        """Hear that the model has answered."""
        loss = answer.get("loss") if isinstance(answer, Mapping) else getattr(answer, "loss", None)
        if isinstance(loss, Tensor):
            self.hear(loss)


def attach(name: str, module: nn.Module, listener: Listener) -> list[RemovableHandle]:
    """Hook into a recurrent module of torch.nn, or into a cell; the handles take the hooks away again."""
    before = Before(listener) if drops_between_layers(module) else None
    weights: dict[str, Tensor] = {}
    # first of all hooks: what others make of the result is not what the module returned
    after = After(name, listener, before, weights)
    handles = [module.register_forward_hook(after, with_kwargs=True, prepend=True)]
    if before is not None:
        handles.append(module.register_forward_pre_hook(before))
    if isinstance(module, nn.RNNCellBase) and is_parametrized(module):
        worked_out: Any = module.parametrizations
        handles += [each.register_forward_hook(Weight(key, weights)) for key, each in worked_out.items()]
    return handles
