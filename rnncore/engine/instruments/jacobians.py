"""The Jacobians of a whole network, from one timestep to the next: all layers' states as one row of N numbers."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from rnncore.engine.cells.definition import CellDefinition, Weights
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.jacobian import Jacobian, Steps
from rnncore.engine.model import SequenceModel

PIECE = 2**22  # numbers of Jacobians that are made at once
AT_ONCE = 2**18  # the same, where the products with them follow at once: they are still in the cache then


Directions = Sequence[Tensor | None]  # of each parameter of a layer, (K, ...); None: it stays as it is


class NotDefinedError(ValueError):
    """An instrument has no value for this network or these sequences; the message says why."""


class Layer:
    """One layer and all its timesteps, time first: inputs (T, B, I), before: states h_{t-1}, ... (T, B, W) each.

    start: the states before the first timestep, (B, W) each, where they are not the cell's own.
    """

    def __init__(
        self, definition: CellDefinition, inputs: Tensor, weights: Weights, start: State | None = None
    ) -> None:
        self.definition, self.inputs, self.weights = definition, inputs, weights
        if start is None:
            self.states, start = definition.states(inputs, weights), definition.start(inputs[0])
        else:
            self.states = _states_from(start, definition, inputs, weights)
        self.before: State = tuple(
            torch.cat([first[None], each[:-1]]) for first, each in zip(start, self.states, strict=True)
        )

    @property
    def size(self) -> int:
        """S: numbers in its state."""
        return sum(each.shape[-1] for each in self.states)

    def outputs(self) -> Tensor:
        """Return what the layer above sees, (T, B, H)."""
        return self.definition.outputs(self.inputs, self.states[0], self.weights)

    def jacobian(self, part: slice) -> Jacobian:
        """Return `Jacobian` of some timesteps, (n B, S, ...)."""
        before = tuple(each[part].flatten(0, 1) for each in self.before)
        return self.definition.jacobian(self.inputs[part].flatten(0, 1), before, self.weights)

    def steps(self, part: slice) -> Steps:
        """Return `Steps` of some timesteps."""
        return self.definition.steps(self.inputs[part], tuple(each[part] for each in self.before), self.weights)

    def seen_above(self, part: slice) -> Jacobian | None:
        """Return how outputs depend on h_t and on inputs, (n, B, H, ...); None: they are h_t itself."""
        if type(self.definition).outputs is CellDefinition.outputs:
            return None

        def row(h: Tensor, x: Tensor) -> Tensor:
            return self.definition.outputs(x[None, None], h[None, None], self.weights)[0, 0]

        states, inputs = (each[part].flatten(0, 1) for each in (self.states[0], self.inputs))
        found = torch.func.vmap(torch.func.jacrev(row, argnums=(0, 1)))(states, inputs)
        return Jacobian(*(each.view(-1, self.inputs.shape[1], *each.shape[1:]) for each in found))

    def changes(self, part: slice, along: Directions, outputs: bool = False) -> Tensor:
        """Return how the states after some timesteps change in K directions of the parameters, (n, B, S, K).

        Inputs and the states before each timestep stay as they are. outputs: those of what the layer above sees.

        A gradient of a gradient: v^T J is linear in v, and its derivative in a direction u is J u. torch's forward mode
        would load its compiler, which nothing else here needs.
        """
        inputs, states = self.inputs[part], self.states[0][part]
        with torch.enable_grad():
            places = [place for place, each in enumerate(along) if each is not None]
            weights = [each.detach().requires_grad_(place in places) for place, each in enumerate(self.weights)]
            if outputs:
                after = self.definition.outputs(inputs, states, tuple(weights)).flatten(0, 1)
            else:
                before = tuple(each[part].flatten(0, 1) for each in self.before)
                after = torch.cat(self.definition.step(inputs.flatten(0, 1), before, tuple(weights)).state, -1)
            v = torch.zeros_like(after, requires_grad=True)
            found: Sequence[Tensor | None] = [None] * len(places)
            if after.requires_grad:
                chosen = [weights[place] for place in places]
                found = torch.autograd.grad(after, chosen, v, create_graph=True, allow_unused=True)
            used = [place for place, each in zip(places, found, strict=True) if each is not None]
            if not used:
                return after.new_zeros(len(inputs), 1, 1, 1)
            backward, directions = [each for each in found if each is not None], [along[place] for place in used]
            (changes,) = torch.autograd.grad(backward, v, directions, is_grads_batched=True)  # (K, n B, S)
        return changes.movedim(0, -1).contiguous().view(*inputs.shape[:2], after.shape[-1], -1)


def _states_from(start: State, definition: CellDefinition, inputs: Tensor, weights: Weights) -> State:
    """Return the states (T, B, W) each, after those before the first timestep."""
    state, rows = start, []
    for x in inputs.unbind(0):
        state = definition.step(x, state, weights).state
        rows.append(state)
    return tuple(torch.stack(each) for each in zip(*rows, strict=True))


def layers_of(model: SequenceModel, inputs: Tensor) -> list[Layer]:
    """Return all layers of a model run on inputs (B, T, F), without dropout, in the inputs' precision.

    Raises NotDefinedError where there are no sequences, less than two timesteps, or states that are not finite.
    """
    B, T = inputs.shape[:2]
    if B < 1 or T < 2:
        raise NotDefinedError(f"not defined for {B} sequences of {T} timesteps; allowed: at least 1 of at least 2")
    if model.swaps_axes:
        raise NotDefinedError("not defined where the batch axis is read as time")
    weights = [
        tuple(each.detach().to(inputs.dtype) for each in model.recurrent.layer_weights(layer).values())
        for layer in range(model.recurrent.num_layers)
    ]
    found = layers_with(model.recurrent.definition, weights, inputs.detach())
    if not all(each.isfinite().all() for each in found[-1].states):
        raise NotDefinedError("not defined: the states are not finite")
    return found


def layers_with(definition: CellDefinition, weights: Sequence[Weights], inputs: Tensor) -> list[Layer]:
    """Return layers of a cell, one for each of `weights`, run on inputs (B, T, F); gradients flow to the weights."""
    below = inputs.transpose(0, 1).contiguous()
    found: list[Layer] = []
    for each in weights:
        found.append(Layer(definition, below, each))
        below = found[-1].outputs()
    return found


Product = Callable[[Tensor], Tensor]


class _Piece(NamedTuple):
    """Some timesteps of a layer. added, shown: what is added to its states (n, B, S, K) and outputs (n, B, H, K)."""

    layer: Layer
    steps: Steps
    seen: Jacobian | None
    added: Tensor | None = None
    shown: Tensor | None = None


def network_steps(layers: list[Layer], along: Sequence[Directions] | None = None) -> Iterator[Product]:
    """Yield t = 1 to T as the product of d state_t / d state_{t-1}, of all layers' states, with columns (B, N, K).

    along: of each layer K directions of its parameters. Then each product has what the timestep itself changes in these
    directions added: from columns of 0 on, the columns are the changes of all states.
    """
    T, B = layers[0].inputs.shape[:2]
    steps = max(1, (AT_ONCE if along is None else 4 * AT_ONCE) // (B * sum(layer.size**2 for layer in layers)))
    for start in range(0, T, steps):
        part = slice(start, min(start + steps, T))
        pieces = [_Piece(layer, layer.steps(part), layer.seen_above(part)) for layer in layers]
        if along is not None:
            pieces = [
                piece._replace(
                    added=piece.layer.changes(part, own),
                    shown=None if piece.seen is None else piece.layer.changes(part, own, outputs=True),
                )
                for piece, own in zip(pieces, along, strict=True)
            ]
        for step in range(part.stop - part.start):
            yield partial(_product, pieces, step)


def _product(pieces: list[_Piece], step: int, columns: Tensor) -> Tensor:
    """Do one timestep: a layer sees the new state of that below it."""
    found: list[Tensor] = []
    arriving = None  # what of the columns has reached this layer's inputs, (B, I, K)
    parts = torch.split(columns.to(pieces[0].layer.inputs), [piece.layer.size for piece in pieces], -2)
    for (layer, steps, seen, added, shown), own in zip(pieces, parts, strict=True):
        after = steps.forth(step, own, arriving)
        found.append(after if added is None else after + added[step])
        hidden = found[-1][:, : layer.states[0].shape[-1]]
        if seen is not None:
            direct = 0 if arriving is None else seen.by_input[step] @ arriving
            hidden = seen.by_state[step] @ hidden + direct
        arriving = hidden if shown is None else hidden + shown[step]
    return torch.cat(found, -2) if len(found) > 1 else found[0]


def network_jacobians(layers: list[Layer]) -> Iterator[Tensor]:
    """Yield d state_t / d state_{t-1} (B, N, N) of all layers' states together, t = 1 to T."""
    like = layers[0].inputs
    eye = torch.eye(sum(layer.size for layer in layers), dtype=like.dtype, device=like.device)
    for step in network_steps(layers):
        yield step(eye.expand(like.shape[1], -1, -1))
