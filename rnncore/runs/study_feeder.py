"""Feeds the runs of studies into the queue a few at a time, and keeps a summary of each one that is over."""

import json
import logging
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import ValidationError

from rnncore.alike import in_common
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.read.study_runs import summary_of
from rnncore.runs.store.database import StoreFault, is_damage, may_pass
from rnncore.runs.store.store import ENDED, NewRun, StoredRun
from rnncore.runs.store.studies import StoredStudy, label_of, numbers_of
from rnncore.runs.tokens import new_id
from rnncore.studies import pace
from rnncore.studies.config import StudyConfig
from rnncore.studies.expansion import StudyCell, cells_of
from rnncore.studies.forecast import run_seconds

logger = logging.getLogger(__name__)

TRIES = 3  # of a run whose process is lost again and again
YIELD_S = 0.5  # a study's run that has trained for so long gives its place to somebody who waits
AHEAD = 2  # runs that wait beyond those that can execute
TOGETHER = 8  # runs of a batch, at most
IN_TURN, IN_TURN_S = 16, 2.0  # runs that one job trains one after another, and their forecast, at most
SHORT_S, LONG_SEQUENCE = 20.0, 100  # longest run that may train in a batch; timesteps where they are not known
STOPPED = "Its study was stopped"
MADE_ROOM = "It made room for others at step {step}."
BROKEN = "This study cannot go on; the server's log says why."


@dataclass(slots=True)
class OpenStudy:
    """A study that goes on.

    waiting: numbers of runs that have not begun. begun: by id of the run, the numbers of those that train in it: one,
    or several, as a batch or in turn. families: of each cell, see `families_of`. apart: cells whose runs do not fit
    together, or that need jobs of their own. seconds: forecast of a run of each cell, once it was asked for.
    """

    stored: StoredStudy
    config: StudyConfig
    cells: list[StudyCell]
    files: tuple[str, ...]
    waiting: deque[int]
    begun: dict[str, tuple[int, ...]]
    families: list[int]
    tries: Counter[str] = field(default_factory=Counter)
    apart: set[int] = field(default_factory=set)
    seconds: dict[int, float] = field(default_factory=dict)

    def run_config(self, number: int) -> TrainConfig:
        """Return the configuration of a run by its number."""
        cell, place = divmod(number, len(self.config.seeds))
        return self.cells[cell].seeded(place)

    def active(self, run: str, numbers: Sequence[int], step: int = 0) -> ActiveRun:
        """Return a run as the scheduler remembers it; in the queue all studies of a workspace are one owner's."""
        owner, place = f"studies of {self.stored.workspace}", self.stored.runs_in
        configs = [self.run_config(number).model_dump(mode="json") for number in numbers]
        success = self.config.success.model_dump(mode="json") if self.config.success else None
        return ActiveRun(
            run, place, place, configs[0], configs[0]["steps"], self.files, owner, keep_when_gone=True, step=step,
            batch=tuple(configs) if len(configs) > 1 else (), in_turn=not self.config.batched, success=success,
        )  # fmt: skip

    def next(self, places: int) -> tuple[int, ...]:
        """Take the next run out of those that wait, or the next few, to train as one model or in turn."""
        taken = [self.waiting.popleft()]
        cell = taken[0] // len(self.config.seeds)
        if cell not in self.apart:
            if not self.config.batched:
                self._take_short_ones(taken, places)
            elif self._seconds(cell) <= SHORT_S:
                self._take_family(taken, places)
        return tuple(taken)

    def _take_family(self, taken: list[int], places: int) -> None:
        """Take further runs of the same family, which may train as one batched model."""
        seeds = len(self.config.seeds)
        cell = taken[0] // seeds
        share = -(-(len(self.waiting) + 1) // max(places, 1))  # so that no place is left without
        while self.waiting and len(taken) < min(TOGETHER, max(2, share)):
            other = self.waiting[0] // seeds
            if self.families[other] != self.families[cell] or other in self.apart:
                break
            taken.append(self.waiting.popleft())

    def _take_short_ones(self, taken: list[int], places: int) -> None:
        """Take further runs of any cell while all together are short: between two jobs a place waits for the store.

        The fewer are left, the fewer are taken, so that all places end at about the same time.
        """
        seeds = len(self.config.seeds)
        most = min(IN_TURN, (len(self.waiting) + 1) // (2 * max(places, 1)))
        seconds = self._seconds(taken[0] // seeds)
        while self.waiting and len(taken) < most:
            cell = self.waiting[0] // seeds
            seconds += self._seconds(cell)
            if cell in self.apart or seconds > IN_TURN_S:
                break
            taken.append(self.waiting.popleft())

    def _seconds(self, cell: int) -> float:
        """Return the forecast of a run on this machine: those that train in one job have to be short.

        Such a job makes room for others late, in turn, or with its work lost, as a batch.
        """
        if cell not in self.seconds:
            config = self.cells[cell].config
            length = getattr(config.data, "seq_len", None) or getattr(config.data, "window", None) or LONG_SEQUENCE
            self.seconds[cell] = run_seconds(config, length) * (pace.measured() or 1.0)
        return self.seconds[cell]


def families_of(cells: Sequence[StudyCell]) -> list[int]:
    """Return for each cell the first one whose runs can train in one batch with its own: they differ in numbers alone.

    Numbers are those of optimiser, clipping and regularisers, such as the learning rate (`rnncore.alike`).
    """
    first: dict[str, int] = {}
    return [first.setdefault(json.dumps(in_common(cell.config), default=str), cell.index) for cell in cells]


def in_order(seeds: int, families: Sequence[int], batched: bool, done: set[int]) -> deque[int]:
    """Return the numbers of the runs that are left: every cell with its first seed, then with its second, and so on.

    families: of each cell. Where runs train together, every cell has as many seeds in its turn as fit into a batch, and
    the cells of a family follow one another.
    """
    together = TOGETHER if batched else 1
    cells = sorted(range(len(families)), key=lambda cell: families[cell]) if batched else range(len(families))
    numbers = (
        cell * seeds + place
        for start in range(0, seeds, together)
        for cell in cells
        for place in range(start, min(start + together, seeds))
    )
    return deque(number for number in numbers if number not in done)


class StudyFeeder:
    """The studies that go on; every method is for whoever holds the lifecycle's lock."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._open: dict[str, OpenStudy] = {}
        self._loaded = False

    def forget_all(self) -> None:
        """Read anew from the store which studies go on: the server starts, or another store has come in its place."""
        self._open, self._loaded = {}, False

    def look(self) -> None:
        """Settle the runs that are over, start further ones, make room for others. Called several times a second."""
        if not self._loaded:
            for stored in self._lifecycle.store.unfinished_studies():
                if stored.id not in self._open:
                    self.take_up(stored)
            self._loaded = True
        self._settle_all()
        for study in list(self._open.values()):
            try:
                self._top_up(study)
            except Exception as error:
                self._give_up(study, error)
        self._make_room()

    def count(self, workspace: str) -> int:
        """Return how many studies of a workspace go on."""
        return sum(study.stored.workspace == workspace for study in self._open.values())

    def take_up(self, stored: StoredStudy) -> None:
        """Let a study that the store has as `running` go on from where it stands."""
        store = self._lifecycle.store
        try:
            config = StudyConfig.model_validate(stored.config)
            cells = cells_of(config)
        except (ValidationError, ConfigError):  # damaged, or of a plugin that is not here any more
            logger.exception("a study cannot go on", extra={"event": "study_broken", "study": stored.id})
            store.set_study_status(stored.id, "stopped", BROKEN)
            return
        left = store.runs_of(stored.runs_in)
        begun = {run.id: numbers_of(run.label) for run in left}
        taken = {number for numbers in begun.values() for number in numbers}
        families = families_of(cells) if config.batched else [cell.index for cell in cells]
        done = store.settled_numbers(stored.key) | taken
        waiting = in_order(len(config.seeds), families, config.batched, done)
        files = tuple(file.id for file in store.files_of(stored.runs_in))
        self._open[stored.id] = OpenStudy(stored, config, cells, files, waiting, begun, families)
        self._lifecycle.over_in_studies.extend(run.id for run in left if run.status in ENDED)

    def stop(self, study_id: str) -> None:
        """Let go of a study: nothing further starts, and what trains ends at a checkpoint. In a transaction."""
        study, runs = self._open.pop(study_id, None), self._lifecycle.runs
        for run in study.begun if study else ():
            if run in runs:
                self._lifecycle.ask_to_end(runs[run], Ending("stopped", f"{STOPPED} at step {{step}}."))

    # Runs that are over

    def _settle_all(self) -> None:
        over, later = self._lifecycle.over_in_studies, []
        while over:
            run = over.popleft()
            study = next((each for each in self._open.values() if run in each.begun), None)
            try:
                if study is not None and not self._settle(study, run):
                    later.append(run)
            except Exception as error:
                over.extend([run, *later])
                later.clear()
                assert study is not None
                self._give_up(study, error)
        over.extend(later)

    def _give_up(self, study: OpenStudy, error: Exception) -> None:
        """Stop a study that cannot go on, so that the others do. Raises the error where it may pass."""
        if may_pass(error) and not is_damage(error):
            raise error
        facts = {"event": "study_broken", "study": study.stored.id}
        logger.error("a study cannot go on", exc_info=error, extra=facts)
        del self._open[study.stored.id]
        with suppress(StoreFault), self._lifecycle.transaction():
            self._lifecycle.store.set_study_status(study.stored.id, "stopped", BROKEN)

    def _settle(self, study: OpenStudy, run_id: str) -> bool:
        """Keep what came out of a run, or let it go on; False while the store does not know yet how it has ended."""
        lifecycle, numbers = self._lifecycle, study.begun[run_id]
        if run_id in lifecycle.runs:  # it goes on already
            return True
        run = lifecycle.store.run(run_id)
        if run is None:
            del study.begun[run_id]
            study.waiting.extendleft(reversed(numbers))
            return True
        if run.status not in ENDED or lifecycle.unsaved_ending(run_id) is not None:
            return False
        if self._goes_on(study, run):
            with lifecycle.transaction():
                lifecycle.store.requeue_run(run.id)
                lifecycle.add([study.active(run.id, numbers, run.step)])
            return True
        if len(numbers) > 1:
            self._settle_batch(study, run.id, numbers)
        else:
            summary = summary_of(lifecycle.store, run, study.config.success)
            with lifecycle.transaction():
                lifecycle.store.settle_study_run(study.stored.key, numbers[0], run_id, summary.to_json())
        del study.begun[run_id]
        return True

    def _settle_batch(self, study: OpenStudy, run_id: str, numbers: Sequence[int]) -> None:
        """Let go of a job of several runs; those that it brought no summary of train in another one.

        They train one by one where they were one batched model, or where nothing came of the job.
        """
        lifecycle, known = self._lifecycle, self._lifecycle.store.settled_numbers(study.stored.key)
        with lifecycle.transaction():
            lifecycle.store.drop_study_run(run_id)
        left = [number for number in numbers if number not in known]
        if left:
            if study.config.batched or len(left) == len(numbers):
                study.apart.update(number // len(study.config.seeds) for number in left)
            study.waiting.extendleft(reversed(left))

    def _goes_on(self, study: OpenStudy, run: StoredRun) -> bool:
        """Whether a run ended through no fault of its own, and goes on from its last checkpoint."""
        if run.status == "stopped":
            return run.reason.startswith(STOPPED)
        if run.status != "interrupted":
            return False
        study.tries[run.id] += 1
        return study.tries[run.id] < TRIES

    # Runs that begin

    def _top_up(self, study: OpenStudy) -> None:
        if not study.waiting and not study.begun:
            with self._lifecycle.transaction():
                self._lifecycle.store.set_study_status(study.stored.id, "finished")
            del self._open[study.stored.id]
            logger.info("a study is finished", extra={"event": "study_finished", "study": study.stored.id})
            return
        size = self._lifecycle.backend.capacity().size
        taken: list[tuple[int, ...]] = []
        while study.waiting and len(study.begun) + len(taken) < size + AHEAD:
            taken.append(study.next(size))
        if taken:
            try:
                self._begin(study, taken)
            except BaseException:
                study.waiting.extendleft(number for numbers in reversed(taken) for number in reversed(numbers))
                raise

    def _begin(self, study: OpenStudy, taken: Sequence[tuple[int, ...]]) -> None:
        lifecycle, place = self._lifecycle, study.stored.runs_in
        active = [study.active(new_id(), numbers) for numbers in taken]
        new = [
            NewRun(run.id, place, place, label_of(numbers), run.config, run.steps, study.files)
            for run, numbers in zip(active, taken, strict=True)
        ]
        with lifecycle.transaction():
            lifecycle.store.create_runs(new)
            for run in active:  # one by one: in the queue each counts as a start
                lifecycle.add([run])
        study.begun |= {run.id: numbers for run, numbers in zip(active, taken, strict=True)}

    # Room for others

    def _make_room(self) -> None:
        """Let runs of studies wait again, from a checkpoint, where somebody else waits and no place is free.

        A batched model has none: its runs train once more, one by one, and then can make room. Short runs that train in
        turn go on: their job ends soon (`rnncore.runs.worker.job`).
        """
        lifecycle = self._lifecycle
        runs, now = lifecycle.runs, lifecycle.clock.monotonic()
        others = sum(not runs[run].in_study for run in lifecycle.queue)
        leaving = sum(
            run.parking or (run.in_study and run.executing and run.ending is not None) for run in runs.values()
        )
        wanted = others - leaving
        if wanted <= 0 or lifecycle.backend.capacity().free:
            return
        able = [run for run in runs.values() if run.in_study and _has_had_a_turn(run, now)]
        for run in sorted(able, key=lambda each: each.trained_seconds(now))[:wanted]:
            with lifecycle.transaction():
                if run.batch:
                    lifecycle.ask_to_end(run, Ending("stopped", MADE_ROOM))
                else:
                    run.wanted = True
                    lifecycle.park(run)


def _has_had_a_turn(run: ActiveRun, now: float) -> bool:
    if not run.executing or run.parking or run.ending is not None or (run.batch and run.in_turn):
        return False
    if not run.step or run.running_since is None:
        return False
    return now - run.running_since > YIELD_S
