"""The instrument "parameters": norms of weights and gradients, and the sizes of the gradients' elements."""

from typing import Any

import numpy as np

from rnncore.engine.flat import FlatParameters, exact_norm
from rnncore.engine.instruments.moment import Moment
from rnncore.snapshot_parts import BINS, FIRST_DECADE, LAST_DECADE, ParameterStatistics

_EDGES = 10.0 ** np.arange(FIRST_DECADE, LAST_DECADE + 1)


def parameters(moment: Moment) -> dict[str, Any]:
    """Return `ParameterStatistics` as the backward pass has left weights and gradients."""
    return parameter_statistics(moment.parameters).to_json()


def parameter_statistics(parameters: FlatParameters) -> ParameterStatistics:
    """Return norms of each tensor's weights and gradient, and how many gradient elements fall into each decade."""
    counts = np.empty((len(parameters.names), BINS + 2), np.int64)
    zeros = np.empty(len(parameters.names), np.int64)
    for row, gradient in enumerate(parameters.gradient_views):
        sizes = gradient.abs().flatten().cpu().numpy()
        places = np.searchsorted(_EDGES, sizes, side="right")  # 0 below all edges, last: above, inf, NaN
        counts[row] = np.bincount(places, minlength=BINS + 2)
        zeros[row] = sizes.size - np.count_nonzero(sizes)
    return ParameterStatistics(
        names=tuple(parameters.names),
        shapes=tuple(tuple(parameter.shape) for parameter in parameters.parameters),
        weight_norm=np.array([exact_norm(parameter.data) for parameter in parameters.parameters]),
        gradient_norm=np.array([exact_norm(gradient) for gradient in parameters.gradient_views]),
        histogram=counts[:, 1:-1],
        zeros=zeros,
        below=counts[:, 0] - zeros,
        above=counts[:, -1],
    )
