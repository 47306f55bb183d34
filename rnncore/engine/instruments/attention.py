"""The instrument "attention": where the attention read-out looks."""

from typing import Any

from rnncore.engine.instruments.moment import Evaluated
from rnncore.json_arrays import floats


def attention(moment: Evaluated) -> dict[str, Any] | None:
    """Return the mean weight (T,) of each timestep over the validation set."""
    weights = moment.evaluation.attention
    return None if weights is None else floats(weights.float().cpu().numpy())
