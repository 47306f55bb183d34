"""Watched runs in the store: begun, recorded and ended by their own programs, in this process or over HTTP."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from rnncore.codec import pack
from rnncore.on_demand import choice_of, text_of
from rnncore.reading import Reading
from rnncore.records import Record
from rnncore.runs.backend.frames import Frame
from rnncore.runs.limits import RETRY_S, LimitError, check_disk
from rnncore.runs.settings import Settings
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.store import NewRun, Store, StoredRun
from rnncore.runs.tokens import new_id
from rnncore.runs.watched_forms import KEY, Wanted, WatchedModel

logger = logging.getLogger(__name__)

SILENT_S = 60.0  # without a sign of life, after which the program is taken for gone
QUIET_S = 15.0  # without a sign of life, after which that is said; a program gives one every 5 seconds
ENDINGS = ("finished", "stopped", "failed")
NOT_HERE = "This run trains in a program of its own, and only there can it be steered."
NOT_YET = "This run trains in a program of its own; it can be deleted once that has ended."
OVER = "This run is over, so it takes no further records."
FULL = "It has {most:,} records, which is all that is kept of a run; its program may go on."
QUIET = "Nothing has been heard of the program for {seconds:.0f} seconds."
SILENT = "Nothing was heard of the program that trains this model for {seconds:.0f} seconds, after step {step:,}."


@dataclass(frozen=True, slots=True)
class Begun:
    """Ids of a watched model's runs, one for each of its modules, with what they are called; group: that of all."""

    group: str
    runs: tuple[str, ...]
    labels: tuple[str, ...]


class UnknownWatched(LookupError):  # noqa: N818 - it says what is wrong
    """No watched run has this id."""


class OverError(ValueError):
    """The run takes no further records; the message is one plain sentence."""


class WatchedRuns:
    """All watched runs of a store. Safe for threads; several processes may do this on one store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self._recorders: LRUCache[str, Recorder] = LRUCache(256)
        self._heard: dict[str, tuple[int, float]] = {}  # by run: newest sign of life, and when it was seen first
        self._lock = threading.Lock()

    def begin(self, workspace: str, model: WatchedModel) -> Begun:
        """Store the runs of a model that is watched from now on. Raises LimitError."""
        live = self.store.live_watched()
        groups = {run.group for run in live if run.workspace == workspace}
        most = self.settings.max_active_per_workspace
        if len(groups) >= most:
            sentence = f"{len(groups)} models of yours are being watched, and the limit is {most}; end one of them."
            raise LimitError(sentence, "max_active_per_workspace", RETRY_S)
        if len(live) >= self.settings.max_queued:
            sentence = f"{len(live)} watched runs are under way here, and the limit is {self.settings.max_queued}."
            raise LimitError(sentence, "max_queued", RETRY_S)
        check_disk(self.settings)
        group, labels = new_id(), model.labels()
        new = [
            NewRun(new_id(), workspace, group, label, model.config(module), steps=0)
            for module, label in zip(model.modules, labels, strict=True)
        ]
        with self.store.write():
            self.store.create_runs(new)
            self.store.note_watched([run.id for run in new])
            for run in new:
                self.store.begin_run(run.id)
        return Begun(group, tuple(run.id for run in new), tuple(labels))

    def named(self, target: str) -> list[StoredRun]:
        """Return the watched runs that an id stands for, of a run or of a group. Raises UnknownWatched."""
        found = [run for run in self.store.named(target) if KEY in run.config and self.store.is_watched(run.id)]
        if not found:
            raise UnknownWatched("There is no such watched run.")
        return found

    def beat(self, target: str) -> list[Wanted]:
        """Note that the program of a run or a group is alive; return what it is asked for. Raises UnknownWatched."""
        runs = [run.id for run in self.named(target)]
        self.store.beat(runs)
        return self._wanted(runs)

    def _wanted(self, runs: Sequence[str]) -> list[Wanted]:
        return [Wanted(run, key, choice_of(chosen)) for run, key, chosen in self.store.asks(runs)]

    def read(self, run_id: str, reading: Reading) -> None:
        """Keep a reading that the program of a run has made. Raises UnknownWatched, and OverError where it is over."""
        (run,) = self.named(run_id)
        if run.status in ENDINGS:
            raise OverError(OVER)
        choice = text_of(reading.chosen)
        with self.store.write():
            self.store.beat([run_id])
            self.store.keep_reading(run_id, reading.instrument, reading.step, False, 0, reading.to_bytes(), choice)
            self.store.answered(run_id, reading.instrument, choice)

    def add(self, run_id: str, records: Sequence[Record]) -> list[Wanted]:
        """Store records in the order of their steps; those of steps that are stored already are skipped.

        Returns what the run's program is asked for. Raises UnknownWatched, and OverError where it is over, also because
        it has as many as a run may have.
        """
        (run,) = self.named(run_id)
        if run.status in ENDINGS:
            raise OverError(OVER)
        with self._lock, self.store.write():
            self.store.beat([run_id])
            full = self.store.count_records(run_id, len(records)) > self.settings.max_steps
            if records and not full:
                self._record(run_id, records)
        if full:
            self.end(run_id, "stopped", FULL.format(most=self.settings.max_steps))
            raise OverError(FULL.format(most=self.settings.max_steps))
        return self._wanted([run_id])

    def _record(self, run_id: str, records: Sequence[Record]) -> None:
        recorder = self._recorders.get(run_id) or Recorder(self.store, run_id, self.settings)
        self._recorders.pop(run_id, None)  # after an error, what it remembers would not be what is stored
        header, blob = pack(records)
        recorder.add(Frame({"type": "records", "run": run_id} | header, blob))
        self._recorders[run_id] = recorder

    def end(self, target: str, status: str, reason: str) -> None:
        """Say how the runs that an id stands for ended; those that are over stay as they are. Raises UnknownWatched."""
        told = {run.id: (status, reason) for run in self.named(target) if run.status not in ENDINGS}
        self.store.save_endings(told)
        for run_id in told:
            self._recorders.pop(run_id, None)

    def quiet_for(self, run_id: str) -> float:
        """Return for how many seconds nothing has been heard of a run's program, of whom `look` looks after it.

        0 where that is less than `QUIET_S`.
        """
        beat, since = self._heard.get(run_id, (0, float("inf")))
        seconds = self.store.clock.monotonic() - since
        return seconds if seconds >= QUIET_S and self.store.beat_of(run_id) == beat else 0.0

    def notice(self, run_id: str) -> str | None:
        """Return that nothing is heard of a run's program, if so; it changes every 5 seconds at most."""
        seconds = self.quiet_for(run_id)
        return QUIET.format(seconds=seconds // 5 * 5) if seconds else None

    def look(self) -> None:
        """End the runs whose programs have given no sign of life for long. To be called every few seconds."""
        now, live = self.store.clock.monotonic(), self.store.live_watched()
        heard = {run.id: self._heard.get(run.id, (run.beat, now)) for run in live}
        self._heard = {run.id: heard[run.id] if heard[run.id][0] == run.beat else (run.beat, now) for run in live}
        silent = [run_id for run_id, (_, since) in self._heard.items() if now - since >= SILENT_S]
        for run in filter(None, map(self.store.run, silent)):
            logger.info("a watching program is gone", extra={"event": "watched_gone", "run": run.id})
            self.store.save_endings({run.id: ("interrupted", SILENT.format(seconds=SILENT_S, step=run.step))})
