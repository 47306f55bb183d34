"""The runs of a workspace as rows of a table: in words, with figures, a verdict and a sparkline; no Streamlit."""

import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Protocol

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from pydantic import ValidationError

from dashboard.experiment.groups import Group
from dashboard.experiment.words import data_words, mistake_words, model_words, status_word
from rnncore.codec import joined
from rnncore.config import TrainConfig
from rnncore.records import MetricWords
from rnncore.runs.allowed import resumable
from rnncore.runs.read.insights import look
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.runs import progress
from rnncore.runs.store.scalars import read_scalars
from rnncore.runs.store.store import ACTIVE, ListedRun, Store

PAGE_RUNS = 50
MOST_RUNS = 5000  # the newest runs of a workspace that are listed
MOST_LAID = 6  # runs that fit on one board
SPARK_POINTS = 40
GROWTH = 1.02  # a running run is measured anew when it has become this much longer
INTERRUPTED_AGE_S = 86_400.0  # an interruption is news for this long
ONE_STOP_S = 60.0  # runs that ended this close together were interrupted by the same stop of the server
CACHED_RUNS = 20_000

STATUSES: dict[str, tuple[str, ...]] = {
    "Under way": ACTIVE,
    "Finished": ("finished",),
    "Stopped": ("stopped",),
    "Diverged": ("diverged",),
    "Failed": ("failed", "killed"),
    "Interrupted": ("interrupted",),
}
_REASON_FIRST = ("failed", "killed", "diverged")  # why these ended says more than what was seen while they trained

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HistoryRun:
    """What the list knows of a run without looking at its records.

    twin: place in its group, '1 of 2', or ''. broken: the mistake that it makes on purpose (`mistake_words`), or ''.
    """

    id: str
    group: str
    label: str
    note: str
    status: str
    reason: str
    step: int
    steps: int
    created_at: float
    data: str
    model: str
    twin: str
    broken: str = ""

    @property
    def active(self) -> bool:
        """Whether the run is queued, running or paused."""
        return self.status in ACTIVE

    @property
    def watched(self) -> bool:
        """Whether it trains in a program of its user, which alone can steer it."""
        return self.steps == 0

    @property
    def resumable(self) -> bool:
        """Whether the run is over but can be continued."""
        return resumable(self.status, self.steps)

    def matches(self, words: Sequence[str], statuses: Collection[str]) -> bool:
        """Tell whether the run has one of the statuses (none given: any) and every one of the lower-case words."""
        if statuses and self.status not in statuses:
            return False
        parts = (self.label, self.data, self.model, self.broken, self.note, status_word(self.status))
        text = "\n".join(parts).casefold()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run's records say. sparkline: log10 of the training loss, at most SPARK_POINTS means of it.

    right, error: the data's own metric at the last evaluation, as a share of right answers or as an error.
    """

    last_loss: float | None = None
    best_val_loss: float | None = None
    right: float | None = None
    error: float | None = None
    sparkline: tuple[float, ...] = ()
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class _Cached:
    status: str
    step: int
    measured: Measured


# Data, model and mistake by run id: a config never changes.
_words: LRUCache[str, tuple[str, str, str]] = LRUCache(CACHED_RUNS)
_groups: LRUCache[tuple[str, ...], tuple[dict[str, str], str]] = LRUCache(CACHED_RUNS)  # by the ids of the runs
_measured: LRUCache[str, _Cached] = LRUCache(CACHED_RUNS)
_lock = threading.Lock()  # of all three: every visitor is a thread


def runs_of(store: Store, workspace: str) -> list[HistoryRun]:
    """Return a workspace's runs, the newest group first, the runs of a group together and in their order."""
    found = store.listed_runs(workspace, MOST_RUNS)
    words = _words_of(store, [run.id for run in found])
    groups: dict[str, list[ListedRun]] = {}
    for run in found:
        groups.setdefault(run.group, []).append(run)
    runs = []
    for group in groups.values():
        for place, run in enumerate(reversed(group), start=1):
            twin = f"{place} of {len(group)}" if len(group) > 1 else ""
            data, model, broken = words[run.id]
            fields: tuple[Any, ...] = (*astuple(run), data, model, twin, broken)
            runs.append(HistoryRun(*fields))
    return runs


def in_groups(store: Store, runs: Sequence[HistoryRun], everything: Sequence[HistoryRun]) -> list[tuple[str, str]]:
    """Return for each run what it is called beside those of its group, and its place there: "1 of 2, by clipping".

    everything: all runs of the workspace. A run alone keeps its name and has no place.
    """
    shown = {run.group for run in runs}
    members: dict[str, list[HistoryRun]] = {}
    for run in everything:
        if run.group in shown:
            members.setdefault(run.group, []).append(run)
    keys = {group: tuple(run.id for run in each) for group, each in members.items() if len(each) > 1}
    with _lock:
        known = {group: found for group, key in keys.items() if (found := _groups.get(key))}
    new = {group: key for group, key in keys.items() if group not in known}
    configs = store.configs([run_id for key in new.values() for run_id in key]) if new else {}
    for group, key in new.items():
        known[group] = _told(members[group], configs)
        with _lock:
            _groups[key] = known[group]
    alone: tuple[dict[str, str], str] = {}, ""
    told = []
    for run in runs:
        labels, by = known.get(run.group, alone)
        told.append((labels.get(run.id, run.label), f"{run.twin}, by {by}" if by and run.twin else run.twin))
    return told


def _told(runs: Sequence[HistoryRun], configs: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, str], str]:
    """Return what the runs of a group are called, by id, and by what they differ."""
    try:
        group = Group(tuple(TrainConfig.model_validate(configs[run.id]) for run in runs))
    except (ValidationError, KeyError):  # damaged, or just deleted
        return {}, ""
    labels = group.labels([run.label for run in runs])
    return {run.id: label for run, label in zip(runs, labels, strict=True)}, group.words()


def find(runs: Iterable[HistoryRun], text: str = "", statuses: Collection[str] = ()) -> list[HistoryRun]:
    """Return the runs that have one of the statuses and contain every word of the text, in the same order."""
    words = text.casefold().split()
    return [run for run in runs if run.matches(words, statuses)]


def pages(runs: Sequence[HistoryRun]) -> list[list[HistoryRun]]:
    """Divide runs into pages of at most PAGE_RUNS, never between the runs of a group."""
    divided: list[list[HistoryRun]] = [[]]
    for start, run in enumerate(runs):
        first = start == 0 or runs[start - 1].group != run.group
        group = sum(other.group == run.group for other in runs[start : start + PAGE_RUNS]) if first else 1
        if len(divided[-1]) + group > PAGE_RUNS and divided[-1]:
            divided.append([])
        divided[-1].append(run)
    return divided


def measure(store: Store, run: HistoryRun) -> Measured:
    """Return what a run's records say; looked up once for a run that is over, now and then for one under way."""
    with _lock:
        cached = _measured.get(run.id)
    upto = cached.step * (GROWTH if run.active else 1) if cached else 0
    if cached is None or cached.status != run.status or not cached.step <= run.step <= upto:
        cached = _Cached(run.status, run.step, _measure(store, run))
        with _lock:
            _measured[run.id] = cached
    return cached.measured


def sparkline(losses: Floats) -> tuple[float, ...]:
    """Return log10 of the losses (N,), averaged over at most SPARK_POINTS stretches of equal length.

    Losses that have no logarithm (not finite, or not above 0) are left out.
    """
    logs = np.log10(losses[np.isfinite(losses) & (losses > 0)])
    if len(logs) == 0:
        return ()
    starts = np.unique(np.linspace(0, len(logs), SPARK_POINTS, endpoint=False).astype(int))
    means = np.add.reduceat(logs, starts) / np.diff(np.append(starts, len(logs)))
    return tuple(np.round(means, 3).tolist())


class Member(Protocol):
    """A run by its id and that of its group."""

    @property
    def id(self) -> str:
        """Its own id."""
        ...

    @property
    def group(self) -> str:
        """The id of its group."""
        ...


def address(runs: Sequence[Member], everything: Sequence[Member]) -> str:
    """Return what the lab's `?run=` needs to show these runs: the watch keys of `ids`, with commas between them."""
    return ",".join(map(watch_key, ids(runs, everything)))


def ids(runs: Sequence[Member], everything: Sequence[Member]) -> list[str]:
    """Return a whole group's id where the runs are all of it, else their own."""
    groups = {run.group for run in runs}
    if len(groups) == 1:
        (group,) = groups
        if len(runs) == sum(run.group == group for run in everything):
            return [group]
    return [run.id for run in runs]


def targets(runs: Sequence[Member], everything: Sequence[Member]) -> list[str]:
    """Return the ids by which to steer these runs: a group's where all of it is meant, so that twins stay in step."""
    by_group: dict[str, list[Member]] = {}
    for run in runs:
        by_group.setdefault(run.group, []).append(run)
    return [part for members in by_group.values() for part in ids(members, everything)]


def interrupted_runs(store: Store, workspace: str, now: float | None = None) -> list[HistoryRun]:
    """Return the runs that the server's latest stop interrupted and that can be continued; none after a day."""
    found = store.interrupted(workspace)
    latest = max(found.values(), default=0.0)
    if (time.time() if now is None else now) - latest > INTERRUPTED_AGE_S:
        return []
    news = {run_id for run_id, ended in found.items() if latest - ended <= ONE_STOP_S}
    return [run for run in runs_of(store, workspace) if run.id in news]


def _words_of(store: Store, run_ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Return data, model and mistake in words by run id; only configs not seen before are read."""
    with _lock:
        words = {run_id: known for run_id in run_ids if (known := _words.get(run_id))}
    new = [run_id for run_id in run_ids if run_id not in words]
    if new:
        configs = store.configs(new)
        fresh = {
            run_id: (data_words(config), model_words(config), mistake_words(config))
            for run_id, config in configs.items()
        }
        with _lock:
            _words.update(fresh)
        words |= fresh
    return words


def _measure(store: Store, run: HistoryRun) -> Measured:
    reason = run.reason if run.status in _REASON_FIRST else ""
    with store.read() as db:
        found = progress(db, run.id)
        records = read_scalars(db, found.key) if found else joined([])
    if not len(records):
        return Measured(verdict=reason)
    train, val = (values[np.isfinite(values)] for values in (records["train_loss"], records["val_loss"]))
    metrics = records["val_metric"][np.isfinite(records["val_metric"])]
    right, error = _metric(store, run, float(metrics[-1])) if len(metrics) else (None, None)
    verdicts = [] if reason else look(store, run.id)["verdicts"]
    return Measured(
        last_loss=float(train[-1]) if len(train) else None,
        best_val_loss=float(val.min()) if len(val) else None,
        right=right,
        error=error,
        sparkline=sparkline(train),
        verdict=reason or (verdicts[0]["sentence"] if verdicts else ""),
    )


def _metric(store: Store, run: HistoryRun, value: float) -> tuple[float | None, float | None]:
    """Return a value of the data's own metric as a share of right answers, or as an error where it is none."""
    stored = store.run(run.id)
    name = stored.info.get("metric") if stored and stored.info else None
    if not name:
        return None, None
    words = MetricWords.of(name)
    return (words.told(value), None) if words.percent else (None, value)
