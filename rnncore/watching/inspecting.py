"""An instrument of a watched module, read in the program that trains it: only there are its weights."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rnncore.engine.instruments import NotDefinedError
from rnncore.engine.readings.module import Seen
from rnncore.key_of import either
from rnncore.on_demand import NEEDS, ON_DEMAND, why_unwatched
from rnncore.reading import Reading
from rnncore.watching.asking import Ask, read_seen
from rnncore.watching.calls import Call
from rnncore.watching.layers import go_back
from rnncore.watching.loops import CellCall, go_back_cells
from rnncore.watching.seeing import Kept, calls_seen, loop_seen

if TYPE_CHECKING:
    from rnncore.watching.lab import Lab

Loss = Callable[[Any], Tensor]


def asked(lab: "Lab", instrument: str, name: str | None, reverse: bool, chosen: Mapping[str, int | None]) -> Ask:
    """Return what is asked for, checked. name: of the module, the first one by default. Raises ValueError."""
    if instrument not in ON_DEMAND:
        raise ValueError(f"instrument: {instrument!r} is not allowed; allowed: {either(ON_DEMAND)}")
    if why := why_unwatched(instrument):
        readable = either(key for key, entry in ON_DEMAND.items() if entry.watched)
        raise ValueError(f"instrument: {instrument!r}: {why[:1].lower()}{why[1:]} Allowed: {readable}")
    name = next(iter(lab.modules), "") if name is None else name
    if name not in lab.modules:
        raise ValueError(f"module: {name!r} is not watched; allowed: {either(lab.modules) if lab.modules else 'none'}")
    module: Any = lab.modules[name]
    if reverse and not getattr(module, "bidirectional", False):
        raise ValueError(f"reverse: the module {name!r} has one direction")
    largest = {"layer": getattr(module, "num_layers", 1), "unit": module.hidden_size}
    own = {key: value for key, value in chosen.items() if value is not None}
    for key, value in own.items():
        if key not in ON_DEMAND[instrument].asks:
            raise ValueError(f"{key}: the instrument {instrument!r} leaves no such choice")
        if not isinstance(value, int) or not 1 <= value <= largest[key]:
            raise ValueError(f"{key}: {value!r} is not allowed; allowed: a whole number from 1 to {largest[key]:,}")
    return Ask(name, instrument, int(reverse), tuple(sorted(own.items())))


def inspect(lab: "Lab", ask: Ask, inputs: tuple[Any, ...], loss: Loss | None) -> Reading:
    """Return an instrument's reading of a module on what it reads when the model is called with `inputs`.

    Where it has no value the reading's `undefined` says why. The model is called once, in evaluation mode; neither it,
    nor its gradients, nor the state of the random numbers is changed. loss: makes of its answer the number whose
    gradient comes back. Raises ValueError.
    """
    if ask.needs == "update":
        raise ValueError(f"instrument: {ask.instrument!r} takes {NEEDS['update']}; lab.ask reads it in a training step")
    if ask.needs == "gradients" and loss is None:
        raise ValueError(
            f"loss: {ask.instrument!r} takes {NEEDS['gradients']}; give loss=, a function that makes a number of what "
            "the model answers, or have it read in a training step with lab.ask"
        )
    step, begun = lab.steps + 1, time.perf_counter()
    with lab.pace.aside():
        try:
            seen = _seen(lab, ask, inputs, loss, step)
            found = read_seen(ask.instrument, replace(seen, asked=dict(ask.chosen)))
        except NotDefinedError as error:
            words = str(error)
            found = Reading(instrument=ask.instrument, step=step, undefined=f"{words[:1].upper()}{words[1:]}.")
    return replace(found, seconds=time.perf_counter() - begun, chosen=dict(ask.chosen))


def _seen(lab: "Lab", ask: Ask, inputs: tuple[Any, ...], loss: Loss | None, step: int) -> Seen:
    """Call the model; return what one direction of a module saw, and what came back through it if there is a loss."""
    model, module = lab.model, lab.modules[ask.module]
    results: list[tuple[tuple[Any, ...], dict[str, Any], Any]] = []
    handle = module.register_forward_hook(
        lambda _, args, kwargs, result: results.append((args, kwargs, result)), with_kwargs=True, prepend=True
    )
    with _as_in_evaluation(model), _unheard(lab):
        try:
            with torch.set_grad_enabled(loss is not None):
                answer = model(*inputs)
                value = None if loss is None else loss(answer)
        finally:
            handle.remove()
        if not results:
            raise NotDefinedError("not defined: the model does not call this module")
        calls = [_call(ask.module, module, *each) for each in results]
        ends = [tensor for each in results for tensor in _tensors(each[2])]
        wanted = [each for each in ends if each.requires_grad]
        if value is not None:
            if value.numel() != 1:
                raise ValueError(f"loss: a tensor of shape {tuple(value.shape)} is not a single number")
            grads = torch.autograd.grad(value, wanted, allow_unused=True) if value.requires_grad else ()
            known = dict(zip(map(id, wanted), grads, strict=False))
            for own, each in zip(calls, results, strict=True):
                _hand_over(own, [known.get(id(tensor)) for tensor in _tensors(each[2])])
    cells = [each for each in calls if isinstance(each, CellCall)]
    if cells:
        if loss is None:
            raise NotDefinedError("not defined for cells in a loop without loss=")
        return loop_seen(cells, go_back_cells(cells), step, 1.0)
    kept = []
    for call in calls:
        if isinstance(call, Call):
            kept.append(Kept(call, value is not None))
            go_back(call, lab.sample, keep=kept[-1].keep)
    return calls_seen(kept, step, ask.direction, 1.0)


def _call(name: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Call | CellCall:
    inputs = args[0] if args else kwargs["input"]
    start = args[1] if len(args) > 1 else kwargs.get("hx")
    if isinstance(module, nn.RNNCellBase):
        return CellCall.of(name, module, inputs, start, result, 0, {})
    whole: Any = module
    return Call.of(name, whole, inputs, start, result, None, 0)


def _tensors(result: Any) -> list[Tensor]:
    """Return what a module returned: outputs (of nn.RNN and the like, a PackedSequence's data), h, and of an LSTM c."""
    if isinstance(result, Tensor):
        return [result]
    first, *others = result
    found = [getattr(first, "data", first) if not isinstance(first, Tensor) else first]
    for each in others:
        found += list(each) if isinstance(each, tuple) else [each]
    return found


def _hand_over(call: Call | CellCall, grads: list[Tensor | None]) -> None:
    if isinstance(call, Call) and grads[0] is not None:
        call.add_outputs(grads[0].detach())
    for place, grad in enumerate(grads[1:] if isinstance(call, Call) else grads):
        if grad is not None:
            call.add_end(place, grad.detach())


@contextmanager
def _unheard(lab: "Lab") -> Iterator[None]:
    """Let the lab's own hooks hear nothing: this call is no part of the training."""
    recording, lab.recording = lab.recording, False
    try:
        yield
    finally:
        lab.recording = recording


@contextmanager
def _as_in_evaluation(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and leave it and the random numbers as they were."""
    devices = {each.device for each in model.parameters() if each.is_cuda}
    training = {each: each.training for each in model.modules()}
    try:
        model.eval()
        own = torch.random.fork_rng(sorted({each.index or 0 for each in devices}))
        with own, torch.backends.cudnn.flags(enabled=False):  # its layers go back in training mode alone
            yield
    finally:
        for each, was in training.items():
            each.training = was
