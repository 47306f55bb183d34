"""Watched models as a program of its user reports them."""

import numpy as np

from rnncore.records import Record
from rnncore.runs.watched_forms import WatchedModel

MODULES = [
    {"name": "encoder", "cell": "lstm", "hidden_size": 8, "num_layers": 2},
    {"name": "decoder", "cell": "gru", "hidden_size": 8, "num_layers": 1},
]


def model(name="tagger", modules=MODULES[:1]):
    return WatchedModel.model_validate({"name": name, "modules": modules})


def records(first=1, last=20, timesteps=6, layers=2, **fields):
    """Steps of a model whose gradient vanishes, and of which no validation is known."""
    profile = np.outer(np.ones(layers), 10.0 ** np.arange(-timesteps + 1, 1)).astype(np.float32)
    values = {"epoch": 0, "learning_rate": 0.01, "grad_norm": 2.0, "clip_coef": 0.5, "update_norm": 0.1} | fields
    return [
        Record(step=step, train_loss=1 / step, hidden_grad_norm=profile, elapsed_s=step / 10, **values)
        for step in range(first, last + 1)
    ]
