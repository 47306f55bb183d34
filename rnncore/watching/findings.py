"""What is found out about a watched model from its records: the doctor's own rules, on what is known here.

Nothing is known of its data, of simple answers or of a validation set, so no rule that needs them says anything.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncore.diagnosis.evidence import Evidence, History
from rnncore.diagnosis.finding import Finding
from rnncore.diagnosis.judging import findings
from rnncore.diagnosis.kinds import FINDINGS
from rnncore.diagnosis.quantities import measured
from rnncore.diagnosis.rules import through_time
from rnncore.records import number
from rnncore.watching.record import Profile, WatchRecord

OF_A_MODULE = {rule.key for rule in through_time.RULES}
OF_ALL = {"diverged", "optimizer_hides_vanishing"}  # of the model as a whole; `thrown_out` where no step is left out


def findings_of(records: Sequence[WatchRecord]) -> list[Finding]:
    """Return all that is found, the most important first; of several modules each sentence begins with its name.

    A profile is judged by the newest record that has one. Of bidirectional modules it is the forward direction.
    """
    if not records:
        return []
    history = _history(records)
    told = OF_ALL | ({"thrown_out"} if np.all(np.diff(history.step) == 1) else set())
    whole = [each for each in findings(Evidence(history)) if each.kind in told]
    newest: dict[str, Profile] = {name: profile for each in records for name, profile in each.profiles.items()}
    found = list(whole)
    for name, profile in newest.items():
        own = [each for each in findings(_evidence(history, profile)) if each.kind in OF_A_MODULE]
        found += [_of(name, profile, each, alone=len(newest) == 1) for each in own]
    order = list(FINDINGS)
    return sorted(found, key=lambda each: order.index(each.kind))


def _history(records: Sequence[WatchRecord]) -> History:
    """Return the scalars as the app has them: NaN what is not known, inf what is not finite."""

    def column(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([number(getattr(each, name)) for each in records], np.float64)

    return History(
        step=column("step"),
        train_loss=column("loss"),
        grad_norm=column("told_norm"),
        clip_coef=column("clip_coef"),
        update_norm=column("update_norm"),
        val_loss=np.full(len(records), math.nan),
        learning_rate=column("learning_rate"),
        gaps=True,
    )


def _evidence(history: History, profile: Profile) -> Evidence:
    forwards = slice(None, None, profile.directions)
    count = profile.count[None]
    hidden = measured(profile.hidden[forwards], count)
    if hidden is None or hidden.shape[1] < 2:  # one timestep is no way through time
        return Evidence(history)
    told = profile.told_direct
    direct = None if told is None else measured(told[forwards], count)
    return Evidence(history, profile=hidden, direct=direct, health=_health(profile), ragged=profile.ragged)


def _health(profile: Profile) -> Mapping[str, Any] | None:
    if profile.saturated is None:
        return None
    return {"layers": [{"saturated": float(share)} for share in profile.saturated[:: profile.directions]]}


def _of(name: str, profile: Profile, finding: Finding, alone: bool) -> Finding:
    """Return a finding that says of which module, and of which direction, it is."""
    parts = [] if alone else [name or "the model itself"]
    if profile.directions == 2:
        parts.append("forward direction")
    if not parts:
        return finding
    return replace(finding, sentence=f"{', '.join(parts)}: {finding.sentence}")
