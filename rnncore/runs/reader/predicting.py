"""What a reader does with a run's weights: it applies them to a new file. The only job that loads torch."""

from typing import Any

import numpy as np
from safetensors.numpy import load

from rnncore.applying import apply_run
from rnncore.config import TrainConfig
from rnncore.runs.reader.jobs import Files, Reply, config_of_request
from rnncore.runs.worker.lean_torch import leave_compiler_out

_SHOWN = 200  # rows that are shown as a table


def predict(request: dict[str, Any], files: Files) -> Reply:
    """Return the predictions of `request["config"]` as CSV, their first rows, notes and a picture.

    files: the weights as safetensors, the new file, and the run's own files by their ids, in this order. Raises
    DataError.
    """
    leave_compiler_out()
    (_, weights), new, *own = files
    config: TrainConfig = config_of_request(request)
    found = apply_run(config, load(weights), dict(own).__getitem__, [new])
    plain = {
        "rows": found.rows,
        "columns": list(found.columns),
        "head": [list(row) for row, _ in zip(zip(*found.columns.values(), strict=True), range(_SHOWN), strict=False)],
        "notes": list(found.notes),
        "picture": found.picture,
    }
    return plain, {"csv": np.frombuffer(found.csv().encode(), np.uint8)}
