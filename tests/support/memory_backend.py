"""A second execution engine, which shows what one must do: runs train in threads of this process, without torch."""

import threading
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.protocol import Capacity, Changed, Deliver, Lost, NoPlaceError
from rnncore.runs.settings import Settings
from rnncore.runs.worker.job import Job
from tests.support.fake_worker import FakeEngine


class _Gone(BaseException):
    """Ends the thread of a run whose place has died."""


@dataclass(eq=False)
class _Place:
    """Where one run at a time trains. speaking: held while a message is delivered, so that none follows its death."""

    run: str | None = None
    alive: bool = True
    asked: bool = False  # to end, politely
    commands: SimpleQueue[Frame] = field(default_factory=SimpleQueue)
    speaking: threading.Lock = field(default_factory=threading.Lock)


class MemoryBackend:
    """Threads behind the protocol `Backend`; `kill` lets a place die as a machine would.

    again: whether its run is to go on elsewhere then, as on a cluster.
    """

    again = False

    def __init__(self, settings: Settings) -> None:
        self._size, self._lost = settings.workers, 0
        self._lock = threading.Lock()
        self._places: list[_Place] = []
        self._warming = 0
        self._deliver: Deliver | None = None
        self.problem = ""

    def open(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def keep_up(self) -> None:
        with self._lock:
            while len(self._places) + self._warming < self._size and not self.problem:
                self._warming += 1
                threading.Thread(target=self._warm_up, daemon=True).start()

    def capacity(self) -> Capacity:
        with self._lock:
            busy = sum(place.run is not None for place in self._places)
            ready = len(self._places)
            return Capacity(self._size, ready, busy, ready - busy, self._lost, self.problem)

    def start(self, job: JobSpec) -> str:
        with self._lock:
            place = next((place for place in self._places if place.run is None), None)
            if place is None:
                raise NoPlaceError("no thread is free")
            place.run, place.asked, place.commands = job.run, False, SimpleQueue()
        threading.Thread(target=self._execute, args=(place, job), daemon=True).start()
        return "a thread"

    def send(self, run: str, command: str, **values: Any) -> None:
        with self._lock:
            for place in self._places:
                if place.run == run:
                    place.commands.put(Frame({"type": command, "run": run, **values}))

    def abort(self, run: str) -> None:
        with self._lock:
            place = next((place for place in self._places if place.run == run), None)
            by_force = place is not None and place.asked
            if place is not None:
                place.asked = True
        if by_force:
            self.kill(run)
        else:
            self.send(run, "stop")

    def kill(self, run: str) -> None:
        """Let the place that executes a run die."""
        with self._lock:
            (place,) = [place for place in self._places if place.run == run]
            self._places.remove(place)
            self._lost += 1
        threading.Thread(target=self._die, args=(place, run), daemon=True).start()

    def close(self, grace_seconds: float) -> None:
        self._deliver = None
        with self._lock:
            for place in self._places:
                place.alive = False
                place.commands.put(Frame({"type": "stop", "run": place.run}))  # wakes a paused one
            self._places.clear()

    def _warm_up(self) -> None:
        with self._lock:
            self._warming -= 1
            self._places.append(_Place())
        if deliver := self._deliver:
            deliver(Changed())

    def _execute(self, place: _Place, job: JobSpec) -> None:
        def send(header: dict[str, Any], blob: bytes) -> None:
            with place.speaking:
                deliver = self._deliver
                if not place.alive or deliver is None:
                    raise _Gone
                if header["type"] == "done":
                    with self._lock:
                        place.run = None
                deliver(Frame(header, blob))

        try:
            Job(job, FakeEngine(), place.commands, send, lambda config: None).execute()
        except _Gone:
            return

    def _die(self, place: _Place, run: str) -> None:
        with place.speaking:
            place.alive = False
            place.commands.put(Frame({"type": "stop", "run": run}))  # wakes a paused one
        if deliver := self._deliver:
            deliver(Lost(run, "The thread was killed", again=self.again))
