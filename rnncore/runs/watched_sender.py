"""A thread that sends a watching program's records: the training never waits for it, and goes on without it."""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from rnncore.reading import Reading
from rnncore.records import Record
from rnncore.runs.foreign_readings import MAX_TEXT, plain
from rnncore.runs.watched import Begun
from rnncore.runs.watched_forms import Wanted, WatchedModel
from rnncore.runs.watched_targets import Away, Refused, Target

logger = logging.getLogger("rnncore.watching")

PACE_S = 1.0  # between two looks at what is new: each costs the training some milliseconds of the processor
ALIVE_S = 5.0  # between two signs of life
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0  # before it is tried again
FINISH_S = 5.0  # that the end of the program may wait for what is not sent yet
MOST_BYTES = 32 * 2**20  # of records that wait; beyond that the oldest are left out
MOST_READINGS = 40  # that wait; beyond that the oldest are left out
_ROW_BYTES = 400  # of a record without profiles
Asked = Callable[[int, str, Mapping[str, int]], bool]


class Sender:
    """Sends what it is given, in order. `offer` and `show` return at once, whatever the other side does."""

    def __init__(self, target: Target, model: WatchedModel, asked: Asked | None = None) -> None:
        """Begin to send; nothing is raised here or later for what the other side does.

        asked: called in the sender's own thread with what is asked for: the number of a run, the instrument, and what
        was chosen; returns whether there will be a reading of it.
        """
        self.begun: Begun | None = None
        self.dropped = 0
        self.seconds = 0.0  # of the processor, that sending has taken
        self._target, self._model = target, model
        self._waiting: deque[tuple[int, Record]] = deque()
        self._bytes = 0
        self._readings: deque[tuple[int, Reading]] = deque()
        self._asked, self._under_way = asked, set[Wanted]()
        self._lock = threading.Lock()
        self._ending: tuple[str, str] | None = None
        self._awake = threading.Event()
        self._over = False
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._work, name="rnncore-watching", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str | None:
        """Where the runs are seen, in words; None as long as they have not begun."""
        return self._target.address(self.begun.group) if self.begun else None

    def offer(self, number: int, record: Record) -> None:
        """Take a record of the run with this number, of the modules in their order."""
        if self._over:
            return
        with self._lock:
            self._waiting.append((number, record))
            self._bytes += _size(record)
            while self._bytes > MOST_BYTES:
                self._bytes -= _size(self._waiting.popleft()[1])
                self.dropped += 1
        if self.dropped:
            self._warn("Records of a watched model are left out, since they cannot be sent. The training goes on.")

    def show(self, number: int, reading: Reading) -> None:
        """Take a reading of the run with this number."""
        if self._over:
            return
        with self._lock:
            self._readings.append((number, reading))
            if len(self._readings) > MOST_READINGS:  # its question may be passed on once more
                number, reading = self._readings.popleft()
                if self.begun is not None:
                    self._under_way.discard(_question(self.begun.runs[number], reading))

    def finish(self, status: str, reason: str) -> None:
        """Send what is left and say how it ended; waits for that a few seconds at most."""
        self._ending = status, reason
        self._awake.set()
        self._thread.join(FINISH_S)

    def _work(self) -> None:
        pause, alive = FIRST_PAUSE_S, 0.0
        try:
            while not self._over:
                self._awake.wait(PACE_S)
                try:
                    self._send()
                    if time.monotonic() - alive > ALIVE_S:
                        self._alive()
                        alive = time.monotonic()
                    if self._ending is not None and not self._waiting and not self._readings:
                        self._end(*self._ending)
                    pause = FIRST_PAUSE_S
                except Away as error:
                    self._warn(f"Records of a watched model cannot be sent at this moment: {error}. They wait.")
                    if self._ending is not None:
                        return
                    self._awake.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
                except Refused as error:
                    self._over = True
                    self._warn(f"Records of a watched model are not sent: {str(error).rstrip('.')}.")
                finally:
                    self.seconds = time.thread_time()
        except Exception:
            self._over = True
            logger.exception("Records of a watched model are not sent any more. The training goes on.")
        finally:
            self._target.close()

    def _send(self) -> None:
        """Send what waits, run by run."""
        if self.begun is None:
            self.begun = self._target.begin(self._model)
            sys.stderr.write(f"rnncore: '{self._model.name}' is being watched: {self.address}\n")
        with self._lock:
            batch = list(self._waiting)
        for number, run in enumerate(self.begun.runs):
            records = [record for each, record in batch if each == number]
            if records:
                self._hear(self._target.add(run, records))
        with self._lock:
            for _, record in batch:
                if self._waiting and self._waiting[0][1] is record:  # else it has been left out meanwhile
                    self._waiting.popleft()
                    self._bytes -= _size(record)

        while self._readings:
            number, reading = self._readings[0]
            run = self.begun.runs[number]
            try:
                self._target.read(run, reading)
            except Refused as error:
                why = str(error).rstrip(".")
                self._warn(f"A reading of a watched model is not sent: {why}.")
                with suppress(Refused):  # a server of before knows of no readings
                    self._target.read(run, _not_sent(reading, why))
            with self._lock:
                self._under_way.discard(_question(run, reading))
                if self._readings and self._readings[0][1] is reading:
                    self._readings.popleft()

    def _hear(self, wanted: Sequence[Wanted]) -> None:
        """Pass on what is asked for, each question once until its reading is sent."""
        if self.begun is None or self._asked is None:
            return
        runs = self.begun.runs
        for each in wanted or ():
            fresh = each not in self._under_way and each.run in runs
            if fresh and self._asked(runs.index(each.run), each.instrument, dict(each.chosen)):
                with self._lock:
                    self._under_way.add(each)

    def _alive(self) -> None:
        if self.begun is not None:
            self._hear(self._target.beat(self.begun.group))

    def _end(self, status: str, reason: str) -> None:
        if self.begun is not None:
            self._target.end(self.begun.group, status, reason)
        self._over = True

    def _warn(self, sentence: str) -> None:
        kind = sentence[:40]
        if kind not in self._told:
            self._told.add(kind)
            logger.warning("%s", sentence)


def _question(run: str, reading: Reading) -> Wanted:
    return Wanted(run, reading.instrument, tuple(sorted(reading.chosen.items())))


def _not_sent(reading: Reading, why: str) -> Reading:
    """Return what is sent in place of a reading that is refused, so that whoever asked does not wait for ever."""
    said = plain(f"The program has made this reading, but it could not be sent: {why}", MAX_TEXT - 1)
    return Reading(instrument=reading.instrument, step=reading.step, undefined=f"{said}.", chosen=dict(reading.chosen))


def _size(record: Record) -> int:
    arrays = (record.hidden_grad_norm, record.direct_grad_norm, record.cell_grad_norm, record.sequence_count)
    return _ROW_BYTES + sum(array.nbytes for array in arrays if array is not None)
