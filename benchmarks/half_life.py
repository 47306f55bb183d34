"""How soon the gradient halves before any training, cell by cell: the table of docs/measurements.md.

`python -m benchmarks.half_life`: the adding problem with T = 100, one layer of 32 units, the profile of step 1 with the
seeds 0 to 4, batches of 32. Takes about half a minute.
"""

from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.timing import table
from rnncore import TrainConfig, train
from rnncore.cells import CELLS

SEEDS, T = range(5), 100


def kinds() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every cell with each of its non-linearities, and with chrono biases: name, key, fields of the config."""
    for key, cell in CELLS.items():
        for nonlinearity in cell.nonlinearities:
            name = cell.title if len(cell.nonlinearities) == 1 else f"{cell.title}, {nonlinearity}"
            yield name, key, {"model": {"cell": key, "nonlinearity": nonlinearity}}
        if cell.chrono:
            yield f"{cell.title}, chrono biases", key, {"model": {"cell": key}, "init": {"chrono": True}}


def first_profile(seed: int, **fields: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the profile (T,) of the first step."""
    data = {"kind": "task", "task": "adding", "seq_len": T}
    config = TrainConfig.model_validate({"data": data, "steps": 1, "seed": seed, **fields})
    profile = next(train(config)).hidden_grad_norm
    assert profile is not None
    return profile[-1].astype(np.float64)


def half_life(profile: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Return ln 2 over the slope of ln g by the lag, in steps; below 0 where the gradient grows on its way back."""
    lags, known = np.arange(len(profile) - 1, -1, -1), profile > 0
    return float(-np.log(2) / np.polyfit(lags[known], np.log(profile[known]), 1)[0])


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    rows = []
    for name, _, fields in kinds():
        profiles = [first_profile(seed, **fields) for seed in SEEDS]
        lives, left = [half_life(each) for each in profiles], [each[0] / each[-1] for each in profiles]
        grows = [life < 0 for life in lives]
        life = "grows or hardly changes" if any(grows) else f"{median(lives):.2g}"
        rows.append([name, life, f"{median(left):.1e}", f"{min(left):.0e} to {max(left):.0e}"])
    print(table(["cell", "half-life, steps", "g[1] / g[T], median", "of five seeds"], rows))


if __name__ == "__main__":
    main()
