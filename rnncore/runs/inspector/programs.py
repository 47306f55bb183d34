"""Readings of runs that train in programs of their own: those that are kept, and what their programs are asked for."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnncore.config import ModelConfig, TrainConfig
from rnncore.data.dataset import DataError
from rnncore.on_demand import chosen, text_of, why_unwatched
from rnncore.reading import Reading
from rnncore.runs.inspector.turns import BUSY
from rnncore.runs.store.store import Store, StoredRun
from rnncore.runs.watched import QUIET

LOOK_S = 0.2  # between two looks whether the reading has come
LATE_S = 15.0  # without an answer, after which that is said
MOST_STEPS = 8  # that are named
NO_COURSE = "A model that is watched is read at the steps at which somebody asks, not over training."
ASKED = "The program has been asked; it reads this in a step that it records soon."
ASKED_AGAIN = "The program has been asked for a newer one."
LATE = "The program was asked {seconds:.0f} seconds ago and has not answered yet."
LATE_AGAIN = "The program was asked for a newer one {seconds:.0f} seconds ago and has not answered yet."
ENDED = "The program has ended"
SILENT = "Nothing is heard of the program any more"
NEWEST = "a program that is watched can be asked at its newest step alone."
NONE_MADE = "{why}, and while it ran this was not read."


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said while a program is asked for a reading, and the newest one that there is, if any."""

    said: str
    kept: Reading | None = None


def kept_reading(
    store: Store, run: StoredRun, instrument: str, step: int | None, asked: Mapping[str, object]
) -> Reading:  # fmt: skip
    """Return the reading of a watched run that is kept of `step`, or the nearest one; None: the newest.

    Asks nobody. Raises DataError where there is none, and ConfigError.
    """
    kept = _Kept(store, run.id, instrument, text_of(chosen(instrument, stand_in(run), asked)))
    found = kept.newest() if step is None else kept.at(step)
    if found is None:
        raise DataError(f"'{instrument}' was not read of this run; a card of it on the board asks its program.")
    return found


def ask_program(
    store: Store,
    run: StoredRun,
    instrument: str,
    step: int | None,
    asked: Mapping[str, object],
    wait_s: float,
    quiet_for: Callable[[str], float] = lambda run: 0.0,
) -> Reading | Asked:
    """Return the reading of a watched run at `step`, or the nearest one; None: ask its program for a newer one.

    Waits at most `wait_s` for the first one. quiet_for: for how many seconds nothing has been heard of a run's program,
    0 where that is not worth a word. Raises DataError where there is none, and ConfigError.
    """
    if reason := why_unwatched(instrument):
        return Reading(instrument=instrument, step=max(1, run.step), undefined=reason)
    own = chosen(instrument, stand_in(run), asked)
    kept = _Kept(store, run.id, instrument, text_of(own))
    if step is not None:
        return kept.at(step)
    newest = kept.newest()
    if run.status != "running":
        why = SILENT if run.status == "interrupted" else ENDED
        if newest is None:
            raise DataError(NONE_MADE.format(why=why))
        return replace(newest, notes=(*newest.notes, f"{why}; this is the newest reading of it."))
    if newest is not None and newest.step >= run.step:
        return newest if not (quiet := quiet_for(run.id)) else Asked(QUIET.format(seconds=quiet), newest)
    since = store.ask(run.id, instrument, kept.choice)
    if since is None:
        raise DataError(BUSY)
    if newest is not None:
        said = ASKED_AGAIN if since < LATE_S else LATE_AGAIN.format(seconds=since)
        return Asked(_unless_quiet(said, quiet_for(run.id)), newest)
    until = time.monotonic() + wait_s
    while (newest := kept.newest()) is None and time.monotonic() < until:
        time.sleep(LOOK_S)
    if newest is not None:
        return newest
    said = ASKED if since < LATE_S else LATE.format(seconds=since)
    return Asked(_unless_quiet(said, quiet_for(run.id)))


def _unless_quiet(said: str, seconds: float) -> str:
    """Return what is said while a program is asked, or that nothing is heard of it."""
    return f"{QUIET.format(seconds=seconds)} It is asked for this once it is heard of again." if seconds else said


@dataclass(frozen=True, slots=True)
class _Kept:
    """The readings of one kind that are kept of a run."""

    store: Store
    run: str
    instrument: str
    choice: str

    def newest(self) -> Reading | None:
        """Return the reading that was made last."""
        steps = self.store.reading_steps(self.run, self.instrument, self.choice)
        return self._read(steps[-1]) if steps else None

    def at(self, step: int) -> Reading:
        """Return the reading at a step, or the nearest one with a note. Raises DataError where there is none."""
        steps = sorted(self.store.reading_steps(self.run, self.instrument, self.choice))
        nearest = min(steps, key=lambda each: abs(each - step), default=None)
        found = None if nearest is None else self._read(nearest)
        if found is None:
            raise DataError(f"This was not read at step {step:,}, nor at any other; {NEWEST}")
        if nearest == step:
            return found
        named = [f"{each:,}" for each in steps]
        if len(named) > MOST_STEPS:
            named = [*named[: MOST_STEPS - 1], f"… {named[-1]}"]
        there = f"It was read at step{'s' if len(steps) > 1 else ''} {', '.join(named)}."
        note = f"This was not read at step {step:,}; the nearest reading is shown. {there}"
        return replace(found, notes=(*found.notes, note))

    def _read(self, step: int) -> Reading | None:
        content = self.store.reading(self.run, self.instrument, step, False, 0, self.choice)
        return None if content is None else Reading.from_bytes(content)


def stand_in(run: StoredRun) -> TrainConfig:
    """Return a config with what is known of a watched model, to see what a reader may choose."""
    known: dict[str, Any] = run.config["model"]
    return TrainConfig.model_construct(model=ModelConfig.model_construct(**known))
