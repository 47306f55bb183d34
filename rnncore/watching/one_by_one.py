"""A module with dropout between its layers, run layer by layer where its backend does not tell the masks that it draws.

On an accelerator the masks stay inside the fused layer. A recorded step needs them, so there the module's result is
made of its own layers one by one, with masks of the same chance. These come from a generator of our own: the user's
random numbers, and those inside the fused layer, which has run before, stay what they are.
"""

from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rnncore.watching.recompute import directions, mask_of, rows_of, run_layer, zeros
from rnncore.watching.sequences import is_packed, layout_of


def run(module: nn.RNNBase, inputs: Any, start: Any, number: int) -> tuple[Any, list[Tensor]]:
    """Return what a module returns for inputs and an initial state, and the mask after each layer but the last.

    number: of the call, from which with the state of the user's random numbers the masks follow.
    """
    layout, D = layout_of(inputs, module.batch_first), directions(module)
    sizes, order, back = layout.packed or (None, None, None)
    x = inputs.data if is_packed(inputs) else layout.time_first(inputs)  # (N, I) or (T, B, I)
    batch = x.shape[1] if sizes is None else int(sizes[0])
    given = () if start is None else start if isinstance(start, tuple | list) else (start,)
    states = [layout.state(_ordered(each, order)) for each in given]  # (R, B, W) each
    weights: list[Tensor] = [each for each in module._flat_weights if each is not None]
    generator = torch.Generator(x.device).manual_seed(_seed(number, weights[0]))
    masks: list[Tensor] = []
    ends: list[tuple[Tensor, ...]] = []
    for layer in range(module.num_layers):
        if layer:
            masks.append(mask_of(module.dropout, x.shape, x.dtype, generator))
            x = x * masks[-1]
        own = tuple(each[layer * D : (layer + 1) * D] for each in states) or zeros(module, x, batch)
        x, *end = run_layer(module, x, sizes, own, rows_of(module, weights, layer * D, D))
        ends.append(tuple(end))
    end = [_ordered(torch.cat(each), back) for each in zip(*ends, strict=True)]
    if layout.alone:
        x, end = x.squeeze(1), [each.squeeze(1) for each in end]
    elif layout.batch_first and sizes is None:
        x = x.transpose(0, 1)
    out = x if sizes is None else PackedSequence(x, sizes, order, back)
    return (out, tuple(end) if module.mode == "LSTM" else end[0]), masks


def _ordered(state: Tensor, order: Tensor | None) -> Tensor:
    return state if order is None else state.index_select(1, order)


def _seed(number: int, weight: Tensor) -> int:
    """Return a number that follows from where the program stands, and draw nothing for it."""
    place = torch.get_rng_state().numpy().tobytes() + f"{number} {weight._version}".encode()
    return int.from_bytes(blake2b(place, digest_size=8).digest(), "little")
