"""What an execution engine needs to execute a run, from its first step or from a checkpoint on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnncore.runs.backend.frames import Frame

SettingChange = tuple[int, str, float]  # first step in force, "learning_rate" or "clip_threshold", value


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One execution of a run.

    config: TrainConfig as JSON. changes: of its settings, to make on the way. pause_at: a step to pause after.
    files: content of the uploads that the config names, by id. checkpoint: what `start_step` steps left behind, or b"".
    flush_ms: records are sent this often. checkpoint_seconds: shortest time between checkpoints.
    slow_start: whether the first steps are to be so slow that somebody can watch them one by one.
    batch: configs of runs of a study, `config` first, that are to train as one batched model, if they fit, or in_turn
    one after another; what comes of each is told by success, `rnncore.studies.success.Success` as JSON or None.
    """

    run: str
    config: dict[str, Any]
    flush_ms: int
    checkpoint_seconds: float
    start_step: int = 0
    changes: Sequence[SettingChange] = ()
    pause_at: int | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    checkpoint: bytes = b""
    slow_start: bool = False
    batch: Sequence[dict[str, Any]] = ()
    in_turn: bool = False
    success: dict[str, Any] | None = None

    def to_frame(self) -> Frame:
        """Return the `job` frame; its bytes are those of the files, one after another, and of the checkpoint."""
        header = {
            "type": "job",
            "run": self.run,
            "config": self.config,
            "start_step": self.start_step,
            "events": list(self.changes),
            "pause_at": self.pause_at,
            "files": {file_id: len(content) for file_id, content in self.files.items()},
            "flush_ms": self.flush_ms,
            "checkpoint_seconds": self.checkpoint_seconds,
            "slow_start": self.slow_start,
            "batch": list(self.batch),
            "in_turn": self.in_turn,
            "success": self.success,
        }
        return Frame(header, b"".join((*self.files.values(), self.checkpoint)))

    @classmethod
    def from_frame(cls, frame: Frame) -> "JobSpec":
        """Undo `to_frame`."""
        header, files, place = frame.header, {}, 0
        for file_id, size in header.get("files", {}).items():
            files[file_id] = frame.blob[place : place + size]
            place += size
        return cls(
            frame.run,
            header["config"],
            header["flush_ms"],
            header["checkpoint_seconds"],
            header.get("start_step", 0),
            [(step, name, value) for step, name, value in header.get("events", ())],
            header.get("pause_at"),
            files,
            frame.blob[place:],
            header.get("slow_start", False),
            tuple(header.get("batch", ())),
            header.get("in_turn", False),
            header.get("success"),
        )
