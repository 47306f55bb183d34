"""Which recurrent modules of a model are recorded and how, and in one sentence each why others are not."""

from typing import Any

import torch
from torch import nn

from rnncore.watching.loops import KINDS

_FORWARDS: dict[Any, Any] = {each: each.forward for each in KINDS}
UNKNOWN_MASKS = (
    "on {} the masks of the dropout between its layers are not told, and those of a checkpointed call must stay"
)
PASSED_BY = (
    "its weights get a gradient, but no call of it was seen; where its `forward` is called directly, and not the "
    "module itself, the hooks are passed by"
)
NAMES = "nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell or nn.GRUCell"


def recurrent_modules(model: nn.Module) -> tuple[dict[str, nn.Module], list[str]]:
    """Return the modules that are recorded, by their names in the model, and a sentence for each that is not.

    Others whose result differs in recorded steps have a sentence, too.
    """
    found: dict[str, nn.Module] = {}
    notes: list[str] = []
    for name, module in model.named_modules():
        if not isinstance(module, nn.RNNBase | nn.RNNCellBase) and not _scripted(module):
            continue
        reason = _reason(module)
        if reason is None:
            found[name] = module
            device = next((each.device.type for each in module.parameters()), "cpu")
            if drops_between_layers(module) and not tells_masks(device):
                notes.append(other_masks(name, device))
        else:
            notes.append(f"{spoken(name)} is not recorded: {reason}. It trains as it would without watching.")
    if not found and not notes:
        notes.append(f"The model holds no {NAMES}, so nothing is recorded.")
    return found, notes


def drops_between_layers(module: nn.Module) -> bool:
    """Tell whether a module has dropout between its layers."""
    return isinstance(module, nn.RNNBase) and module.dropout > 0 and module.num_layers > 1


def spoken(name: str) -> str:
    """Return a module's name for a sentence."""
    return f"The module {name!r}" if name else "The model"


def tells_masks(device: str) -> bool:
    """Tell whether the masks of dropout between layers follow from the state of a generator, as on the CPU."""
    return device == "cpu"


def other_masks(name: str, device: str) -> str:
    """Return the sentence about a module with dropout between its layers where a device does not tell its masks."""
    return (
        f"{spoken(name)} has dropout between its layers, and on {device} the masks are not told: in recorded steps it "
        f"runs layer by layer, with masks of the same chance from random numbers of their own."
    )


def _scripted(module: nn.Module) -> bool:
    names = {each.__name__ for each in KINDS}
    return isinstance(module, torch.jit.ScriptModule) and getattr(module, "original_name", None) in names


def _reason(module: nn.Module) -> str | None:
    """Return why a module is not recorded, or None."""
    if _scripted(module):
        return "torch.jit has compiled it, which leaves no hooks on its calls"
    kind = next((each for each in _FORWARDS if isinstance(module, each)), None)
    if kind is None:
        return f"it is a {type(module).__name__}, of which nothing is known but {NAMES}"
    if type(module).forward is not _FORWARDS[kind]:
        return f"{type(module).__name__} has a forward of its own"
    if isinstance(module, nn.RNNBase) and any(each.is_complex() for each in module.parameters()):
        return "its parameters are complex numbers"
    return None
