"""What can be said of a run in sentences and figures, from what the store recorded; cheap enough to poll."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache
from pydantic import ValidationError

from rnncore.codec import Floats, joined
from rnncore.config import TrainConfig
from rnncore.diagnosis.evidence import FIRST, RECENT, Evidence, History
from rnncore.diagnosis.finding import Finding
from rnncore.diagnosis.judging import findings
from rnncore.diagnosis.kinds import FINDINGS
from rnncore.diagnosis.quantities import measured, recording_overhead, unequal
from rnncore.runs.read.damage import damage_in_words
from rnncore.runs.store.profiles import shown_profile
from rnncore.runs.store.runs import ENDED, progress, setup
from rnncore.runs.store.scalars import read_scalars
from rnncore.runs.store.snapshots import snapshot_before
from rnncore.runs.store.store import Store
from rnncore.runs.watched_forms import is_reverse, is_watched

REFRESH_S = 0.9
CACHED_RUNS = 256
LATELY = 600  # steps of which the share clipped and the cost of recording are told


@dataclass(slots=True)
class _Cached:
    step: int
    status: str
    at: float
    answer: dict[str, Any]


_cache: LRUCache[str, _Cached] = LRUCache(CACHED_RUNS)
_lock = threading.Lock()  # of the cache: every request is a thread


def insights(store: Store, run_id: str, status: str, last_step: int) -> dict[str, Any] | None:
    """Return verdicts (kind, sentence), the share of steps clipped and the overhead of recording of a run.

    At most once a second a run is looked at anew, and always when it has ended. None before the first record.
    """
    if last_step == 0:
        return None
    now = time.monotonic()
    with _lock:
        cached = _cache.get(run_id)
    fresh = cached and (cached.step == last_step or now - cached.at < REFRESH_S) and cached.status == status
    if cached is None or not fresh:
        cached = _Cached(last_step, status, now, look(store, run_id))
        with _lock:
            _cache[run_id] = cached
    return cached.answer


def look(store: Store, run_id: str, step: int | None = None) -> dict[str, Any]:
    """Look at a run as it stood at a step, that of the profile which is shown for `step` (None: now).

    Keys: step (that one), last_step (how far the run is), verdicts (kind, sentence), findings (kind, title, group,
    sentence, evidence, remedy: sentence and changes, or None), most important first, clipped (share of the latest steps
    whose gradient was clipped, or None), recording_overhead (share of the training time, see
    `rnncore.diagnosis.quantities`, or None).
    """
    with store.read() as db:
        run = progress(db, run_id)
        if run is None:  # deleted meanwhile
            nothing: dict[str, Any] = {"verdicts": [], "findings": [], "clipped": None, "recording_overhead": None}
            return {"step": 0, "last_step": 0, **nothing}
        settings, facts = setup(db, run.key)
        profile = shown_profile(db, run.key, step)
        upto = run.step if step is None else min(step, run.step) if profile is None else profile.step
        begin, lately = min(FIRST, upto), max(FIRST, upto - RECENT)
        records = joined([read_scalars(db, run.key, 0, begin), read_scalars(db, run.key, lately, upto)])
        snapshot = snapshot_before(db, run.key, upto)
    late = records["step"] > upto - LATELY
    ended = run.reason if run.status == "diverged" and upto == run.step else None
    history = History(
        step=records["step"],
        train_loss=records["train_loss"],
        grad_norm=records["grad_norm"],
        clip_coef=records["clip_coef"],
        update_norm=records["update_norm"],
        val_loss=records["val_loss"],
        learning_rate=records["learning_rate"],
        epoch=int(records["epoch"][-1]) if len(records) else 0,
        diverged=ended.rstrip(".") if ended else None,
        gaps=is_watched(settings),
    )
    arrays = profile.arrays if profile else {}
    counts = arrays.get("sequence_count")
    if is_reverse(settings):
        arrays = {}  # its gradient travels the other way, of which no rule knows
    hidden, direct = (measured(arrays.get(name), counts) for name in ("hidden_grad_norm", "direct_grad_norm"))
    found = findings(
        Evidence(
            history,
            config=_valid(settings),
            profile=hidden,
            direct=direct,
            health=snapshot.get("health"),
            facts=facts,
            over=run.status in ENDED and upto == run.step,
            split=snapshot.get("saturation"),
            ragged=unequal(counts),
        )
    )
    lost = damage_in_words(records.missing)
    damaged = [{"kind": "damaged", "sentence": lost}] if lost else []
    return {
        "step": upto,
        "last_step": run.step,
        "verdicts": [*({"kind": each.kind, "sentence": each.sentence} for each in found), *damaged],
        "findings": [finding_to_json(each) for each in found],
        "clipped": float(np.mean(coefs < 1)) if len(coefs := _measured_only(records["clip_coef"][late])) else None,
        "recording_overhead": recording_overhead(
            records["step"][late],
            records["elapsed_s"][late],
            ~np.isnan(records["val_loss"])[late],
            settings.get("profile_every") or 1,
        ),
    }


def _measured_only(values: Floats) -> Floats:
    """Return the values that were measured."""
    return values[~np.isnan(values)]


def _valid(settings: dict[str, Any]) -> TrainConfig | None:
    """Return a stored configuration; None where it is damaged, or of a plugin that is not here."""
    try:
        return TrainConfig.model_validate(settings)
    except ValidationError:
        return None


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """Return a finding with the title and the group of its kind, JSON-ready."""
    rule = FINDINGS[finding.kind]
    return {"title": rule.title, "group": rule.group, **finding.to_json()}
