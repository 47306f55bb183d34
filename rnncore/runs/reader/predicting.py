"""What a reader does with a run's weights: it applies them to a new file. The only job that loads torch."""

from itertools import islice
from typing import Any

import numpy as np
from safetensors.numpy import load

from rnncore.applying import apply_run
from rnncore.config import TrainConfig
from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_ANSWER_CELLS, MAX_BYTES
from rnncore.runs.reader.jobs import Files, Reply, config_of_request
from rnncore.runs.worker.lean_torch import leave_compiler_out

_SHOWN, _SHOWN_CELL = 200, 200  # rows that are shown as a table, characters of a cell of it


def predict(request: dict[str, Any], files: Files) -> Reply:
    """Return the predictions of `request["config"]` as CSV, their first rows, notes and a picture.

    files: the weights as safetensors, the new files (`request["new"]` of them), and the run's own files by their ids,
    in this order. Raises DataError.
    """
    leave_compiler_out()
    (_, weights), *others = files
    new, own = others[: request["new"]], others[request["new"] :]
    config: TrainConfig = config_of_request(request)
    found = apply_run(config, load(weights), dict(own).__getitem__, new, MAX_ANSWER_CELLS)
    table = found.csv().encode()
    if len(table) > MAX_BYTES:
        raise DataError(
            f"The predictions on '{new[0][0]}' would be a table of {len(table) / 1e6:,.0f} MB; at most "
            f"{MAX_BYTES / 1e6:.0f} MB can be given out, so send a part of the file."
        )
    shown = islice(zip(*found.columns.values(), strict=True), _SHOWN)
    plain = {
        "rows": found.rows,
        "columns": list(found.columns),
        "head": [[cell[:_SHOWN_CELL] for cell in row] for row in shown],
        "notes": list(found.notes),
        "picture": found.picture,
    }
    return plain, {"csv": np.frombuffer(table, np.uint8)}
