"""The scheduler's loop, in a thread of its own: gathers messages, commits them, looks after every run."""

import logging
import threading
from queue import Empty, Full, Queue

from rnncore.runs.active import Ending
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.protocol import Changed, Message
from rnncore.runs.held import Held
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.messages import Heard, by_run, is_last_word, receive
from rnncore.runs.store.database import is_damage, may_pass
from rnncore.runs.study_feeder import StudyFeeder
from rnncore.runs.supervision import damaged, enforce_limits, start_waiting, try_store
from rnncore.runs.trouble import Trouble
from rnncore.words import many

logger = logging.getLogger(__name__)

IDLE_S = 0.25
INBOX_MESSAGES = 64  # when the store cannot keep up the inbox fills, and the runs wait
HELD_S = 0.05  # between two looks of a worker's thread whose messages have to wait
SAVING_S = 5.0  # between tries to write the ending of a run that the store cannot keep
INTERRUPTING_S, GOODBYE_S = 1.5, 0.5  # for runs to stop and for workers to end, of three seconds for the whole server
CLOSING_PAUSE_S = 0.1  # between tries to write, at most, while the server stops
SHUT_DOWN = "The server was stopped while this run was unfinished; it can be continued."
BROKEN = "An unexpected error ended the run; the server's log says more."


class Loop:
    """Drives the runs of a `Lifecycle` from `start` to `close`."""

    def __init__(self, lifecycle: Lifecycle, studies: StudyFeeder) -> None:
        self._lifecycle, self._studies = lifecycle, studies
        self._inbox: Queue[Message] = Queue(INBOX_MESSAGES)
        self._held: dict[str, Held] = {}  # what the store has not taken yet, by run
        self._saving_due = 0.0
        self._closing, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="scheduler", daemon=True)

    def start(self) -> None:
        """Open the execution engine and begin to work."""
        self._lifecycle.backend.open(self._deliver)
        self._thread.start()

    def wake(self) -> None:
        """Let the loop look after the runs at once."""
        try:
            self._inbox.put_nowait(Changed())
        except Full:
            logger.debug("the loop is busy and needs no waking")

    def close(self) -> None:
        """Interrupt all runs at a checkpoint and close the execution engine. Takes a few seconds at most."""
        self._closing.set()
        self.wake()
        self._thread.join()

    def _deliver(self, message: Message) -> None:
        """Put a message into the inbox, waiting while it is full, or while the store does not take this run's."""
        while not self._over.is_set():
            if not isinstance(message, Changed) and message.run in self._held:
                self._over.wait(HELD_S)
                continue
            try:
                self._inbox.put(message, timeout=IDLE_S)
                return
            except Full:
                continue

    def _work(self) -> None:
        while not self._closing.is_set():
            self._step()
            self._closing.wait(self._lifecycle.trouble.pause)
        self._interrupt_all()
        self._over.set()
        self._lifecycle.backend.close(min(self._lifecycle.settings.stop_grace_seconds, GOODBYE_S))

    def _interrupt_all(self) -> None:
        lifecycle, ending = self._lifecycle, Ending("interrupted", SHUT_DOWN)
        deadline = lifecycle.clock.monotonic() + min(lifecycle.settings.stop_grace_seconds, INTERRUPTING_S)
        asked = self._ask_all_to_end(ending)
        while (lifecycle.runs or not asked) and lifecycle.clock.monotonic() < deadline:
            self._step()
            self._over.wait(min(lifecycle.trouble.pause, CLOSING_PAUSE_S))
            asked = asked or self._ask_all_to_end(ending)
        with lifecycle.lock:
            for run in list(lifecycle.runs.values()):  # the execution engine ends them when it is closed
                lifecycle.give_up(run, run.ending or ending, has_ended=True)
            self._lifecycle.save_endings()  # else the next start marks them

    def _ask_all_to_end(self, ending: Ending) -> bool:
        lifecycle = self._lifecycle
        with lifecycle.lock:
            failures = lifecycle.each_alone(
                list(lifecycle.runs), lambda run: lifecycle.ask_to_end(lifecycle.runs[run], ending)
            )
        if failures.general is not None:
            self._note(failures.general)
        return failures.general is None

    def _step(self) -> None:
        """Take in what has come, in one transaction, then look after the runs."""
        self._take_in(by_run(self._collect()))
        self._give_up_late()
        if not self._held or self._lifecycle.trouble.since is None:
            self._look_after()

    def _take_in(self, heard: dict[str, list[Heard]]) -> None:
        """Commit what was heard of runs, and what is held of others; what the store does not take is held."""
        now = self._lifecycle.clock.monotonic()
        for run, held in self._held.items():
            held.messages += heard.pop(run, [])
        due = {run: held.messages for run, held in self._held.items() if held.due <= now} | heard
        failures = self._lifecycle.each_alone(due, lambda run: self._receive(due[run]))
        if failures.general is not None:
            self._note(failures.general)
        for run, messages in due.items():
            error = failures.of.get(run)
            if error is None:
                self._let_pass(run)
            elif may_pass(error) and (failures.general is not None or not is_damage(error)):
                self._hold(run, messages, None if failures.general is not None else error)
            else:
                logger.error(
                    "a run's messages cannot be taken in", exc_info=error, extra={"event": "run_broken", "run": run}
                )
                broken = Ending("failed", BROKEN)
                self._give_up(run, messages, Ending("interrupted", damaged(error)) if is_damage(error) else broken)

    def _receive(self, messages: list[Heard]) -> None:
        for message in messages:
            receive(self._lifecycle, message)

    def _hold(self, run: str, messages: list[Heard], error: Exception | None) -> None:
        """Keep messages to try again; error: why the store does not take those of this run alone."""
        now, general = self._lifecycle.clock.monotonic(), self._lifecycle.trouble.since
        held = self._held.get(run)
        if held is None:
            since = now if error is not None or general is None else general
            held = self._held[run] = Held(Trouble(self._lifecycle.clock, run), since, messages)
        if error is not None:
            held.note(error, now)
            self._lifecycle.troubles[run] = held.trouble

    def _let_pass(self, run: str) -> None:
        if self._held.pop(run, None) is not None:
            trouble = self._lifecycle.troubles.pop(run, None)
            if trouble is not None:
                trouble.over()

    def _give_up_late(self) -> None:
        """Let go of the runs whose messages the store has not taken for too long."""
        now, patience = self._lifecycle.clock.monotonic(), self._lifecycle.settings.store_patience_seconds
        for run, held in list(self._held.items()):
            if now - held.since > patience:
                reason = held.trouble.reason or self._lifecycle.trouble.reason
                sentence = (
                    "Interrupted at step {step}: the run store could not be written for"
                    f" {many(round(now - held.since), 'second')} ({reason}); this run can be continued."
                )
                self._give_up(run, held.messages, Ending("interrupted", sentence))

    def _give_up(self, run_id: str, messages: list[Heard], ending: Ending) -> None:
        """Let go of a run, whose ending is written once it can be."""
        self._held.pop(run_id, None)
        lifecycle, ended = self._lifecycle, any(map(is_last_word, messages))
        with lifecycle.lock:
            lifecycle.troubles.pop(run_id, None)
            run = lifecycle.runs.get(run_id)
            if run is not None and run.executing:
                lifecycle.give_up(run, ending, ended)
            elif ended:
                lifecycle.leaving.discard(run_id)

    def _look_after(self) -> None:
        with self._lifecycle.lock:
            try:
                self._save_endings()
                enforce_limits(self._lifecycle)
                if not self._closing.is_set():
                    self._look_after_studies()
                    start_waiting(self._lifecycle)
                    try_store(self._lifecycle)
            except Exception as error:  # whatever it is, it must not stop everybody's runs
                self._note(error)

    def _look_after_studies(self) -> None:
        try:
            self._studies.look()
        except Exception as error:  # single runs go on
            self._note(error)

    def _save_endings(self) -> None:
        """Write endings that the store does not have yet, those that it cannot take not all the time."""
        now = self._lifecycle.clock.monotonic()
        if now < self._saving_due:
            return
        failures = self._lifecycle.save_endings()
        if failures.general is not None:
            self._note(failures.general)
        elif failures.of:
            self._saving_due = now + SAVING_S

    def _note(self, error: Exception) -> None:
        if may_pass(error):
            self._lifecycle.trouble.note(error)
        else:
            logger.error("a step of the scheduler failed", exc_info=error)

    def _collect(self) -> list[Heard]:
        """Wait for messages and gather those of the next `commit_ms` into one transaction; urgent ones end the wait."""
        messages: list[Heard] = []
        clock, not_started = self._lifecycle.clock, self._lifecycle.not_started
        while not_started:
            messages.append(not_started.popleft())
        deadline, wait = None, 0.0 if messages else IDLE_S
        while wait > 0:
            try:
                message = self._inbox.get(timeout=wait)
            except Empty:
                break
            messages.append(message)
            if self._urgent(message):
                break
            deadline = deadline or clock.monotonic() + self._lifecycle.settings.commit_ms / 1000
            wait = deadline - clock.monotonic()
        while len(messages) < INBOX_MESSAGES:
            try:
                messages.append(self._inbox.get_nowait())
            except Empty:
                break
        return messages

    def _urgent(self, message: Message) -> bool:
        """Anything but records, and a run's first ones."""
        if not isinstance(message, Frame) or message.type != "records":
            return True
        run = self._lifecycle.runs.get(message.run)
        return run is not None and run.step == 0
