"""What one step's backward passes bring: the calls that they reach are gone back through right after each of them.

Then the weights are still those of the forward pass, whatever the user's loop does next; and what a pass has freed of
the user's graph is free before the adjoint pass takes memory of its own.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch

from rnncore.watching.calls import Call
from rnncore.watching.hooks import AnyCall
from rnncore.watching.joining import Passed, joined
from rnncore.watching.layers import go_back
from rnncore.watching.loops import CellCall, go_back_cells
from rnncore.watching.parameters import Gain
from rnncore.watching.record import Profile
from rnncore.watching.supported import spoken

if TYPE_CHECKING:
    from rnncore.watching.asking import Asked

_TWICE = (
    "{} is not recorded in calls whose gradient is part of the loss (create_graph=True): by which ways it comes back "
    "is not known. It trains as it would without watching."
)
_CHANGED = "{} changed in place after the call, before the backward pass had ended"


def _queue(call: Callable[[], None]) -> None:
    """Have something called when the pass that is under way has ended, after all that is queued so far."""
    torch.autograd.Variable._execution_engine.queue_callback(call)


def settle(calls: Iterable[AnyCall]) -> None:
    """Wait until accelerators have done what they were told before: none of that is time of recording."""
    for device in {call.end[0].device for call in calls}:
        if device.type != "cpu":
            torch.accelerator.synchronize(device)


class WatchWarning(UserWarning):
    """Something of a watched model is not recorded and trains as it would without, or is recorded in another way."""


class Passes:
    """The backward passes of a step.

    gain: tells from within a pass what it brings to the parameters. ended: called after each that brings something,
    with whether it was added to their gradients. spending: returns a context whose time is that of recording. notes:
    what was not recorded, and why.
    """

    def __init__(
        self,
        sample: int | None,
        gates: bool,
        gain: Callable[[Any], Gain],
        ended: Callable[[bool], None],
        spending: Callable[[], AbstractContextManager[None]],
        notes: list[str],
    ) -> None:
        self.sample, self.gates, self.notes = sample, gates, notes
        self._gain, self._ended, self._spending = gain, ended, spending
        self.asked: Asked | None = None  # what instruments are to be read of, once somebody asks
        self._passes = 0
        self._lock = Lock()
        self._under_way: dict[int, tuple[Gain, dict[AnyCall, None]]] = {}  # by number of the pass: what it has reached
        self._passed: dict[int, Passed] = {}  # by number of the call
        self._twice: dict[int, str] = {}  # by number of the call: the module whose gradient may become part of the loss

    def arrived(self, call: AnyCall) -> bool:
        """Hear, from within a pass, that it brings a gradient to a call; return whether the parameters get theirs too.

        If not, as with `autograd.grad` by the inputs, it is no part of the training.
        """
        task = torch._C._current_graph_task_id()
        with self._lock:  # each accelerator has a thread of its own
            if task not in self._under_way:
                self._under_way[task] = self._gain(call.weight), {}
                _queue(partial(_queue, partial(self._go_back, task)))  # after what others queue, such as DDP's mean
            brings, reached = self._under_way[task]
            if brings is not Gain.NOTHING:
                reached[call] = None
            elif call.twice:
                self._twice[call.number] = call.name
        return brings is not Gain.NOTHING

    def clear(self) -> None:
        """Forget what has come so far."""
        self._under_way, self._passed, self._twice = {}, {}, {}

    def profiles(self, scale: float, batch_mean: bool) -> dict[str, Profile]:
        """Return a profile per module, and forget what it came from."""
        passed = list(self._passed.values())
        for name in {name for number, name in self._twice.items() if number not in self._passed}:
            self.tell(_TWICE.format(spoken(name)))
        self.clear()  # of passes that an exception has ended, too
        found: dict[str, Profile] = {}
        for name in dict.fromkeys(each.name for each in passed):
            own = [each for each in passed if each.name == name]
            self._guarded(name, partial(self._join, found, own, scale, batch_mean))
        return found

    def note(self, name: str, reason: str) -> None:
        """Say once why a module is not recorded."""
        self.tell(f"{spoken(name)} is not recorded: {reason}. It trains as it would without watching.")

    def tell(self, sentence: str) -> None:
        """Say a sentence once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            with suppress(WatchWarning):  # where warnings are errors, this one must not end the training
                warnings.warn(sentence, WatchWarning, stacklevel=2)

    def _go_back(self, task: int) -> None:
        """Go back through the calls that a pass has reached; whatever fails here must not end the user's training."""
        brings, reached = self._under_way.pop(task, (Gain.NOTHING, {}))
        if brings is not Gain.NOTHING:
            settle(reached)
            with self._spending():
                self._ended(brings is Gain.ADDED)
                calls = [call for call in reached if call.batch]  # an empty batch has no profile
                self._go_back_now(sorted(calls, key=lambda call: call.number))

    def _go_back_now(self, calls: Sequence[AnyCall]) -> None:
        self._passes += 1
        cells: dict[str, list[CellCall]] = {}
        for call in calls:
            if call.spoilt:
                self._passed.pop(call.number, None)
                self.tell(_TWICE.format(spoken(call.name)))
            elif (what := call.changed) is not None:
                self.note(call.name, _CHANGED.format(what))
            elif isinstance(call, CellCall):
                cells.setdefault(call.name, []).append(call)
            else:
                self._guarded(call.name, partial(self._layers, call))
        for name, own in cells.items():
            self._guarded(name, partial(self._cells, own))

    def _guarded(self, name: str, go: Callable[[], None]) -> None:
        try:
            go()
        except Exception as error:  # the pass is the user's: an error of ours is a note, not an end of it
            self.note(name, f"{type(error).__name__}: {error}".rstrip("."))

    @staticmethod
    def _join(found: dict[str, Profile], own: list[Passed], scale: float, batch_mean: bool) -> None:
        found[own[0].name] = joined(own, scale, batch_mean)

    def _layers(self, call: Call) -> None:
        gone = go_back(call, self.sample, self.gates, None if self.asked is None else self.asked.keep(call))
        start = None if call.start is None else call.start[0]
        self._passed[call.number] = Passed(call.name, call.number, self._passes, gone, start, call.end[0], call.batch)

    def _cells(self, calls: list[CellCall]) -> None:
        found = go_back_cells(calls, self.sample, self.gates)
        if self.asked is not None:
            self.asked.keep_loop(calls[0].name, calls, found)
        for call, gone in zip(calls, found, strict=True):
            start = None if call.start is None else call.start[0]
            passed = Passed(call.name, call.number, self._passes, gone, start, call.end[0], call.batch)
            self._passed[call.number] = passed
