"""Steps at which several runs can obey one command together, though each of them trains at its own speed."""

import math
from collections.abc import Sequence

from rnncore.runs.active import ActiveRun

AHEAD_S = 0.3  # how far ahead a change is announced, so that all make it at the same step


def common_step(members: Sequence[ActiveRun]) -> int:
    """Return a step that no running member has reached yet, if there are several; 0 for a single run."""
    if len(members) < 2:
        return 0
    running = [run for run in members if run.status == "running"]
    if not running:
        return max(run.step for run in members) + 1
    fastest = max(run.steps_per_second for run in running)
    return max(run.step for run in members) + math.ceil(AHEAD_S * fastest) + 1


def is_near(run: ActiveRun, step: int) -> bool:
    """Whether a run will be at a step in little more than a second."""
    return step - run.step <= (AHEAD_S + 1.0) * run.steps_per_second + 1
