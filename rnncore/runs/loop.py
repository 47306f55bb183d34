"""The scheduler's loop, in a thread of its own: gathers messages, commits them, looks after every run."""

import logging
import threading
import time
from queue import Empty, Full, Queue

from rnncore.runs.active import Ending
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.protocol import Changed, Message
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.messages import receive
from rnncore.runs.supervision import enforce_limits, start_waiting

logger = logging.getLogger(__name__)

IDLE_S = 0.25
INBOX_MESSAGES = 64  # when the store cannot keep up the inbox fills, and the runs wait
SHUT_DOWN = "The server was stopped while this run was unfinished; it can be continued."


class Loop:
    """Drives the runs of a `Lifecycle` from `start` to `close`."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._inbox: Queue[Message] = Queue(INBOX_MESSAGES)
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
        self._interrupt_all()
        self._over.set()
        self._lifecycle.backend.close(self._lifecycle.settings.stop_grace_seconds)

    def _interrupt_all(self) -> None:
        lifecycle, ending = self._lifecycle, Ending("interrupted", SHUT_DOWN)
        with lifecycle.lock:
            for run in list(lifecycle.runs.values()):
                lifecycle.ask_to_end(run, ending)
        deadline = time.monotonic() + lifecycle.settings.stop_grace_seconds
        while lifecycle.runs and time.monotonic() < deadline:
            self._step()
        with lifecycle.lock:
            for run in list(lifecycle.runs.values()):
                lifecycle.end(run, ending)
            lifecycle.save_endings()

    def _step(self) -> None:
        """Take in what has come, in one transaction, then look after the runs in another."""
        messages, lifecycle = self._collect(), self._lifecycle
        with lifecycle.lock:
            try:
                with lifecycle.store.write():
                    for message in messages:
                        receive(lifecycle, message)
                lifecycle.save_endings()
                with lifecycle.store.write():
                    enforce_limits(lifecycle, time.monotonic())
                    if not self._closing.is_set():
                        start_waiting(lifecycle)
                lifecycle.save_endings()
            except Exception as error:  # whatever it is, it must not stop everybody's runs
                logger.exception("a step of the scheduler failed")
                lifecycle.fail_unwritten([each.run for each in messages if isinstance(each, Frame)], str(error))

    def _collect(self) -> list[Message]:
        """Wait for messages and gather those of the next `commit_ms` into one transaction; urgent ones end the wait."""
        messages: list[Message] = []
        deadline, wait = None, IDLE_S
        while wait > 0:
            try:
                message = self._inbox.get(timeout=wait)
            except Empty:
                break
            messages.append(message)
            if self._urgent(message):
                break
            deadline = deadline or time.monotonic() + self._lifecycle.settings.commit_ms / 1000
            wait = deadline - time.monotonic()
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
