"""A network trained for three steps on a file, applied to others, and computed again by plain torch.nn in float64."""

import csv
import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnncore.applying import apply_run
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.data.prediction import Prediction
from rnncore.engine.train import Trainer

CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
H = 5


def table(header: str, *columns: Any) -> bytes:
    lines = [",".join("" if cell != cell else str(cell) for cell in row) for row in zip(*columns, strict=True)]
    return "\n".join([header, *lines, ""]).encode()


class Run:
    """A network trained for three steps on a file."""

    def __init__(self, content: bytes, name: str = "old.csv", model: Any = None, **options: Any) -> None:
        self.content = content
        data = {"kind": "upload", "files": [{"file": name, "name": name}], **options}
        self.config = TrainConfig.model_validate(
            {"data": data, "steps": 3, "batch_size": 4, "model": {"hidden_size": H, **(model or {})}}
        )
        trainer = Trainer(self.config, load_dataset(self.config.data, lambda _: content))
        list(trainer.records())
        self.weights = {name: value.cpu().numpy() for name, value in trainer.last_finite_state().items()}

    def on(self, content: bytes, name: str = "new.csv", max_cells: int | None = None) -> Prediction:
        return apply_run(self.config, self.weights, lambda _: self.content, [(name, content)], max_cells)

    def plain(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return the outputs (T, O) at every timestep of one sequence (T, F), by torch.nn in float64."""
        cell = CELLS[self.config.model.cell](inputs.shape[1], H, batch_first=True).double()
        state = {
            k.removeprefix("recurrent."): torch.tensor(v).double() for k, v in self.weights.items() if "recur" in k
        }
        cell.load_state_dict(state)
        weight, bias = (self.weights[f"readout.{part}"].astype(np.float64) for part in ("weight", "bias"))
        states = cell(torch.tensor(inputs, dtype=torch.float64)[None])[0][0].detach().numpy()
        return np.asarray(states @ weight.T + bias)


def rows(prediction: Prediction) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(prediction.csv())))


def days(count: int, first: str = "2021-01-01") -> list[str]:
    return [str(day) for day in np.datetime64(first) + np.arange(count)]
