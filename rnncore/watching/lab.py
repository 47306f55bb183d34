"""The lab beside a training loop: it records, at some steps, the gradients through time of a model that is not ours."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from rnncore.diagnosis.finding import Finding
from rnncore.watching.backward import Passes
from rnncore.watching.figure import figure_of
from rnncore.watching.findings import findings_of
from rnncore.watching.hooks import Answers, AnyCall, attach
from rnncore.watching.pace import Pace
from rnncore.watching.parameters import Parameters, has_gradient, learning_rate
from rnncore.watching.record import WatchRecord
from rnncore.watching.shown import Shown
from rnncore.watching.supported import PASSED_BY, drops_between_layers, recurrent_modules, tells_masks

if TYPE_CHECKING:
    from rnncore.reading import Reading
    from rnncore.watching.asking import Ask, Asked

MOST_READINGS = 60
MOST_RECORDS = 2_000  # when there are more, every second one of the older half is dropped


class Lab(Shown):
    """What `rnncore.watch` returns: a context in which the model is watched, and what was recorded of it.

    records: the recorded steps so far, the newest last. readings: of instruments that were asked for, the newest last.
    notes: what is not recorded or not shown, and why, a sentence each. steps: how often `step` was called. recording:
    whether the step that is under way is recorded.
    """

    def __init__(
        self, model: nn.Module, pace: Pace, sample: int | None = None, batch_mean: bool = False, gates: bool = False
    ) -> None:
        self.modules, self.notes = recurrent_modules(model)
        self.model, self.pace, self.sample, self.batch_mean = model, pace, sample, batch_mean
        self.records: list[WatchRecord] = []
        self.readings: deque[tuple[Ask, Reading]] = deque(maxlen=MOST_READINGS)
        self._asked: Asked | None = None  # once somebody has asked
        self.steps = 0
        self.recording = False
        self._parameters = Parameters(model)
        self._passes = Passes(sample, gates, self._parameters.gain, self._ended, pace.spending, self.notes)
        self._may_be_forced = not any(_draws_other_masks(each) for each in self.modules.values())
        self._hooks: list[RemovableHandle] = []  # on modules, in recorded steps alone
        self._updates: list[RemovableHandle] = []  # on optimisers, and on the model's answers
        self._heard: list[Tensor] = []  # losses of this step, by their weights
        self._listeners: list[Callable[[WatchRecord], None]] = []
        self._calls = count(1)  # in one step for threads
        self._called: set[str] = set()  # modules, by name
        self._draft: WatchRecord | None = None  # of this step, until the next recorded one begins
        self._closed = False  # whether `step` has been called for it
        self._scale = 1.0  # of the gradients of the step that was closed last
        self._updating: set[int] = set()  # optimisers whose step is under way, by their ids
        self._began = time.perf_counter()

    @property
    def names(self) -> list[str]:
        """The names of the recorded modules."""
        return list(self.modules)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(error)

    def open(self) -> Self:
        """Begin to watch, as entering the `with` block does."""
        if self._updates:
            return self
        self._updates = [
            register_optimizer_step_pre_hook(self._before_update),
            register_optimizer_step_post_hook(self._after_update),
        ]
        self._began = time.perf_counter()
        self._record(self.pace.begin())
        return self

    def close(self, error: BaseException | None = None) -> None:
        """Stop watching and take every hook away; what was recorded stays. error: why the training ended, if by one."""
        self._record(False)
        for handle in self._updates:
            handle.remove()
        if self._updates and self._draft is not None and not self.steps and error is None:
            self._passes.tell(
                "Nothing is recorded: `lab.step()` was never called. It closes each step after its backward pass."
            )
        self._updates = []
        self._complete()
        self._passes.clear()
        self.say_it_is_over(error)

    def listen(self, listener: Callable[[WatchRecord], None]) -> None:
        """Call `listener` with every record once nothing more of it will become known.

        That is after the optimiser's step, or when the next recorded step begins, or when watching ends.
        """
        self._listeners.append(listener)

    def findings(self) -> list[Finding]:
        """Return what the doctor finds out from the records, the most important first; what is not known is absent."""
        with self.pace.aside():
            return findings_of(self.records)

    def figure(self) -> Any:
        """Return a `plotly.graph_objects.Figure`: the profiles of the newest step, and the map of the run."""
        with self.pace.aside():
            return figure_of(self.records, self.sample)

    def step(self, loss: Tensor | float | None = None, optimizer: Any = None, scaler: Any = None) -> None:
        """Close the backward pass of a step; to be called once per training step, after `loss.backward()`.

        loss: that was differentiated, for the record; None: what `hear` has heard. optimizer: whose learning rate is
        recorded. scaler: the `torch.amp.GradScaler` whose scale is divided out of all gradients; call before
        `scaler.update()`. Raises ValueError for a loss that is no single number.
        """
        if isinstance(loss, Tensor) and loss.numel() != 1:
            raise ValueError(f"loss: a tensor of shape {tuple(loss.shape)} is not a single number")
        self.steps += 1
        if self.recording:
            with self.pace.spending():
                if self._draft is not None and not self._closed:
                    self._close(self._draft, loss, optimizer, scaler)
                self._note_passed_by()
            if self._asked is not None:
                self._asked.close(self.steps, self._factor)
        self._heard = []
        wanted = self._asked is not None and self._may_be_forced and self._asked.due()
        self._record(bool(self._updates) and self.pace.next(wanted))

    def ask(
        self,
        instrument: str,
        module: str | None = None,
        *,
        reverse: bool = False,
        layer: int | None = None,
        unit: int | None = None,
    ) -> None:
        """Have an instrument read of a module in the next step, with what that step sees; it then stands in `readings`.

        See `inspect` for what can be asked. Where the lab sends its records to the app, it is sent there too. What a
        reading takes counts as recording, and until it is paid back the next one waits. Raises ValueError.
        """
        from rnncore.watching.inspecting import asked

        self.take(asked(self, instrument, module, reverse, {"layer": layer, "unit": unit}))

    def take(self, ask: "Ask") -> bool:
        """Take what somebody asks for, from any thread; return whether there is room for it."""
        if self._asked is None:
            from rnncore.watching.asking import Asked  # only who is asked pays for the instruments

            self._asked = self._passes.asked = Asked(self.model, self._read, self.pace.budget, self.pace.once)
        return self._asked.add(ask)

    def _read(self, ask: "Ask", reading: "Reading") -> None:
        self.readings.append((ask, reading))
        if self.publisher is not None:
            self.publisher.show(ask, reading)

    def _factor(self, batch: int) -> float:
        """Return what gradients as they have come are multiplied with, for a number of sequences."""
        return (batch if self.batch_mean else 1) / self._scale

    def hear(self, loss: Tensor) -> None:
        """Hear of a loss before its backward pass, for training loops in which `step` is not told any.

        Those of accumulated batches add up, each with the weight that it has in what is differentiated.
        """
        if self.recording and loss.requires_grad:
            value = loss.detach()
            loss.register_hook(lambda weight: self._heard.append((value * weight).sum()))  # type: ignore[no-untyped-call]

    def hear_answers(self) -> Self:
        """Hear of the losses that the model answers with, as `answer.loss` or `answer["loss"]`, until watching ends."""
        self._updates.append(self.model.register_forward_hook(Answers(self.hear)))
        return self

    def _record(self, wanted: bool) -> None:
        """Hook into the modules for a step that is recorded, and leave them alone in all others."""
        if wanted and not self._hooks:
            with self.pace.spending():
                self._hooks = [handle for name, module in self.modules.items() for handle in attach(name, module, self)]
        elif not wanted and self._hooks:
            for handle in self._hooks:
                handle.remove()
            self._hooks = []
        self.recording = bool(self._hooks)

    def _note_passed_by(self) -> None:
        """Say of modules that train and were never called as such that nothing is seen of them."""
        for name, module in self.modules.items():
            if name not in self._called and has_gradient(module):
                self._called.add(name)  # said once
                self.note(name, PASSED_BY)

    def _close(self, record: WatchRecord, loss: Tensor | float | None, optimizer: Any, scaler: Any) -> None:
        self._scale = scale = 1.0 if scaler is None else float(scaler.get_scale())
        found = self._passes.profiles(scale, self.batch_mean)
        record.profiles = {name: found[name] for name in self.modules if name in found}
        if record.grad_norm is not None:
            record.grad_norm /= scale
        record.scaled = scaler is not None
        if loss is None and self._heard:
            loss = torch.stack(self._heard).sum() / scale
        record.loss = None if loss is None else float(loss.detach() if isinstance(loss, Tensor) else loss)
        if optimizer is not None and record.learning_rate is None:
            record.learning_rate = learning_rate(optimizer)
        if id(optimizer) in self._updating:  # within its closure: what comes before its step has passed
            record.weight_norm = self._parameters.weight_norm()
            self._parameters.remember(optimizer)
        self._closed = True
        self.records.append(record)
        if len(self.records) > MOST_RECORDS:
            older = MOST_RECORDS // 2
            self.records[:older] = self.records[:older:2]
        if record.update_norm is not None:
            self._complete()

    def next_call(self, name: str) -> int:
        """Hear that a module was called; return the number of the call."""
        self._called.add(name)
        return next(self._calls)

    def note(self, name: str, reason: str) -> None:
        """Say once why a module is not recorded."""
        self._passes.note(name, reason)

    def tell(self, sentence: str) -> None:
        """Say a sentence once."""
        self._passes.tell(sentence)

    def spending(self) -> AbstractContextManager[None]:
        """Count the time of a block as taken by recording."""
        return self.pace.spending()

    def arrived(self, call: AnyCall) -> bool:
        """Hear, from within it, that a backward pass brings a gradient to a call; return whether that is trained by."""
        return self._passes.arrived(call)

    def _ended(self, added: bool) -> None:
        """Begin the record of a step when its first backward pass has ended, and take the gradient's norm.

        added: whether it has added to the gradients of the parameters; `autograd.grad` hands them out instead.
        """
        if self._draft is None or self._closed:
            self._complete()
            self._draft, self._closed = WatchRecord(self.steps + 1, time.perf_counter() - self._began), False
        self._draft.grad_norm = self._parameters.grad_norm() if added else None
        if self._asked is not None and added:
            self._asked.take_gradients()

    def _before_update(self, optimizer: Optimizer, *_: Any) -> None:
        self._updating.add(id(optimizer))
        record = self._draft
        if record is not None and record.update_norm is None and self._parameters.belong_to(optimizer):
            with self.pace.spending():
                record.clipped_norm, record.weight_norm = self._parameters.grad_norm(), self._parameters.weight_norm()
                record.learning_rate = learning_rate(optimizer)
                self._parameters.remember(optimizer)

    def _after_update(self, optimizer: Optimizer, *_: Any) -> None:
        self._updating.discard(id(optimizer))
        record = self._draft
        if record is None or not self._parameters.remembers(optimizer):
            return
        if self._asked is not None:
            self._asked.take_update(optimizer, self._parameters.kept(optimizer), record.step, self._scale)
        with self.pace.spending():
            record.update_norm = self._parameters.update_norm(optimizer)
            if record.clipped_norm is None:
                record.clipped_norm = self._parameters.grad_norm()
            if self._closed:
                self._complete()

    def _complete(self) -> None:
        """Let listeners have a closed record, of which nothing more will become known."""
        record, self._draft = self._draft, None
        if record is not None and self._asked is not None:
            self._asked.settle(record.step)
        if record is not None and self._closed:
            for listener in self._listeners:
                try:
                    listener(record)
                except Exception as error:  # this may be within the optimiser's step: it must not end the training
                    self._passes.tell(f"A record was not passed on: {type(error).__name__}: {error}".rstrip(".") + ".")


def _draws_other_masks(module: nn.Module) -> bool:
    """Tell whether a module trains with other masks of dropout in steps that are recorded (`one_by_one`)."""
    return drops_between_layers(module) and not all(tells_masks(each.device.type) for each in module.parameters())
