"""A watched model's parameters as a whole: the norms of their gradient, of their update and of themselves."""

import math
from collections.abc import Iterable
from enum import Enum
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge


class Gain(Enum):
    """What a backward pass brings to a model's parameters: their gradients are added up, handed out, or neither."""

    ADDED = "added"
    HANDED_OUT = "handed out"  # by autograd.grad
    NOTHING = "nothing"


class Parameters:
    """The parameters of a model; norms are L2 over all of them, None where no gradient is there."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._before: dict[int, list[tuple[Tensor, Tensor]]] = {}  # by id of the optimiser: parameter, its old value

    def grad_norm(self) -> float | None:
        """Return the norm of the gradient as it stands."""
        grads = [each.grad for each in self._model.parameters() if each.grad is not None]
        return norm(grads) if grads else None

    def gain(self, weight: Any) -> Gain:
        """Tell, from within a backward pass, what it brings to the parameters.

        weight: the node of the graph at which the gradient of a module's weight arrives, None of a frozen module.
        """
        others = [each for each in self._model.parameters() if each.requires_grad]
        if weight is None and not others:
            return Gain.ADDED  # then the inputs alone are trained
        for node in chain((weight,), (get_gradient_edge(each).node for each in others)):
            try:
                if node is not None and torch._C._will_engine_execute_node(node):
                    return Gain.ADDED
            except RuntimeError:  # that is what torch says of a leaf whose gradient autograd.grad hands out
                return Gain.HANDED_OUT
        return Gain.NOTHING

    def weight_norm(self) -> float:
        """Return the norm of the parameters."""
        return norm(self._model.parameters())

    def belong_to(self, optimizer: torch.optim.Optimizer) -> bool:
        """Tell whether an optimiser updates any of them."""
        own = {id(each) for each in self._model.parameters()}
        return any(id(each) in own for group in optimizer.param_groups for each in group["params"])

    def remember(self, optimizer: torch.optim.Optimizer) -> None:
        """Keep the values that an optimiser is about to change."""
        own = {id(each) for each in self._model.parameters()}
        mine = [p for group in optimizer.param_groups for p in group["params"] if id(p) in own and p.grad is not None]
        self._before[id(optimizer)] = [(each, each.detach().clone()) for each in mine]

    def remembers(self, optimizer: torch.optim.Optimizer) -> bool:
        """Tell whether the values are kept that an optimiser is changing."""
        return id(optimizer) in self._before

    def kept(self, optimizer: torch.optim.Optimizer) -> list[tuple[Tensor, Tensor]]:
        """Return the parameters that an optimiser changes, with the values that were kept of each."""
        return self._before[id(optimizer)]

    def update_norm(self, optimizer: torch.optim.Optimizer) -> float:
        """Return the norm of what the optimiser has changed since `remember`, and keep the values no longer."""
        return norm(old.sub_(new.detach()) for new, old in self._before.pop(id(optimizer)))


def has_gradient(module: nn.Module) -> bool:
    """Tell whether a gradient other than 0 has come to a module's parameters."""
    return any(each.grad is not None and bool(each.grad.any()) for each in module.parameters())


def learning_rate(optimizer: Any) -> float | None:
    """Return the learning rate of an optimiser's first group."""
    rate = optimizer.param_groups[0].get("lr")
    return None if rate is None else float(rate)


@torch.no_grad()
def norm(tensors: Iterable[Tensor]) -> float:
    """Return the L2 norm over all numbers of some tensors."""
    parts: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for part in (_norm(each.detach()) for each in tensors):
        parts.setdefault((part.device, part.dtype), []).append(part)
    known = [part for own in parts.values() for part in torch.stack(own).tolist()]  # an accelerator is waited for once
    return math.sqrt(sum(part * part for part in known))


def _norm(values: Tensor) -> Tensor:
    if values.is_sparse:
        values = values.coalesce().values()
    wide = values if values.dtype == torch.float64 else values.float()
    size: Tensor = torch.linalg.vector_norm(wide)
    return size
