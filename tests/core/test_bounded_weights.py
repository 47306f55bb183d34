"""Recurrent weights that are held within 2^(1/T), one per unit."""

from typing import Any

import pytest
import torch

from rnncore import TrainConfig
from rnncore.cells import CELLS
from rnncore.changes import changed
from rnncore.engine.batched.lockstep import Lockstep
from rnncore.engine.gradients import state_gradients
from rnncore.engine.train import Trainer

BOUNDED: dict[str, Any] = {
    "data": {"kind": "task", "seq_len": 20}, "steps": 40, "batch_size": 4, "optimizer": {"learning_rate": 0.2},
    "model": {"cell": "indrnn", "nonlinearity": "relu", "hidden_size": 8, "num_layers": 2, "bound_weights": True},
}  # fmt: skip


def largest_weights(configs: list[TrainConfig]) -> list[float]:
    """The largest |u| of runs side by side, after each step of each."""
    together, found = Lockstep([Trainer(config) for config in configs]), []
    for place, _ in together.records():
        recurrent = together.trainers[place].model.recurrent
        weights = torch.cat([recurrent.layer_weights(layer)["weight_hh"].detach() for layer in range(2)])
        found.append(float(weights.abs().max()))
    return found


@pytest.mark.parametrize("seeds", [1, 3])
def test_indrnn_bounded_weights_stay_so_while_it_learns(seeds: int) -> None:
    configs = [TrainConfig.model_validate(BOUNDED | {"seed": seed}) for seed in range(seeds)]
    free = [changed(each, {"model": {"bound_weights": False}}) for each in configs]
    bound = 2 ** (1 / 20)  # 1.0353
    assert max(largest_weights(free)) > 1.2
    found = largest_weights(configs)
    assert max(found) == pytest.approx(bound, rel=1e-6)  # some are held, and none is beyond
    assert len(found) == 40 * seeds


def test_indrnn_of_bounded_weights_no_unit_more_than_doubles_a_gradient() -> None:
    trainer = Trainer(TrainConfig.model_validate(BOUNDED | {"model": BOUNDED["model"] | {"num_layers": 1}}))
    for record in trainer.records():
        if record.step % 10 == 0:
            found = state_gradients(
                trainer.model, torch.tensor(trainer.dataset.validation.inputs[:16]), torch.zeros(16, 1)
            ).hidden[0]
            assert bool((found[0].abs() <= (2 + 1e-4) * found[-1].abs()).all())


@pytest.mark.parametrize("cell", [key for key, cell in CELLS.items() if cell.held is None])
def test_cells_without_a_weight_per_unit_have_nothing_to_bound(cell: str) -> None:
    with pytest.raises(ValueError, match=f"bound_weights is for the cell 'indrnn' only, not '{cell}'; set it to false"):
        TrainConfig.model_validate({"model": {"cell": cell, "bound_weights": True}})
