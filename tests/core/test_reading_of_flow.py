"""The reading "flow": long ways back, texts whose characters are tinted, and what is said of it."""

import numpy as np
import pytest
import torch

from rnncore.config import ModelConfig, TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.instruments.flow import flow_logs
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.flow import input_flow, said
from tests.support.networks import build

TEXT = {
    "data": {"kind": "task", "task": "text", "seq_len": 12},
    "model": {"cell": "gru", "hidden_size": 5, "readout": "every_step"},
    "batch_size": 2,
}


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_what_teaches_which_input_is_what_autograd_says(cell: str) -> None:
    model, inputs = build((cell, "tanh"), (1, 7, 3, 4, 2), 3, "every_step")
    targets = torch.randn(1, 7, 1, dtype=torch.float64)
    found = input_flow(model, inputs, targets, "mse")
    for tau in range(7):
        own = inputs.clone().requires_grad_()
        ((model(own)[0, tau] - targets[0, tau]).square().mean() / 7).backward()
        np.testing.assert_allclose(found[tau], own.grad[0].norm(dim=-1).numpy(), rtol=1e-10, atol=1e-16)


def test_a_text_has_its_characters_and_no_other_data_has_any() -> None:
    config = TrainConfig.model_validate(TEXT)
    found = Inspection(config, load_dataset(config.data)).read("flow", 1)
    letters = found.panels[1]
    dataset = load_dataset(config.data)
    first = dataset.train_batch(1, 2, 0).inputs[0].argmax(-1)
    assert letters.letters == tuple(dataset.class_names[place] for place in first)
    assert np.isneginf(np.triu(found.arrays["log10_input_gradient"], 1)[np.triu_indices(12, 1)]).all()
    recall = TrainConfig.model_validate(
        TEXT | {"data": {"kind": "task", "task": "delayed_recall", "seq_len": 12, "delay": 2}}
    )
    assert len(Inspection(recall, load_dataset(recall.data)).read("flow", 1).panels) == 1


def test_factors_below_what_float64_can_hold_are_added_up_as_logarithms() -> None:
    """A state of 0, where tanh has slope 1: 2,000 factors of 0.5 are 10^-602."""
    model = SequenceModel(ModelConfig(cell="rnn", hidden_size=1), 1, 1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.readout.weight.fill_(1.0)
        model.recurrent.layer_weights(0)["weight_hh"].fill_(0.5)
    _, logs = flow_logs(model, torch.zeros(2, 2001, 1), torch.full((2, 1), 0.5))
    np.testing.assert_allclose(logs[0] - logs[0, -1], np.log(0.5) * np.arange(2000, -1, -1), rtol=1e-6)


def test_the_sentence_tells_the_typical_lag_of_two_decades() -> None:
    t = np.arange(1, 31)
    decades = np.where(t[None] <= t[:, None], -0.5 * (t[:, None] - t[None]).astype(float), -np.inf)
    (sentence,) = said(t, decades)
    assert sentence == (
        "Typically a loss teaches the states 5 steps before it less than a hundredth as strongly as its own state."
    )
    assert said(t, 6 * decades)[0].startswith("Typically a loss teaches the states 1 step before it")
    assert said(t, np.where(np.isfinite(decades), 0.0, -np.inf))[0].startswith("Most losses teach every earlier state")
