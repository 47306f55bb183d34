"""What the scheduler remembers of an unfinished run, and what it tells about a run."""

from dataclasses import asdict, dataclass
from typing import Any

from rnncore.runs.allowed import resumable
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.store import StoredRun
from rnncore.runs.store.studies import PREFIX

EARLY_STEPS = 20  # that a slow start holds (rnncore/runs/worker/job.py)


@dataclass(frozen=True, slots=True)
class Group:
    """Runs started together (twins): steered by one control through the group's id."""

    id: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run as the page shows it.

    position: place in the queue, from 1. wait_seconds: estimate until it starts. notice: what it waits for beside that,
    or does before its next step.
    """

    run: StoredRun
    position: int | None = None
    wait_seconds: float | None = None
    notice: str | None = None

    @property
    def resumable(self) -> bool:
        """Whether the run is over but can be continued."""
        return resumable(self.run.status, self.run.steps)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict, without the workspace: a run's id gives no right to the rest of it."""
        fields = asdict(self.run)
        del fields["workspace"]
        fields |= {"watch": watch_key(self.run.id), "group_watch": watch_key(self.run.group)}
        waits = {"position": self.position, "wait_seconds": self.wait_seconds, "notice": self.notice}
        return fields | waits | {"resumable": self.resumable}


@dataclass(frozen=True, slots=True)
class Overview:
    """The background half in counts.

    workers: runs that can execute at once; ready: places that are warmed up; busy: with a run; lost: died since the
    start.
    """

    workers: int
    workers_ready: int
    workers_busy: int
    workers_lost: int
    running: int
    paused: int
    queued: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run is to end once it has stopped; `{step}` in the reason is filled in then."""

    status: str
    reason: str


@dataclass(slots=True)
class ActiveRun:
    """A queued, running or paused run. Times are monotonic.

    No field holds anything that is changed in place but the recorder: what a transaction changes can be taken back.
    """

    id: str
    workspace: str
    group: str
    config: dict[str, Any]
    steps: int
    files: tuple[str, ...]
    owner: str  # who alternates with others in the queue
    keep_when_gone: bool = False
    slow_start: bool = False
    status: str = "queued"
    executing: bool = False  # the execution engine has it, be it running or paused
    recorder: Recorder | None = None
    step: int = 0
    changes: int = 0  # of its settings, so far
    hold: bool = False  # asked to pause
    pause_at: int | None = None  # where a queued run is to pause once it executes
    paused_since: float | None = None
    parking: bool = False  # asked to give its place up
    wanted: bool = False  # asked to go on while it has no place
    running_since: float | None = None
    trained_s: float = 0.0
    ending: Ending | None = None  # asked to end
    ending_since: float = 0.0
    moves: int = 0  # how often its place has died, and it goes on elsewhere
    aborts: int = 0  # how often the execution engine was told to end it
    unreadable_since: float | None = None  # when the store first failed to say how to begin it
    batch: tuple[dict[str, Any], ...] = ()  # configs of the runs of a study that train in it, see `JobSpec`
    in_turn: bool = False  # they train one after another, not as one model
    success: dict[str, Any] | None = None
    flossing: str | None = None  # how far gradient flossing is where it is under way

    @property
    def in_study(self) -> bool:
        """Whether the run belongs to a study, which looks after it."""
        return self.workspace.startswith(PREFIX)

    @property
    def steps_per_second(self) -> float:
        """Current speed; 0 if it is not known or the run does not execute."""
        return (self.recorder.steps_per_second if self.recorder else None) or 0.0

    @property
    def free_rate(self) -> float:
        """Current speed; 0 also while a slow start holds the first steps, which tell nothing of the others."""
        return 0.0 if self.slow_start and self.step <= EARLY_STEPS else self.steps_per_second

    def trained_seconds(self, now: float) -> float:
        """Return the seconds this run has trained, pauses not counted."""
        return self.trained_s + (now - self.running_since if self.running_since is not None else 0.0)

    def skip(self, seconds: float) -> None:
        """Let a time not have been that was missed."""
        self.ending_since += seconds
        for name in ("running_since", "paused_since", "unreadable_since"):
            since = getattr(self, name)
            if since is not None:
                setattr(self, name, since + seconds)

    def clock_stops(self, now: float) -> None:
        """Count the time trained so far."""
        self.trained_s, self.running_since = self.trained_seconds(now), None

    def remaining_seconds(self, usual_rate: float | None) -> float | None:
        """Estimate the seconds this run still needs; None if nothing is known."""
        rate = self.free_rate or usual_rate
        return (self.steps - self.step) / rate if rate else None
