"""An instrument of a watched module, read in the program that trains it: only there are its weights."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rnncore.engine.instruments import NotDefinedError, from_torch
from rnncore.engine.readings.chaos import spectrum_of
from rnncore.key_of import either
from rnncore.reading import Reading

if TYPE_CHECKING:
    from rnncore.watching.lab import Lab

READ = ("lyapunov",)  # those that need neither loss nor optimiser


def inspect(lab: "Lab", instrument: str, inputs: tuple[Any, ...], name: str | None = None) -> Reading:
    """Return an instrument's reading of a module on what it reads when the model is called with `inputs`.

    Where it has no value the reading's `undefined` says why. The model is called once, in evaluation mode and without
    gradients; neither it nor the state of the random numbers is changed. Raises ValueError.
    """
    if instrument not in READ:
        raise ValueError(f"instrument: {instrument!r} is not read of a watched model; allowed: {either(READ)}")
    name = next(iter(lab.modules), "") if name is None else name
    if name not in lab.modules:
        raise ValueError(f"module: {name!r} is not watched; allowed: {either(lab.modules) if lab.modules else 'none'}")
    module, step = lab.modules[name], lab.steps + 1
    with lab.pace.aside():
        try:
            network = from_torch(module)  # type: ignore[arg-type]
            seen, notes = _seen(lab.model, module, inputs)
            found = spectrum_of(network, seen, step)
        except NotDefinedError as error:
            words = str(error)
            return Reading(instrument=instrument, step=step, undefined=f"{words[:1].upper()}{words[1:]}.")
    return replace(found, notes=(*found.notes, *notes))


def _seen(model: nn.Module, module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor, tuple[str, ...]]:
    """Return what a module reads when the model is called, (B, T, F), and what is left out of it."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    handle = module.register_forward_pre_hook(lambda _, args, kwargs: calls.append((args, kwargs)), with_kwargs=True)
    devices = {each.device for each in model.parameters() if each.is_cuda}
    training = {each: each.training for each in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(sorted({each.index or 0 for each in devices})):
            model(*inputs)
    finally:
        handle.remove()
        for each, was in training.items():
            each.training = was
    if not calls:
        raise NotDefinedError("not defined: the model does not call this module")
    args, kwargs = calls[0]
    seen, *state = [*args, *(kwargs[key] for key in ("input", "hx") if key in kwargs)]
    if not isinstance(seen, Tensor):
        raise NotDefinedError("not defined for packed sequences; give sequences of one length as they are")
    if seen.dim() == 2:
        seen = seen.unsqueeze(0)
    elif not getattr(module, "batch_first", False):
        seen = seen.transpose(0, 1)
    given = any(each is not None for each in state)
    return seen, ("It begins at a state of zeros, not at the one that the module is given.",) if given else ()
