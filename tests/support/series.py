"""One series of numbers as the data set that its windows make."""

from collections.abc import Sequence

import numpy as np

from rnncore.data.dataset import SequenceDataset
from rnncore.data.sequences import Feature, Sequences, offsets_of
from rnncore.data.series import forecast_dataset


def series_dataset(
    name: str, values: Sequence[float], window: int, horizon: int, val_fraction: float
) -> SequenceDataset:
    """Cut one series `values` (N,) into windows that see it and forecast it."""
    cells = np.asarray(values, np.float64)
    sequences = Sequences(name, (Feature(name),), (cells,), offsets_of([len(cells)]), (name,), (0,), (0,))
    return forecast_dataset(sequences, window, horizon, 1, val_fraction)
