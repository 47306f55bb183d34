"""What the layers of one call saw and gave: of the last one that is known, the lower ones are computed anew.

The fused layer returns the last layer's outputs alone. The lower ones run once more, without gradients and with the
masks that dropout drew: these are kept where `one_by_one` drew them, and on the CPU they follow from the state of the
generator before the call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.engine.devices import no_word_of_memory
from rnncore.watching.adjoint import Weights
from rnncore.watching.calls import Call

_FUSED: dict[str, Any] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
}


@dataclass(slots=True)
class Layer:
    """Inputs (T, B, I) and outputs of both directions side by side (T, B, D W) of one layer.

    mask: what dropout multiplied the outputs with on their way to the layer above, None without.
    """

    inputs: Tensor
    outputs: Tensor
    mask: Tensor | None = None


def layers_of(call: Call, some: slice) -> Iterator[Layer]:
    """Yield the layers of a call, the lowest first, for `some` of the sequences."""
    m, packed = call.module, call.layout.packed

    def whole(values: Tensor) -> Tensor:
        return call.layout.time_first(values)[:, some] if packed else values

    generator = None if call.generator is None else torch.Generator().set_state(call.generator)
    outputs = call.layout.time_first(call.outputs)
    batch = outputs.shape[1]
    x = call.inputs if packed else call.layout.time_first(call.inputs)[:, some]  # (N, I) or (T, B, I)
    last = m.num_layers - 1
    for number in range(m.num_layers):
        if number == last and call.untouched:
            yield Layer(whole(x), outputs[:, some])
            return
        below, x = x, _run(call, number, x, some)
        mask = None
        if number < last and call.masks:
            mask = call.masks[number]
        elif number < last and generator is not None:
            mask = mask_of(m.dropout, x.shape if packed else (len(x), batch, x.shape[-1]), x.dtype, generator)
        if mask is not None and not packed:
            mask = mask[:, some]
        yield Layer(whole(below), whole(x), None if mask is None else whole(mask))
        x = x if mask is None else x * mask


def weights_of(call: Call, row: int, dtype: torch.dtype) -> Weights:
    """Return the weights of a layer and direction; biases that are not there are zeros."""
    w_ih, w_hh, *rest = (weight.to(dtype) for weight in _raw(call, row, 1))
    projection = rest.pop() if call.module.proj_size else None
    b_ih, b_hh = rest if rest else (w_ih.new_zeros(len(w_ih)),) * 2
    return Weights(w_ih, w_hh, b_ih, b_hh, projection)


def _raw(call: Call, row: int, rows: int) -> list[Tensor]:
    return rows_of(call.module, call.weights, row, rows)


def rows_of(module: nn.RNNBase, weights: Sequence[Tensor], row: int, rows: int) -> list[Tensor]:
    """Return, of all weights of a module in torch's order, those of some rows (layers and directions)."""
    each = 2 + 2 * bool(module.bias) + bool(module.proj_size)
    return list(weights[row * each : (row + rows) * each])


def _run(call: Call, number: int, x: Tensor, some: slice) -> Tensor:
    """Run one layer of a call anew, both directions."""
    m, layout = call.module, call.layout
    D = directions(m)
    rows = slice(number * D, (number + 1) * D)
    B = int(layout.packed[0][0]) if layout.packed else x.shape[1]
    if call.start is None:
        start = zeros(m, x, B)
    elif layout.packed:
        order = layout.packed[1]
        start = tuple(each[rows] if order is None else each[rows].index_select(1, order) for each in call.start)
    else:
        start = tuple(layout.state(each)[rows, some] for each in call.start)
    with torch.autocast(x.device.type, dtype=call.autocast, enabled=call.autocast is not None):
        sizes = layout.packed[0] if layout.packed else None
        return run_layer(m, x, sizes, start, _raw(call, number * D, D))[0]


def run_layer(
    module: nn.RNNBase, x: Tensor, sizes: Tensor | None, start: tuple[Tensor, ...], weights: list[Tensor]
) -> tuple[Tensor, ...]:
    """Run one layer, both directions, in torch's own fused code; return its outputs, and the last h (D, B, W) and c.

    x: (T, B, I), or packed (N, I) with the batch sizes. start: h, and of an LSTM c, each (D, B, W). weights: its own.
    """
    state = start if module.mode == "LSTM" else start[0]
    D, fused = directions(module), _FUSED[module.mode]
    with no_word_of_memory(x):
        if sizes is not None:
            out = fused(x, sizes, state, weights, module.bias, 1, 0.0, module.training, D == 2)
        else:
            out = fused(x.contiguous(), state, weights, module.bias, 1, 0.0, module.training, D == 2, False)
    return tuple(out)


def zeros(module: nn.RNNBase, x: Tensor, batch: int) -> tuple[Tensor, ...]:
    """Return the initial state of one layer where none is given: h, and of an LSTM c."""
    widths = (module.proj_size or module.hidden_size, module.hidden_size)[: 2 if module.mode == "LSTM" else 1]
    return tuple(x.new_zeros(directions(module), batch, width) for width in widths)


def mask_of(dropout: float, shape: Sequence[int], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Draw the mask that torch's dropout draws from this state of the generator."""
    on = generator.device
    if dropout == 1:
        return torch.zeros(shape, dtype=dtype, device=on)
    kept = torch.empty(shape, dtype=dtype, device=on).bernoulli_(1 - dropout, generator=generator)
    return kept.div_(1 - dropout)


def directions(module: nn.RNNBase) -> int:
    """Return how many directions a module goes in."""
    return 2 if module.bidirectional else 1
