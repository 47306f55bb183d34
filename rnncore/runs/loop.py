"""The scheduler's loop, in a thread of its own: gathers messages, commits them, looks after every run."""

import logging
import threading
from queue import Empty, Full, Queue

from rnncore.runs.active import Ending
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.protocol import Changed, Message
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.messages import Heard, by_run, is_last_word, receive
from rnncore.runs.store.database import is_locked, may_pass
from rnncore.runs.supervision import enforce_limits, start_waiting, try_store
from rnncore.words import many

logger = logging.getLogger(__name__)

IDLE_S = 0.25
INBOX_MESSAGES = 64  # when the store cannot keep up the inbox fills, and the runs wait
CLOSING_PAUSE_S = 0.1  # between tries to write, at most, while the server stops
SHUT_DOWN = "The server was stopped while this run was unfinished; it can be continued."
BROKEN = "An unexpected error ended the run; the server's log says more."


class Loop:
    """Drives the runs of a `Lifecycle` from `start` to `close`."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._inbox: Queue[Message] = Queue(INBOX_MESSAGES)
        self._kept: list[Heard] = []  # what the store has not taken yet; nothing else is taken in meanwhile
        self._kept_since = 0.0
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
        """Put a message into the inbox, waiting while it is full."""
        while not self._over.is_set():
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
        self._lifecycle.backend.close(self._lifecycle.settings.stop_grace_seconds)

    def _interrupt_all(self) -> None:
        lifecycle, ending = self._lifecycle, Ending("interrupted", SHUT_DOWN)
        deadline = lifecycle.clock.monotonic() + lifecycle.settings.stop_grace_seconds
        asked = self._ask_all_to_end(ending)
        while (lifecycle.runs or not asked) and lifecycle.clock.monotonic() < deadline:
            self._step()
            self._over.wait(min(lifecycle.trouble.pause, CLOSING_PAUSE_S))
            asked = asked or self._ask_all_to_end(ending)
        with lifecycle.lock:
            for run in list(lifecycle.runs.values()):  # the execution engine ends them when it is closed
                lifecycle.give_up(run, run.ending or ending, has_ended=True)
            self._try_to_save_endings()  # else the next start marks them

    def _ask_all_to_end(self, ending: Ending) -> bool:
        try:
            with self._lifecycle.transaction():
                for run in list(self._lifecycle.runs.values()):
                    self._lifecycle.ask_to_end(run, ending)
        except Exception as error:
            self._note(error)
            return False
        return True

    def _step(self) -> None:
        """Take in what has come, in one transaction, then look after the runs."""
        now, trouble = self._lifecycle.clock.monotonic, self._lifecycle.trouble
        again = bool(self._kept)
        self._kept = self._taken_in(self._kept or self._collect())
        if self._kept:
            if not again:
                self._kept_since = now() if trouble.since is None else trouble.since
            if now() - self._kept_since > self._lifecycle.settings.store_patience_seconds:
                self._give_up(now() - self._kept_since)
        if not self._kept:
            self._look_after()

    def _taken_in(self, messages: list[Heard]) -> list[Heard]:
        """Commit messages; return those that the store would not take, to be tried again."""
        if not messages:
            return []
        try:
            self._commit(messages)
        except Exception as error:
            self._note(error)
            if is_locked(error):
                return messages
            groups = by_run(messages)  # what is wrong with one run must not stop the others
            return [message for run, group in groups.items() for message in self._taken_in_of(run, group)]
        return []

    def _taken_in_of(self, run: str, messages: list[Heard]) -> list[Heard]:
        """The same for messages about one run, which ends if they cannot be taken in at all."""
        try:
            try:
                self._commit(messages)
            except Exception as error:
                if may_pass(error):
                    raise
                logger.exception("a run's messages cannot be taken in", extra={"event": "run_broken", "run": run})
                self._end_broken(run, messages)
        except Exception as error:
            self._note(error)
            return messages
        return []

    def _commit(self, messages: list[Heard]) -> None:
        with self._lifecycle.transaction():
            for message in messages:
                receive(self._lifecycle, message)

    def _end_broken(self, run_id: str, messages: list[Heard]) -> None:
        with self._lifecycle.transaction():
            run = self._lifecycle.runs.get(run_id)
            if run is not None:
                self._lifecycle.drop(run, any(map(is_last_word, messages)))
                self._lifecycle.end(run, Ending("failed", BROKEN))

    def _give_up(self, seconds: float) -> None:
        """Let go of the runs whose messages the store has not taken for so long."""
        lifecycle = self._lifecycle
        ending = Ending(
            "interrupted",
            f"Interrupted at step {{step}}: the run store could not be written for {many(round(seconds), 'second')}"
            f" ({lifecycle.trouble.reason}); this run can be continued.",
        )
        with lifecycle.lock:
            for run_id, messages in by_run(self._kept).items():
                ended = any(map(is_last_word, messages))
                run = lifecycle.runs.get(run_id)
                if run is not None and run.executing:
                    lifecycle.give_up(run, ending, ended)
                elif ended:
                    lifecycle.leaving.discard(run_id)
        self._kept = []

    def _look_after(self) -> None:
        with self._lifecycle.lock:
            try:
                self._lifecycle.save_endings()
                enforce_limits(self._lifecycle)
                if not self._closing.is_set():
                    start_waiting(self._lifecycle)
                    try_store(self._lifecycle)
            except Exception as error:  # whatever it is, it must not stop everybody's runs
                self._note(error)

    def _try_to_save_endings(self) -> None:
        try:
            self._lifecycle.save_endings()
        except Exception as error:
            self._note(error)

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
