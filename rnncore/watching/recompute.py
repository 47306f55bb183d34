"""What the layers of one call saw and gave: of the last one that is known, the lower ones are computed anew.

The fused layer returns the last layer's outputs alone. The lower ones run once more, without gradients and with the
masks that dropout drew: on the CPU these follow from the state of the generator before the call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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
        if generator is not None and number < last:
            shape = x.shape if packed else (len(x), batch, x.shape[-1])
            mask = _mask(m.dropout, shape, x.dtype, generator)
            mask = mask if packed else mask[:, some]
        yield Layer(whole(below), whole(x), None if mask is None else whole(mask))
        x = x if mask is None else x * mask


def weights_of(call: Call, row: int, dtype: torch.dtype) -> Weights:
    """Return the weights of a layer and direction; biases that are not there are zeros."""
    w_ih, w_hh, *rest = (weight.to(dtype) for weight in _raw(call, row, 1))
    projection = rest.pop() if call.module.proj_size else None
    b_ih, b_hh = rest if rest else (w_ih.new_zeros(len(w_ih)),) * 2
    return Weights(w_ih, w_hh, b_ih, b_hh, projection)


def _raw(call: Call, row: int, rows: int) -> list[Tensor]:
    each = 2 + 2 * bool(call.module.bias) + bool(call.module.proj_size)
    return call.weights[row * each : (row + rows) * each]


def _run(call: Call, number: int, x: Tensor, some: slice) -> Tensor:
    """Run one layer, both directions, in torch's own fused code."""
    m, layout = call.module, call.layout
    D = 2 if m.bidirectional else 1
    rows = slice(number * D, (number + 1) * D)
    B = int(layout.packed[0][0]) if layout.packed else x.shape[1]
    if call.start is None:
        sizes = (m.proj_size or m.hidden_size, m.hidden_size)[: len(call.end)]
        start = tuple(x.new_zeros(D, B, size) for size in sizes)
    elif layout.packed:
        order = layout.packed[1]
        start = tuple(each[rows] if order is None else each[rows].index_select(1, order) for each in call.start)
    else:
        start = tuple(layout.state(each)[rows, some] for each in call.start)
    state = start if m.mode == "LSTM" else start[0]
    weights = _raw(call, number * D, D)
    with torch.autocast(x.device.type, dtype=call.autocast, enabled=call.autocast is not None):
        if layout.packed:
            out = _FUSED[m.mode](x, layout.packed[0], state, weights, m.bias, 1, 0.0, m.training, D == 2)
        else:
            out = _FUSED[m.mode](x.contiguous(), state, weights, m.bias, 1, 0.0, m.training, D == 2, False)
    result: Tensor = out[0]
    return result


def _mask(dropout: float, shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """Draw the mask that torch's dropout draws from this state of the generator."""
    if dropout == 1:
        return torch.zeros(shape, dtype=dtype)
    return torch.empty(shape, dtype=dtype).bernoulli_(1 - dropout, generator=generator).div_(1 - dropout)


def directions(module: nn.RNNBase) -> int:
    """Return how many directions a module goes in."""
    return 2 if module.bidirectional else 1
