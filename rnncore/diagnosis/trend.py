"""Whether a validation loss is still falling at the end of what is known of it."""

import numpy as np

from rnncore.diagnosis.quantities import Floats

FALLING = 0.85  # validation loss over that of two thirds of the run, below which it is still falling


def falling(steps: Floats, losses: Floats) -> tuple[int, float, float] | None:
    """Return a step at two thirds of the run, the loss there and now, if the loss is still falling; else None.

    steps, losses: of all evaluations. It falls where the last sixth of the evaluations is below `FALLING` of those at
    two thirds, and what lies between them is in between.
    """
    count = len(losses)
    if count < 6:
        return None
    width = max(1, count // 6)
    start = 2 * count // 3 - width // 2
    early, late = losses[start : start + width], losses[-width:]
    middle = losses[start + width : -width] if count - width > start + width else late
    before, now = float(np.median(early)), float(np.median(late))
    if now > FALLING * before or not now <= float(np.median(middle)) * 1.02 <= before * 1.04:
        return None
    return int(steps[start]), before, now
