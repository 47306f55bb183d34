"""The probe on torch's fused LSTM, on the CPU: the same numbers as unrolled cells, recording or not."""

import torch

from rnncore.engine.cells.probe_lstm import probe_lstm
from rnncore.engine.cells.tape import LayerTape, StateTape
from tests.support.unrolled import relative_error, unroll

T, B, I, H = 9, 3, 2, 5  # noqa: E741
KIND = ("lstm", "tanh")


def weights_and_inputs() -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    layer = torch.nn.LSTM(I, H, num_layers=2, dtype=torch.float64)
    factors = torch.randn(B, T, H, dtype=torch.float64)
    return layer.state_dict(), torch.randn(B, T, I, dtype=torch.float64), factors


def run(
    state: dict[str, torch.Tensor], inputs: torch.Tensor, factors: torch.Tensor, tape: StateTape | None
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    parameters = [value.clone().requires_grad_() for value in state.values()]
    sequence = inputs.transpose(0, 1)
    for layer in range(2):
        place = None if tape is None else LayerTape(tape, layer)
        sequence = probe_lstm(sequence, tuple(parameters[4 * layer : 4 * layer + 4]), place)
    outputs = sequence.transpose(0, 1)
    return outputs, list(torch.autograd.grad((outputs * factors).sum(), parameters))


def test_the_probe_reads_the_gradients_of_unrolled_cells() -> None:
    state, inputs, factors = weights_and_inputs()
    tape = StateTape()
    tape.begin(2, has_cell=True)
    outputs, grads = run(state, inputs, factors, tape)
    reference = unroll(state, KIND, inputs)
    (reference.outputs * factors).sum().backward()
    assert relative_error(outputs, reference.outputs) <= 1e-13
    assert relative_error(torch.stack(tape.hidden), reference.hidden_grads()) <= 1e-13
    assert relative_error(torch.stack(tape.cell), reference.cell_grads()) <= 1e-13
    torch.testing.assert_close(tape.direct[1], factors.transpose(0, 1))
    expected = [parameter.grad for step in reference.steps for parameter in step.parameters()]
    assert all(relative_error(a, b) <= 1e-13 for a, b in zip(grads, expected, strict=True))


def test_recording_changes_no_bit() -> None:
    state, inputs, factors = weights_and_inputs()
    tape = StateTape()
    tape.begin(2, has_cell=True)
    recorded, plain = run(state, inputs, factors, tape), run(state, inputs, factors, None)
    assert torch.equal(recorded[0], plain[0])
    assert all(torch.equal(a, b) for a, b in zip(recorded[1], plain[1], strict=True))
