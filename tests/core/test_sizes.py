"""Parameter counts and matched hidden sizes against the real models."""

from typing import Any

import pytest

from rnncore.cells import CELLS
from rnncore.config import ModelConfig
from rnncore.engine.model import SequenceModel
from rnncore.sizes import matched_hidden_size, parameter_count


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("readout", ["last", "attention"])
def test_parameter_count_is_that_of_the_model(cell: Any, num_layers: int, readout: Any) -> None:
    config = ModelConfig(cell=cell, hidden_size=5, num_layers=num_layers, readout=readout)
    model = SequenceModel(config, input_size=3, output_size=2)
    assert parameter_count(config, 3, 2) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("other", CELLS)
@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_matched_size_is_the_nearest_of_all(cell: Any, other: Any, num_layers: int) -> None:
    config = ModelConfig(cell=cell, hidden_size=12, num_layers=num_layers)
    wanted = parameter_count(config, 2, 1)

    def distance(hidden_size: int) -> int:
        changed = config.model_copy(update={"cell": other, "hidden_size": hidden_size})
        return abs(parameter_count(changed, 2, 1) - wanted)

    matched = matched_hidden_size(config, other, 2, 1)
    assert distance(matched) == min(distance(size) for size in range(1, 400))
    assert matched == 12 or cell != other


def test_the_matched_size_stays_in_the_range_of_the_config() -> None:
    assert matched_hidden_size(ModelConfig(hidden_size=1), "lstm", 1, 1) == 1
    assert matched_hidden_size(ModelConfig(cell="lstm", hidden_size=2048), "rnn", 1, 1) == 2048
