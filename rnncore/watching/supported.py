"""Which recurrent modules of a model are recorded, and in one sentence each why others are not."""

from typing import Any

import torch
from torch import nn

from rnncore.watching.loops import CELL_KINDS

_TORCH: tuple[Any, ...] = (nn.RNN, nn.LSTM, nn.GRU, *CELL_KINDS)
_FORWARDS = {each: each.forward for each in _TORCH}
KINDS = "nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell or nn.GRUCell"


def recurrent_modules(model: nn.Module) -> tuple[dict[str, nn.Module], list[str]]:
    """Return the modules that are recorded, by their names in the model, and a sentence for each that is not."""
    found: dict[str, nn.Module] = {}
    notes: list[str] = []
    for name, module in model.named_modules():
        if not isinstance(module, nn.RNNBase | nn.RNNCellBase):
            continue
        reason = _reason(module)
        if reason is None:
            found[name] = module
        else:
            notes.append(f"{spoken(name)} is not recorded: {reason}. It trains as it would without watching.")
    if not found and not notes:
        notes.append(f"The model holds no {KINDS}, so nothing is recorded.")
    return found, notes


def spoken(name: str) -> str:
    """Return a module's name for a sentence."""
    return f"The module {name!r}" if name else "The model"


def masks_unknown(device: str) -> str:
    """Return the reason why a module with dropout between its layers is not recorded on a device."""
    return f"on {device} the masks of the dropout between its layers, inside the fused layer, are not told"


def _reason(module: nn.Module) -> str | None:
    """Return why a module is not recorded, or None."""
    kind = next((each for each in _FORWARDS if isinstance(module, each)), None)
    if kind is None:
        return f"it is a {type(module).__name__}, of which nothing is known but {KINDS}"
    if type(module).forward is not _FORWARDS[kind]:
        return f"{type(module).__name__} has a forward of its own"
    if isinstance(module, nn.RNNBase):
        device = next((each.device.type for each in module.parameters()), "cpu")
        if module.dropout and module.num_layers > 1 and device != "cpu":
            return masks_unknown(device)
        if any(each.dtype in (torch.complex64, torch.complex128) for each in module.parameters()):
            return "its parameters are complex numbers"
    return None
