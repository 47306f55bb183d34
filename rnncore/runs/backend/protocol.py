"""What the scheduler asks of an execution engine, wherever that executes the runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec


class NoPlaceError(RuntimeError):
    """No further run can be started now."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A run's execution ended without a `done` frame. cause: a sentence without its full stop.

    by_itself: it exceeded its own memory limit, as the sentence `cause` says, which is then whole. again: its place
    on a cluster is out of reach, so the run is to go on elsewhere from its last checkpoint.
    """

    run: str
    cause: str
    by_itself: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """More or fewer runs can be started than before."""


Message = Frame | Lost | Changed
Deliver = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many runs an engine executes and could execute.

    size: at once. ready: of these, how many places are warmed up, with a run or without. busy: runs that execute.
    free: runs that can be started now. lost: processes, machines ... that have died since the engine was opened.
    problem: why nothing can be started at present, as what a run waits for ("waiting for ..."); '' if it can.
    """

    size: int
    ready: int
    busy: int
    free: int
    lost: int
    problem: str = ""


class Backend(Protocol):
    """An execution engine: starts runs, passes commands on, and reports what the runs say and when they are lost.

    Runs speak in the frames of `rnncore.runs.backend.frames`. All methods but `close` return at once, from any
    thread; none of them waits for `deliver`, which may take long: it blocks while the scheduler is behind.
    """

    def open(self, deliver: Deliver) -> None:
        """Begin. From now on `deliver` is called, from the engine's own threads, with every message.

        A run's frames come in their order, the last one is `done` or a `Lost` comes in its place; nothing of this
        execution comes afterwards. The run's place is free again before that last message is delivered.
        """
        ...

    def keep_up(self) -> None:
        """Start and replace what is missing. Called several times a second."""
        ...

    def capacity(self) -> Capacity:
        """Return how many runs execute and could execute."""
        ...

    def start(self, job: JobSpec) -> str:
        """Execute a run; return the name of the place where that happens, for the log. Raises NoPlaceError."""
        ...

    def send(self, run: str, command: str, **values: int | float | str) -> None:
        """Pass a command on (see the table in `frames`); one for a run that does not execute is dropped."""
        ...

    def abort(self, run: str) -> None:
        """End a run that does not end by itself: it is asked at the first call, and forced at the second."""
        ...

    def close(self, grace_seconds: float) -> None:
        """End everything, by force what is left after the time of grace. No message is delivered any more."""
        ...
