"""How often, and how far, clipping has shortened the gradient of late."""

from dataclasses import dataclass

import numpy as np

from rnncore.diagnosis.evidence import Evidence

WINDOW = 200  # steps


@dataclass(frozen=True, slots=True)
class Clipped:
    """Of the last steps: the share that was clipped, the median coefficient of these, the median norm before it."""

    share: float
    median: float
    norm: float
    steps: int


def clipping(e: Evidence) -> Clipped | None:
    """Return what clipping did in the last `WINDOW` steps; None where it did nothing."""
    coefs = e.history.clip_coef[-WINDOW:]
    cut = coefs[coefs < 1]
    norms = e.history.grad_norm[-WINDOW:]
    norms = norms[np.isfinite(norms)]
    if not cut.size or not norms.size:
        return None
    return Clipped(cut.size / coefs.size, float(np.median(cut)), float(np.median(norms)), coefs.size)
