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
from rnncore.engine.readings.unit import said, silent, sums_of
from rnncore.engine.train import Trainer
from rnncore.errors import ConfigError
from rnncore.on_demand import chosen


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
@pytest.mark.parametrize(("layer", "layers"), [(1, 1), (2, 2), (1, 2)])
def test_the_products_sum_to_the_gradient_that_the_engine_records(cell: str, layer: int, layers: int) -> None:
    torch.manual_seed(layers)
    trainer = Trainer(config_of(cell, num_layers=layers))
    trainer.model.double()
    probe = Probe(trainer, 1)
    inputs, targets, _ = probe.batch()
    inputs = inputs[:1].double()
    targets = targets[:1].double() if targets.is_floating_point() else targets[:1]
    sums = sums_of(probe, inputs, targets, None, layer)
    expected = state_gradients(trainer.model, inputs, targets, probe.loss).hidden[layer - 1, :, 0]
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
    assert said(4, 4, none, none, none, none) == ("The gradient by every unit is exactly 0.",)
    first, second = said(4, 4, some / 4, some, none, none)
    assert first == "Unit 5 has the largest gradient over the sequence."
    assert second == "The largest part of it comes through itself: 80 % of all that arrives, signs aside."


def test_a_unit_that_is_0_all_along_is_said_to_be() -> None:
    none, some = np.zeros(3), np.array([0.0, -3.0, 1.0])
    (words,) = silent(30, none, some)
    assert words.startswith("h of unit 31 is exactly 0 at all of these timesteps; the gradient says how the loss")
    assert silent(30, some, some) == silent(30, none, none) == ()


def test_the_reader_chooses_layer_and_unit() -> None:
    config = config_of("gru", num_layers=2)
    inspection = Inspection(config, load_dataset(config.data))
    by_itself = inspection.read("unit", 3)
    chosen = [inspection.read("unit", 3, {"layer": 1, "unit": unit}) for unit in range(1, 6)]
    assert len({reading.arrays["gradient"].tobytes() for reading in chosen}) == 5
    assert [reading.panels[0].title.split()[-1] for reading in chosen] == list("12345")
    assert chosen[0].notes[0] == "Of layer 1 of 2."
    assert by_itself.notes[0] == "Of layer 2 of 2."
    largest = max(chosen, key=lambda reading: float(np.square(reading.arrays["gradient"]).sum()))
    said_of_layer = inspection.read("unit", 3, {"layer": 1})
    assert said_of_layer.arrays["gradient"].tobytes() == largest.arrays["gradient"].tobytes()
    assert all(largest.said[0] in reading.said for reading in chosen)
    own = by_itself.said[0].split()[1]
    assert inspection.read("unit", 3, {"unit": int(own)}).arrays["gradient"].tobytes() == (
        by_itself.arrays["gradient"].tobytes()
    )


@pytest.mark.parametrize(
    ("key", "asked", "problem"),
    [
        ("unit", {"unit": "6"}, "unit: '6' is not allowed; allowed: 1 to 5"),
        ("unit", {"unit": "0"}, "unit: '0' is not allowed; allowed: 1 to 5"),
        ("unit", {"unit": "²"}, "unit: '²' is not allowed; allowed: 1 to 5"),
        ("unit", {"layer": "2"}, "layer: '2' is not allowed; allowed: 1"),
        ("unit", {"gate": 1}, "choice: 'gate' is not allowed with the instrument 'unit'; allowed: 'layer' or 'unit'"),
        ("flow", {"unit": 1}, "choice: 'unit' is not allowed with the instrument 'flow'; allowed: nothing, since"),
    ],
)
def test_what_cannot_be_chosen_is_refused(key: str, asked: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        chosen(key, config_of("rnn"), asked)
    assert str(error.value).startswith(problem)


def test_what_is_empty_was_not_chosen() -> None:
    assert chosen("unit", config_of("lru"), {"unit": "10", "layer": ""}) == {"unit": 10}
