"""Which way time runs in a table of numbers: values change less from step to step than between unrelated cells."""

import numpy as np
from numpy.typing import NDArray

from rnncore.data.files.table import Table

_ROWS, _COLUMNS = 400, 200  # of a table that are looked at
_FEW = 8  # rows, below which their order says nothing


def roughness(values: NDArray[np.float64]) -> float:
    """Return the mean square step between neighbours (N,) over that of unrelated values: 0 smooth, 1 for noise."""
    known = values[~np.isnan(values)]
    spread = float(known.var()) if len(known) > 2 else 0.0
    return float(np.mean(np.diff(known) ** 2)) / (2 * spread) if spread > 0 else 1.0


def smoothness(table: Table, names: tuple[str, ...]) -> tuple[float, float]:
    """Return how alike neighbours are down the rows and across the named columns, each about 0 for noise to 1.

    Across, the usual profile of a row and its level are taken away first, so that sensors of different size, or all
    of which follow one another, are not taken for a curve.
    """
    columns = [table.column(name).numbers for name in names[:_COLUMNS]]
    known = [column[:_ROWS] for column in columns if column is not None]
    if not known:
        return 0.0, 0.0
    values = np.stack(known, 1)  # (R, C)
    rows, width = values.shape
    with np.errstate(all="ignore"):
        mean, spread = np.nanmean(values, 0), np.nanstd(values, 0)
        scaled = np.nan_to_num((values - mean) / np.where(spread > 0, spread, 1.0))
    scaled = scaled[:, spread > 0]
    if scaled.shape[1] < 3 or rows < 3:
        return 0.0, 0.0
    down = float(np.median(np.mean(scaled[:-1] * scaled[1:], 0))) if rows >= _FEW else 0.0
    apart = scaled - scaled.mean(1, keepdims=True)
    total = float((apart**2).sum())
    across = float((apart[:, :-1] * apart[:, 1:]).sum()) / total if total > 0 else 0.0
    return down, across + 1 / width
