"""Every file of the corpus: a network applied to the file that it learned from answers as it did in validation."""

from typing import Any

import numpy as np
import pytest
import torch

from rnncore.applying import apply_run
from rnncore.config import ModelConfig, TrainConfig, UploadData, UploadedFile
from rnncore.data.upload import inspect
from rnncore.engine.model import SequenceModel
from tests.support.corpus import GOOD
from tests.support.corpus.real import REAL

SINGLE = [case for case in (*GOOD, *REAL[::5]) if len(case.files) == 1]


@pytest.mark.parametrize("case", SINGLE, ids=lambda case: case.name)
def test_predictions_on_the_run_s_own_file_hold_those_of_its_validation(case: Any) -> None:
    files = dict(case.files)
    chosen = case.options if isinstance(getattr(case, "options", None), dict) else {}
    options = UploadData(files=tuple(UploadedFile(file=name, name=name) for name in files), **chosen)
    dataset = inspect(case.files, options).dataset if "error" not in getattr(case, "expect", {}) else None
    if dataset is None or dataset.coding is None:
        return  # nothing to train on, or a text to be continued
    coding, held = dataset.coding, dataset.validation
    config = TrainConfig(
        data=options, model=ModelConfig(hidden_size=4, readout="every_step" if dataset.per_step else "last")
    )
    torch.manual_seed(0)
    model = SequenceModel(config.model, dataset.input_size, dataset.output_size).eval()
    found = apply_run(config, {k: v.numpy() for k, v in model.state_dict().items()}, files.__getitem__, case.files)
    assert found.rows > 0
    if dataset.per_step or dataset.target == "multiclass" or coding.by_series or case.name == "air quality":
        return  # air quality: two thirds of a column are gaps, which validation fills from its own part alone
    lengths = None if held.lengths is None else torch.tensor(held.lengths)
    outputs = model(torch.tensor(held.inputs), lengths).detach().numpy()[:, 0].astype(np.float64)
    if dataset.target == "binary":
        expected, name = 1 / (1 + np.exp(-outputs)), f"probability of {coding.classes[1]}"
    else:
        scale = coding.scales[0]
        expected = outputs if scale.raw else outputs * scale.std + scale.mean
        name = f"predicted {coding.targets[0]}"
    answers = np.array([float(cell) for cell in found.columns[name]])
    nearest = np.abs(answers[None] - expected[:, None]).min(1)
    assert nearest.max() <= (1e-3 if coding.classes else 1e-5 * max(1, np.abs(expected).max()))
