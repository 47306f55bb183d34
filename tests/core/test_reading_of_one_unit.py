"""The reading inside one unit: its products sum to the gradient that training records, for every cell."""

import numpy as np
import pytest
import torch

from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.gradients import state_gradients
from rnncore.engine.inspection import Inspection
from rnncore.engine.readings.probe import Probe
from rnncore.engine.readings.unit import Sums, said
from rnncore.engine.train import Trainer


def config_of(cell: str, **model: object) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "delayed_recall", "seq_len": 9, "delay": 3},
            "model": {"cell": cell, "hidden_size": 5, "readout": "every_step", **model},
            "batch_size": 3,
            "steps": 20,
        }
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_the_products_sum_to_the_gradient_that_the_engine_records(cell: str, layers: int) -> None:
    torch.manual_seed(layers)
    trainer = Trainer(config_of(cell, num_layers=layers))
    trainer.model.double()
    probe = Probe(trainer, 1)
    inputs, targets, _ = probe.batch()
    inputs = inputs[:1].double()
    targets = targets[:1].double() if targets.is_floating_point() else targets[:1]
    sums = Sums(probe, inputs, targets, None)
    expected = state_gradients(trainer.model, inputs, targets, probe.loss).hidden[-1, :, 0]
    torch.testing.assert_close(sums.totals, expected, rtol=1e-9, atol=1e-13)
    for unit in range(expected.shape[1]):
        summed = sums.direct[:-1, unit] + sums.products(unit).sum(1)
        torch.testing.assert_close(summed, expected[:-1, unit], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_parts_that_are_drawn_sum_to_the_whole(cell: str) -> None:
    config = config_of(cell)
    found = Inspection(config, load_dataset(config.data)).read("unit", 7)
    arrays = found.arrays
    parts = [arrays[name] for name in ("direct", "through_itself", "through_others", "through_cell") if name in arrays]
    assert ("through_cell" in arrays) == (cell == "lstm")
    np.testing.assert_allclose(np.sum(parts, 0), arrays["gradient"], rtol=1e-6, atol=1e-9)
    assert arrays["product"].shape == (5, 9)
    assert found.said[0].endswith("has the largest gradient over the sequence.")


def test_it_is_not_defined_where_the_way_back_is_cut() -> None:
    config = config_of("rnn").model_copy(update={"truncation": 3})
    config = TrainConfig.model_validate(config.model_dump())
    assert "cut off or clipped" in Inspection(config, load_dataset(config.data)).read("unit", 2).undefined


def test_the_sentence_names_the_way_along_which_most_arrives() -> None:
    none, some = np.zeros(3), np.array([0.0, -3.0, 1.0])
    assert said(4, none, none, none, none) == ("The gradient by every unit is exactly 0.",)
    first, second = said(4, some / 4, some, none, none)
    assert first == "Unit 5 has the largest gradient over the sequence."
    assert second == "The largest part of it comes through itself: 80 % of all that arrives, signs aside."
