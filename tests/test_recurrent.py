"""Recurrent layers: torch.nn's values and parameters, and total state gradients against unrolled cells."""

import pytest
import torch
from torch import Tensor, nn

from rnncore.engine.recurrent import Recurrent, StateTape

TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
CELLS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}


def unrolled(
    layers: Recurrent, inputs: Tensor, masks: list[Tensor] | None = None
) -> tuple[Tensor, list[list[Tensor]], list[list[Tensor]]]:
    """Run torch's own cells step by step with retain_grad: outputs (B, T, H), h_{l,t}, c_{l,t}."""
    H = layers.hidden_size
    sequence = list(inputs.unbind(1))
    hiddens, cells = [], []
    for layer in range(layers.num_layers):
        options = {"nonlinearity": layers.nonlinearity} if layers.cell == "rnn" else {}
        step = CELLS[layers.cell](sequence[0].shape[1], H, dtype=inputs.dtype, **options)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        step.load_state_dict({name: layers.state_dict()[f"{name}_l{layer}"] for name in names})
        state = inputs.new_zeros(len(inputs), H), inputs.new_zeros(len(inputs), H)
        hs, cs = [], []
        for x in sequence:
            state = step(x, state) if layers.cell == "lstm" else (step(x, state[0]), state[1])
            hs.append(state[0])
            cs.append(state[1])
        for tensor in hs + (cs if layers.cell == "lstm" else []):
            tensor.retain_grad()
        hiddens.append(hs)
        cells.append(cs)
        sequence = hs
        if masks is not None and layer < layers.num_layers - 1:
            sequence = [h * m for h, m in zip(hs, masks[layer], strict=True)]
    return torch.stack(sequence, 1), hiddens, cells


def relative_error(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


@pytest.mark.parametrize("cell", TORCH)
def test_same_seed_gives_torch_nns_parameters_and_outputs(cell: str) -> None:
    torch.manual_seed(3)
    ours = Recurrent(cell, 2, 5, num_layers=2)
    torch.manual_seed(3)
    theirs = TORCH[cell](2, 5, num_layers=2, batch_first=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    inputs = torch.randn(3, 7, 2)
    torch.testing.assert_close(ours(inputs), theirs(inputs)[0])


@pytest.mark.parametrize(
    ("cell", "nonlinearity"), [("rnn", "tanh"), ("rnn", "relu"), ("gru", "tanh"), ("lstm", "tanh")]
)
@pytest.mark.parametrize("num_layers", [1, 3])
def test_tape_holds_the_total_gradients_of_unrolled_cells(cell: str, nonlinearity: str, num_layers: int) -> None:
    torch.manual_seed(0)
    layers = Recurrent(cell, 2, 5, num_layers, nonlinearity).double()
    inputs = torch.randn(3, 9, 2, dtype=torch.float64)
    weights = torch.randn(3, 9, 5, dtype=torch.float64)
    tape = StateTape()
    outputs = layers(inputs, tape)
    (outputs * weights).sum().backward()

    expected, hiddens, cells = unrolled(layers, inputs)
    (expected * weights).sum().backward()
    torch.testing.assert_close(outputs, expected)
    for layer in range(num_layers):
        assert relative_error(tape.hidden[layer], torch.stack([h.grad for h in hiddens[layer]])) <= 1e-10
        if cell == "lstm":
            assert relative_error(tape.cell[layer], torch.stack([c.grad for c in cells[layer]])) <= 1e-10
    assert (tape.cell is None) == (cell != "lstm")
    torch.testing.assert_close(tape.direct[-1], weights.transpose(0, 1))
