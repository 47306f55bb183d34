"""Going to any step of a run, exactly, and reading instruments there."""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncore.config import TrainConfig
from rnncore.data.dataset import DataError, SequenceDataset
from rnncore.engine.devices import choose_device
from rnncore.engine.flossing import Flossing
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.readings.probe import Probe, nobody
from rnncore.engine.train import Trainer
from rnncore.engine.underway import Plan
from rnncore.flossing import Progress, due
from rnncore.on_demand import EVERY, ON_DEMAND, course_steps, why_undefined
from rnncore.reading import Numbers, Reading
from rnncore.registry import load
from rnncore.words import many

Change = tuple[int, str, float]  # first step in force, "learning_rate" or "clip_threshold", value
State = dict[str, Any]  # of `Trainer.state_dict`
Tell = Callable[[float], None]

KEPT_BYTES = 64 * 2**20  # of states on the way that are kept, to come back to them
KEPT = 24
KEPT_READINGS = 300  # of single steps, a few numbers each
KEPT_FLOSSINGS = 8  # done, or begun and left

_SETTERS: dict[str, Callable[[Trainer, float], None]] = {
    "learning_rate": Trainer.set_learning_rate,
    "clip_threshold": Trainer.set_clip_threshold,
}


class _OutOfTimeError(Exception):
    """A course has taken as long as it may."""


class _Traveller(Trainer):
    """A run that is trained to get to a step: it neither evaluates nor records, which changes none of its numbers.

    What it has flossed once it does not floss again, from the same weights before the same step.
    """

    def __init__(self, config: TrainConfig, dataset: SequenceDataset) -> None:
        super().__init__(config, dataset)
        self._flossings: OrderedDict[tuple[int, bytes], Flossing] = OrderedDict()

    def flossing(self) -> Flossing:
        """Return the flossing that is due before the next step: one that is known goes on where it was left."""
        weights = self.parameters.weights.detach().cpu().numpy()
        place = (self.step + 1, hashlib.blake2b(weights.tobytes(), digest_size=16).digest())
        known = self._flossings.pop(place, None) or super().flossing()
        self._flossings[place] = known
        if len(self._flossings) > KEPT_FLOSSINGS:
            self._flossings.popitem(last=False)
        return known

    def plan(self) -> Plan:
        """Return what the next step is to do: train."""
        return replace(super().plan(), evaluating=False, recording=False)


@dataclass(slots=True)
class _Way:
    """The way to a step. whole: its steps, and the updates of its flossing. done: of these. tell: takes the share."""

    whole: int
    tell: Tell
    done: int = 0

    def say(self, more: int = 0) -> None:
        """Tell the share that is done. more: updates of the flossing that is under way."""
        self.tell((self.done + more) / max(1, self.whole))


class Inspection:
    """One run whose steps can be looked at, on the CPU where its device knows no float64. Not safe for threads.

    changes: of its settings while it trained. What is kept of the way makes the next look cheaper. doing: what is done
    at this moment, where that takes long, or ''.
    """

    def __init__(self, config: TrainConfig, dataset: SequenceDataset, changes: Sequence[Change] = ()) -> None:
        if choose_device(config)[0] == "mps":
            config = config.model_copy(update={"device": "cpu"})
        self.config = config
        self._changes = sorted(changes)
        self._trainer = _Traveller(config, dataset)
        self._trainer.told = self._flosses
        self.doing = ""
        self._way = _Way(0, nobody)
        self._kept: OrderedDict[int, State] = OrderedDict({0: self._trainer.state_dict()})  # by steps done
        weights = self._trainer.parameters.weights
        self._read: OrderedDict[tuple[str, int, tuple[Change, ...]], Reading] = OrderedDict()  # for `follow`
        self._due = math.inf  # until when, by `time.perf_counter`, the way to a step may take
        self._most = max(2, min(KEPT, KEPT_BYTES // max(1, 4 * weights.numel() * weights.element_size())))

    def keep(self, state: State) -> None:
        """Take a checkpoint of the run (`Trainer.state_dict`), from which it can go on."""
        self._kept[state["values"]["step"]] = state
        while len(self._kept) > self._most:
            self._kept.pop(next(step for step in self._kept if step))  # the start stays

    def change(self, changes: Sequence[Change]) -> None:
        """Take the changes of settings that are known by now; those before steps that were done stay the same."""
        self._changes = sorted(changes)

    def read(self, key: str, step: int, asked: Mapping[str, Any] | None = None, tell: Tell = nobody) -> Reading:
        """Return the reading of an instrument at `step`: with the weights before its update, on its batch.

        asked: what the reader chose beside the instrument. tell: takes the share of the work that is done. Raises
        DataError where the run does not get there.
        """
        if reason := why_undefined(key, self.config):
            return Reading(instrument=key, step=step, undefined=reason)
        tell = _rising(tell)
        try:
            self._go_before(step, lambda share: tell(0.5 * share))
            before = self._trainer.state_dict()
            self._trainer.floss()
        finally:
            self.doing = ""
        tell(0.5)
        began = time.perf_counter()
        probe = Probe(self._trainer, step, asked or {}, lambda share: tell(0.5 + 0.5 * share))
        try:
            found: Reading = ON_DEMAND[key].load()(probe)
        except NotDefinedError as error:
            found = Reading(instrument=key, step=step, undefined=f"{str(error)[:1].upper()}{str(error)[1:]}.")
        finally:
            seconds = time.perf_counter() - began
            self._trainer.load_state_dict(_copy(before))
        return replace(found, seconds=seconds, chosen=dict(asked or {}))

    def follow(
        self, key: str, last: int, tell: Tell = nobody, every: int | None = None, seconds: float = math.inf
    ) -> Reading:
        """Return how the summary of an instrument went over training, at the steps `course_steps` up to `last`.

        every: at every so many evaluations; None: at a few steps. What was read before is not read again. seconds: it
        may take; then it is of the steps that were reached, at least of one, and says so. Arrays: step (n,), and each
        vector of the summary (n, ...), NaN where it was not defined.
        """
        steps, note = course_steps(self.config, last, every)
        found: dict[int, Reading] = {}
        tell = _rising(tell)
        began = time.perf_counter()
        until = began + seconds
        in_turn = steps
        if seconds < math.inf:  # the newest is the nearest to a checkpoint; what flossing is done for comes last
            in_turn = [steps[-1], *sorted(steps[:-1], key=lambda step: (*self._still_to_do(key, step), step))]
        for place, step in enumerate(in_turn):

            def share_of(share: float, place: int = place) -> None:
                tell((place + share) / len(steps))

            share_of(0.0)
            try:
                found[step] = self._summary(key, step, until if found else math.inf, share_of)
            except _OutOfTimeError:
                break
        while len(self._read) > KEPT_READINGS:
            self._read.popitem(last=False)
        reached = sorted(found)
        if len(reached) < len(steps):
            missing = len(steps) - len(reached)
            those = f"{many(missing, 'step')} {'is' if missing == 1 else 'are'} still to come"
            again = "training, with its flossing," if self.config.flossing.exponents else "training"
            note = " ".join(filter(None, [note, f"{those}: {again} is done once more to get there."]))
        readings, took = [found[step] for step in reached], time.perf_counter() - began
        course = _over_training(key, np.array(reached, float), readings, took, note)
        return replace(course, chosen={} if every is None else {EVERY: every})

    def _place(self, key: str, step: int) -> tuple[str, int, tuple[Change, ...]]:
        return (key, step, tuple(change for change in self._changes if change[0] <= step))

    def _still_to_do(self, key: str, step: int) -> tuple[bool, int]:
        """Return whether the reading of a step is to be made, and how many flossings may have to be done for it."""
        nearest = max(known for known in self._kept if known < step)
        flossings = sum(due(self.config, at) for at in range(nearest + 1, step + 1))
        return self._place(key, step) not in self._read, flossings

    def _summary(self, key: str, step: int, until: float, tell: Tell) -> Reading:
        """Return what a course takes of the reading of a step. Raises _OutOfTimeError where it is not there in time."""
        before = self._place(key, step)
        if before not in self._read:
            if time.perf_counter() > until:
                raise _OutOfTimeError
            self._due = until
            try:
                reading = self.read(key, step, tell=tell)
            finally:
                self._due = math.inf
            wanted = {name: reading.arrays[name] for name in reading.summary if name in reading.arrays}
            self._read[before] = replace(reading, arrays=wanted)
        self._read.move_to_end(before)
        return self._read[before]

    def _go_before(self, step: int, tell: Tell) -> None:
        """Do the steps before `step`, from the nearest state that is known.

        tell: takes the share that is done of them and of their flossing, that of `step` included.
        """
        trainer, target = self._trainer, step - 1
        nearest = max(known for known in self._kept if known <= target)
        if not nearest <= trainer.step <= target:
            self._load(nearest)
        began, apart = trainer.step, max(1, (target - trainer.step) // (self._most // 2))
        flossings = sum(due(self.config, at) for at in range(began + 1, step + 1))
        self._way = way = _Way(target - began + flossings * self.config.flossing.steps, tell)
        records = trainer.records()
        while trainer.step < target:
            for first, name, value in self._changes:
                if first == trainer.step + 1:
                    _SETTERS[name](trainer, value)
            if next(records, None) is None or (trainer.ended is not None and trainer.step < target):
                raise DataError(f"step: {step:,} is not allowed; this run ended at step {trainer.step:,}.")
            self.doing = ""
            way.done += 1 + due(self.config, trainer.step) * self.config.flossing.steps
            late = time.perf_counter() > self._due and trainer.step < target
            if trainer.step == target or (trainer.step - began) % apart == 0 or late:
                self.keep(trainer.state_dict())
                way.say()
            if late:
                raise _OutOfTimeError
        for first, name, value in self._changes:
            if first == step:
                _SETTERS[name](trainer, value)

    def _flosses(self, progress: Progress) -> None:
        """Say how far a flossing is. Raises _OutOfTimeError where there is no time for more of it now."""
        if time.perf_counter() > self._due:
            raise _OutOfTimeError
        self.doing = f"flossing before step {self._trainer.step + 1:,} is done again first"
        self._way.say(progress.done)

    def _load(self, step: int) -> None:
        """Stand after `step` steps, with the settings that were in force at the next one."""
        trainer = self._trainer
        trainer.load_state_dict(_copy(self._kept[step]))
        trainer.ended = None
        for first, name, value in self._changes:
            if first <= step:
                _SETTERS[name](trainer, value)


def _rising(tell: Tell) -> Tell:
    """Return what passes shares on, none below one that was told before."""
    most = 0.0

    def told(share: float) -> None:
        nonlocal most
        most = max(most, share)
        tell(most)

    return told


def _copy(state: State) -> State:
    """Return a state that a trainer may change: its optimiser goes on in the tensors that it is given."""
    return {**state, "tensors": {name: tensor.clone() for name, tensor in state["tensors"].items()}}


def _over_training(key: str, steps: Numbers, found: Sequence[Reading], seconds: float, note: str) -> Reading:
    """Return the summaries of readings at several steps as one reading; see `OnDemand.course`."""
    known = [reading for reading in found if not reading.undefined]
    if not known:
        return replace(found[-1], seconds=seconds)
    arrays: dict[str, Numbers] = {"step": steps}
    for name in known[-1].summary:
        blank = np.full_like(known[-1].arrays[name], np.nan)
        arrays[name] = np.stack([reading.arrays.get(name, blank) for reading in found])  # (n, ...)
    course: Callable[[dict[str, Numbers], Reading], Reading] = load(ON_DEMAND[key].course)
    whole = course(arrays, known[-1])
    notes = (*([note] if note else []), *whole.notes)
    return replace(whole, instrument=key, step=int(steps[-1]), notes=notes, seconds=seconds)
