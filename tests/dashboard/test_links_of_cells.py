"""Share links and scripts of every registered cell, with all that can be set of it, on every task."""

import ast
import itertools
from typing import Any

import pytest

from dashboard.experiment.share import decode, encode
from rnncore import TrainConfig
from rnncore.cells import CELLS
from rnncore.choices import INITIALIZATIONS
from rnncore.config import TaskData
from rnncore.data import TASKS, load_dataset
from rnncore.script import script_of


def variants(cell: str) -> list[dict[str, Any]]:
    """Each non-linearity of a cell with each way to begin, as fields of a configuration."""
    entry = CELLS[cell]
    models: list[dict[str, Any]] = [{"cell": cell, "nonlinearity": name} for name in entry.nonlinearities]
    models += [{"cell": cell, "bound_weights": True}] if entry.held else []
    starts: list[dict[str, Any]] = [{}, *([{"chrono": True}] if entry.chrono else [])]
    starts += [{"forget_bias": 1.5}] if entry.forget_block else []
    starts += [{"scheme": key} for key in INITIALIZATIONS if entry.takes_schemes]
    return [{"model": model, "init": init} for model, init in itertools.product(models, starts)]


@pytest.mark.parametrize("cell", CELLS)
def test_links_carry_every_cell_with_all_its_settings_on_every_task(cell: str) -> None:
    for fields in variants(cell):
        for task in TASKS:
            config = TrainConfig.model_validate(fields | {"data": {"kind": "task", "task": task}})
            decoded = decode(encode(config, False))
            assert (decoded.config, decoded.problems) == (config, []), (fields, task)


@pytest.mark.parametrize("cell", CELLS)
def test_scripts_are_written_of_every_cell_with_all_its_settings(cell: str) -> None:
    for fields in variants(cell):
        for layers, truncation in ((1, None), (3, 7)):
            model = fields["model"] | {"num_layers": layers}
            given = fields | {"data": {"kind": "task", "seq_len": 20}, "model": model, "truncation": truncation}
            ast.parse(script_of(TrainConfig.model_validate(given)))


@pytest.mark.parametrize("task", TASKS)
def test_scripts_are_written_of_every_cell_on_every_task(task: str) -> None:
    data = TaskData.model_validate({"task": task})
    readout = "every_step" if load_dataset(data).per_step else "last"
    for cell in CELLS:
        fields = {"data": data.model_dump(), "model": {"cell": cell, "readout": readout}}
        ast.parse(script_of(TrainConfig.model_validate(fields)))
