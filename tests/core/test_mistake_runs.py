"""Runs with a mistake made on purpose: they train on any data, and do what the mistake says."""

from typing import Any

import numpy as np
import pytest
import torch

from rnncore import TrainConfig, train
from rnncore.cells import CELLS
from rnncore.choices import READOUTS
from rnncore.config import ModelConfig
from rnncore.data import load_dataset
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer
from rnncore.errors import ConfigError
from rnncore.mistakes import MISTAKES

SMALL = {"steps": 3, "batch_size": 5, "profile_every": 1, "eval_every": 1}
DATA: dict[str, dict[str, Any]] = {
    "adding": {"kind": "task", "seq_len": 7},
    "reber": {"kind": "task", "task": "embedded_reber", "seq_len": 14},
    "text": {"kind": "task", "task": "text", "seq_len": 6},
    "sunspots": {"kind": "bundled", "window": 6},
    "vowels": {"kind": "bundled", "name": "vowels"},
}


def config_of(data: str, mistake: str, **fields: Any) -> TrainConfig:
    per_step = data in ("reber", "text")
    model = {"hidden_size": 4, "readout": "every_step" if per_step else "last"} | fields.pop("model", {})
    return TrainConfig.model_validate({"data": DATA[data], "mistake": mistake, "model": model, **SMALL, **fields})


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("data", DATA)
def test_every_mistake_can_be_made_with_every_kind_of_data(data: str, mistake: str) -> None:
    config = config_of(data, mistake)
    if load_dataset(config.data).target not in MISTAKES[mistake].targets:
        with pytest.raises(ConfigError, match=f"mistake: '{mistake}' is not allowed with the data"):
            Trainer(config)
        return
    trainer = Trainer(config)
    records = list(trainer.records())
    assert [record.step for record in records] == [1, 2, 3]
    for record in records:
        assert record.hidden_grad_norm is not None
        assert record.hidden_grad_norm.shape == (1, trainer.info.seq_len)
        assert record.val_loss is not None
        assert np.isfinite(record.val_loss)
    broken_on_purpose = [note for note in trainer.info.notes if note.startswith("Broken on purpose")]
    assert len(broken_on_purpose) == (mistake != "none")


def test_a_mistake_is_made_with_given_data_too() -> None:
    config = config_of("adding", "unscaled_targets")
    given = next(train(config, load_dataset(config.data)))
    assert given.train_loss == next(train(config)).train_loss
    assert given.train_loss > 1e5


@pytest.mark.parametrize("cell", [key for key, cell in CELLS.items() if cell.torch_cell])
@pytest.mark.parametrize("readout", READOUTS)
def test_swapped_axes_are_what_torch_does_without_batch_first(cell: str, readout: str) -> None:
    torch.manual_seed(1)
    model = SequenceModel(ModelConfig(cell=cell, hidden_size=4, num_layers=2, readout=readout), 3, 2).double()
    theirs = getattr(torch.nn, CELLS[cell].torch_cell.removesuffix("Cell"))(3, 4, 2).double()  # type: ignore[union-attr]
    theirs.load_state_dict(model.recurrent.state_dict())
    inputs = torch.randn(5, 6, 3, dtype=torch.float64)  # (B, T, F)
    model.swaps_axes = True

    states, _ = theirs(inputs)

    torch.testing.assert_close(model(inputs), model.read(states))


def test_a_batch_that_is_read_as_time_has_as_many_timesteps_as_sequences() -> None:
    trainer = Trainer(config_of("adding", "swapped_batch_and_time", truncation=5))
    assert trainer.info.seq_len == 5
    with pytest.raises(ConfigError, match="truncation: 6 is not allowed with sequences of 5 timesteps"):
        Trainer(config_of("adding", "swapped_batch_and_time", truncation=6))
    small = TrainConfig.model_validate(
        {"data": {"kind": "task", "task": "noise"}, "mistake": "swapped_batch_and_time", "batch_size": 4000, "steps": 1}
    )
    assert Trainer(small).info.seq_len == 100
    padded = Trainer(config_of("adding", "padded", truncation=35))
    assert padded.info.seq_len == 35
