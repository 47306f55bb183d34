"""Instruments that somebody asks a watching program for: read in a step that is recorded, with what that step saw."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from torch import Tensor, nn

from rnncore.engine.instruments import NotDefinedError
from rnncore.engine.readings.module import Seen
from rnncore.engine.readings.updates import Update, rates_of
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Reading
from rnncore.registry import load
from rnncore.runs.foreign_readings import plain
from rnncore.watching.calls import Call
from rnncore.watching.gone import Gone
from rnncore.watching.layers import Keep
from rnncore.watching.loops import CellCall
from rnncore.watching.parameters import norm
from rnncore.watching.seeing import Kept, calls_seen, loop_seen
from rnncore.words import visible

MOST_ASKED = 100  # that wait at once
AT_ONCE_S = 1.0  # of one step that readings may take before the others wait for a later one; one is always made
TRIES = 3  # recorded steps that may pass a module by before that is the answer
MOST_LETTERS = 80  # of a parameter's name
MOST_PARAMETERS = 60  # of which an update is told
SQUARES_KEPT = ("Adam", "AdamW", "RMSprop", "Adagrad")  # optimisers whose effective rates are known, beside:
NO_SQUARES = ("SGD",)
NO_UPDATE = "Not defined here: no optimiser of torch's has made an update of this model in the step."


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: an instrument of one direction of a module. chosen: what the reader chose beside it."""

    module: str
    instrument: str
    direction: int = 0
    chosen: tuple[tuple[str, int], ...] = ()

    @property
    def needs(self) -> str:
        """What it takes, a key of `rnncore.on_demand.NEEDS`."""
        return ON_DEMAND[self.instrument].needs


class Asked:
    """What is waiting to be read of a lab's model. `add` may be called from any thread.

    told: called with each reading. budget: share of the time that readings may take, in the long run.
    """

    def __init__(
        self,
        model: nn.Module,
        told: Callable[[Ask, Reading], None],
        budget: float,
        once: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._model, self._told, self._budget, self._once = model, told, budget, once
        self._waiting: dict[Ask, int] = {}  # how many recorded steps have passed it by
        self._lock = Lock()
        self._not_before = -np.inf
        self._calls: dict[str, dict[int, Kept]] = {}  # of this step, by module and number
        self._loops: dict[str, tuple[Sequence[CellCall], Sequence[Gone]]] = {}
        self._gradients: dict[str, float] = {}  # norms by parameter's name
        self._made: Update | None = None

    def add(self, ask: Ask) -> bool:
        """Take what somebody asks for; return whether there is room for it."""
        with self._lock:
            if len(self._waiting) < MOST_ASKED:
                self._waiting.setdefault(ask, 0)
            return ask in self._waiting

    def due(self) -> bool:
        """Tell whether a step is to be recorded for it: the time that the last readings took has been paid back."""
        if not self._waiting or time.perf_counter() < self._not_before:
            return False
        return not self._gradients or any(ask.needs != "update" for ask in list(self._waiting))

    def wants(self, name: str) -> bool:
        """Tell whether what a module saw is to be kept."""
        return any(ask.module == name and ask.needs != "update" for ask in list(self._waiting))

    def keep(self, call: Call) -> Keep | None:
        """Return what takes the rows of a call, None where nobody asks."""
        if not self.wants(call.name):
            return None
        kept = self._calls.setdefault(call.name, {})[call.number] = Kept(call)
        return kept.keep

    def keep_loop(self, name: str, calls: Sequence[CellCall], gone: Sequence[Gone]) -> None:
        """Take the calls of a cell that a pass has gone through."""
        if self.wants(name):
            self._loops[name] = calls, gone

    def take_gradients(self) -> None:
        """Note the norm of each parameter's gradient, where somebody asks for updates; a pass has ended."""
        if any(ask.needs == "update" for ask in list(self._waiting)):
            parameters = self._model.named_parameters()
            self._gradients = {name: norm([each.grad]) for name, each in parameters if each.grad is not None}

    def take_update(self, optimizer: Any, pairs: Sequence[tuple[Tensor, Tensor]], step: int, scale: float) -> None:
        """Read what an optimiser has made, where somebody asks. pairs: parameters and their values before.

        scale: what the gradients were multiplied with.
        """
        wanted = [ask for ask in list(self._waiting) if ask.needs == "update"]
        if not wanted or not self._gradients:
            return
        with self._once():
            for ask in wanted:
                self._answer(ask, partial(self._updated, ask, optimizer, pairs, step, scale), step)
        self._gradients = {}

    def close(self, step: int, factor: Callable[[int], float]) -> None:
        """Read what is asked of the step that closes. factor: of gradients, for a number of sequences."""
        wanted = [ask for ask in list(self._waiting) if ask.needs != "update"]
        self._answer_without_gradients(step)
        calls, loops, done = self._calls, self._loops, 0
        self._calls, self._loops = {}, {}
        if not wanted:
            return
        begun = time.perf_counter()
        with self._once():
            for ask in wanted:
                if done and time.perf_counter() - begun > AT_ONCE_S:
                    break
                if ask.module not in calls and ask.module not in loops and self._passed_by(ask) < TRIES:
                    continue
                done += 1
                self._answer(ask, partial(self._read, ask, calls, loops, step, factor), step)
        now = time.perf_counter()
        self._not_before = now + (now - begun) / self._budget

    def settle(self, step: int) -> None:
        """Answer who asks for an update that did not come: nothing more of a step will become known."""
        if self._gradients:
            self._gradients = {}
            for ask in [ask for ask in list(self._waiting) if ask.needs == "update"]:
                self._answer(ask, partial(Reading, instrument=ask.instrument, step=step, undefined=NO_UPDATE), step)

    def _answer_without_gradients(self, step: int) -> None:
        """Answer who asks for an update where no gradient has come back in several steps: there will be none."""
        for ask in [] if self._gradients else [ask for ask in list(self._waiting) if ask.needs == "update"]:
            if self._passed_by(ask) >= TRIES:
                self._answer(ask, partial(Reading, instrument=ask.instrument, step=step, undefined=NO_UPDATE), step)

    def _passed_by(self, ask: Ask) -> int:
        with self._lock:
            self._waiting[ask] += 1
            return self._waiting[ask]

    def _answer(self, ask: Ask, read: Callable[[], Reading], step: int) -> None:
        begun = time.perf_counter()
        try:
            with np.errstate(all="ignore"):  # what is not finite is said in the reading
                found = read()
        except NotDefinedError as error:
            words = str(error)
            found = Reading(instrument=ask.instrument, step=step, undefined=f"{words[:1].upper()}{words[1:]}.")
        except Exception as error:  # it must not end the training
            said = plain(f"It could not be read: {type(error).__name__}: {error}".rstrip("."), 200)
            found = Reading(instrument=ask.instrument, step=step, undefined=f"{said}.")
        with self._lock:
            self._waiting.pop(ask, None)
        seconds = time.perf_counter() - begun
        if not found.undefined:
            found = replace(found, notes=(*found.notes, f"Reading it took the program {seconds:.2g} s."))
        self._told(ask, replace(found, seconds=seconds, chosen=dict(ask.chosen)))

    def _read(
        self,
        ask: Ask,
        calls: dict[str, dict[int, Kept]],
        loops: dict[str, tuple[Sequence[CellCall], Sequence[Gone]]],
        step: int,
        factor: Callable[[int], float],
    ) -> Reading:
        if ask.module in loops:
            own, gone = loops[ask.module]
            seen = loop_seen(own, gone, step, factor(own[0].batch))
        elif found := list(calls.get(ask.module, {}).values()):
            seen = calls_seen(found, step, ask.direction, factor(found[0].call.batch))
        else:
            raise NotDefinedError("not defined: no gradient has come back to the module")
        return read_seen(ask.instrument, replace(seen, asked=dict(ask.chosen)))

    def _updated(
        self, ask: Ask, optimizer: Any, pairs: Sequence[tuple[Tensor, Tensor]], step: int, scale: float
    ) -> Reading:
        if self._made is None or self._made.step != step:
            self._made = update_of(self._model, ask.module, self._gradients, optimizer, pairs, step, scale)
        reading: Reading = load(ON_DEMAND[ask.instrument].watched)(self._made)
        return reading


def read_seen(instrument: str, seen: Seen) -> Reading:
    """Return an instrument's reading of what a module saw. Raises NotDefinedError."""
    reading: Reading = load(ON_DEMAND[instrument].watched)(seen)
    return reading


def update_of(
    model: nn.Module,
    module: str,
    gradients: dict[str, float],
    optimizer: Any,
    pairs: Sequence[tuple[Tensor, Tensor]],
    step: int,
    scale: float,
) -> Update:
    """Return what an optimiser has made of a gradient, of each parameter that it has changed."""
    before = {id(parameter): old for parameter, old in pairs}
    groups = {id(each): group for group in optimizer.param_groups for each in group["params"]}
    named = [(name, each) for name, each in model.named_parameters() if id(each) in before and name in gradients]
    notes: tuple[str, ...] = ()
    if len(named) > MOST_PARAMETERS:
        notes = (f"Of {MOST_PARAMETERS} of the {len(named):,} parameters, those of the module first.",)
        named.sort(key=lambda each: not each[0].startswith(module))
        named = named[:MOST_PARAMETERS]
    if not named:
        raise NotDefinedError("not defined: no parameter has a gradient")
    kind, rates = type(optimizer).__name__, []
    for _, each in named:
        group, state = groups[id(each)], optimizer.state.get(each, {})
        own = float(group["lr"])
        found = rates_of(state, group, own) if kind in SQUARES_KEPT else None
        rates.append(float(found.median()) if found is not None else own if kind in NO_SQUARES else np.nan)
    return Update(
        step,
        tuple(visible(name).replace("<", "‹")[:MOST_LETTERS] for name, _ in named),
        np.array([gradients[name] / scale for name, _ in named]),
        np.array([norm([each.detach() - before[id(each)]]) for _, each in named]),
        np.array(rates),
        float(optimizer.param_groups[0]["lr"]),
        notes,
    )
