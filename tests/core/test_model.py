"""The model's read-outs: what they compute, and that padded timesteps have no say."""

import pytest
import torch
from torch import Tensor

from rnncore.config import ModelConfig
from rnncore.engine.model import SequenceModel

B, T, F, H, OUT = 3, 6, 2, 4, 2
LENGTHS = torch.tensor([6, 1, 4])


def build(readout: str, cell: str = "gru") -> tuple[SequenceModel, Tensor]:
    torch.manual_seed(0)
    model = SequenceModel(ModelConfig(cell=cell, hidden_size=H, readout=readout), F, OUT).double()
    return model, torch.randn(B, T, F, dtype=torch.float64)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_last_reads_the_last_valid_state(lengths: Tensor | None) -> None:
    model, inputs = build("last")
    states = model.recurrent(inputs)
    ends = [T, T, T] if lengths is None else lengths.tolist()
    expected = torch.stack([model.readout(states[b, end - 1]) for b, end in enumerate(ends)])
    torch.testing.assert_close(model(inputs, lengths), expected)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_mean_reads_the_mean_of_the_valid_states(lengths: Tensor | None) -> None:
    model, inputs = build("mean")
    states = model.recurrent(inputs)
    ends = [T, T, T] if lengths is None else lengths.tolist()
    expected = torch.stack([model.readout(states[b, :end].mean(0)) for b, end in enumerate(ends)])
    torch.testing.assert_close(model(inputs, lengths), expected)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_attention_reads_an_average_with_the_weights_it_shows(lengths: Tensor | None) -> None:
    model, inputs = build("attention")
    outputs = model(inputs, lengths)
    weights, states = model.attention.weights, model.recurrent(inputs)
    assert weights.shape == (B, T)
    assert not weights.requires_grad
    torch.testing.assert_close(weights.sum(1), torch.ones(B, dtype=torch.float64))
    for b, end in enumerate([T, T, T] if lengths is None else lengths.tolist()):
        scores = [model.attention.score(torch.tanh(model.attention.project(states[b, t]))) for t in range(end)]
        expected = torch.cat(scores).softmax(0)
        torch.testing.assert_close(weights[b, :end], expected.detach())
        torch.testing.assert_close(outputs[b], model.readout(expected @ states[b, :end]))
        assert weights[b, end:].abs().sum() == 0


def test_every_step_reads_every_state() -> None:
    model, inputs = build("every_step")
    outputs = model(inputs)
    assert outputs.shape == (B, T, OUT)
    torch.testing.assert_close(outputs, model.readout(model.recurrent(inputs)))


@pytest.mark.parametrize("readout", ["last", "mean", "attention"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_padding_changes_nothing(readout: str, cell: str) -> None:
    model, inputs = build(readout, cell)
    other = inputs.clone()
    for b, end in enumerate(LENGTHS.tolist()):
        other[b, end:] = 1e3
    torch.testing.assert_close(model(other, LENGTHS), model(inputs, LENGTHS))
    for b, end in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(model(inputs[b : b + 1, :end]), model(inputs, LENGTHS)[b : b + 1])


def test_swapped_axes_take_the_sequences_for_timesteps_and_read_as_if_nothing_were_wrong() -> None:
    model, inputs = build("last")
    model.swaps_axes = True
    swapped = model.recurrent(inputs.transpose(0, 1))  # (T, B, H) where (B, T, H) is meant
    expected = torch.stack([model.readout(swapped[T - 1, b]) for b in range(B)])
    torch.testing.assert_close(model(inputs), expected)
