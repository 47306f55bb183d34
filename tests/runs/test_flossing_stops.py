"""A worker that flosses hears commands between two updates, and a run that goes on afterwards has the same numbers."""

from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import rnncore.engine.flossing as engine
from rnncore import TrainConfig
from rnncore.config import FlossingConfig
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.worker.job import Job
from rnncore.runs.worker.main import TorchEngine
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, config, slow
from tests.support.wire import unpack

UPDATES, EVERY = 6, 4
CONFIG = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "delayed_recall", "seq_len": 10, "delay": 3},
        "model": {"hidden_size": 4, "readout": "every_step"},
        "batch_size": 3, "steps": 6, "eval_every": 3, "profile_every": 2, "device": "cpu",
        "flossing": {"exponents": 2, "steps": UPDATES, "every": EVERY},
    }
)  # fmt: skip
FIRST, SECOND = 3, UPDATES + 1 + 3  # updates in the middle of the two flossings; each ends by looking at what it did


@dataclass
class Bench:
    """Jobs in this process. updates: how often the exponents were worked out; commands are given at some of them."""

    updates: int = 0
    commands: "SimpleQueue[Frame]" = field(default_factory=SimpleQueue)
    heard: list[tuple[str, int, int]] = field(default_factory=list)  # message, its step, `updates` until then
    records: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    checkpoint: tuple[int, bytes] = (0, b"")
    told: list[tuple[int, int, int, float | None]] = field(default_factory=list)

    def send(self, header: dict[str, Any], blob: bytes) -> None:
        kind = header["type"]
        if kind == "records":
            for record in unpack(header, blob):
                scalars = (record.train_loss, record.learning_rate, record.grad_norm, record.update_norm)
                flossed = (record.exponents_before_flossing, record.exponents_after_flossing)
                self.records[record.step] = (*scalars, *flossed, record.val_loss)
        elif kind == "checkpoint":
            self.checkpoint = (header["step"], blob)
        elif kind == "flossing":
            self.told.append((header["step"], header["done"], header["updates"], header["size"]))
        elif kind in ("paused", "resumed", "event", "done"):
            self.heard.append((header.get("status", kind), header["step"], self.updates))
        if kind == "paused":
            self.command("set", name="learning_rate", value=0.05, at_step=header["step"] + 1)
            self.command("resume")

    def command(self, kind: str, **header: Any) -> None:
        self.commands.put(Frame({"type": kind, "run": "r", **header}))

    def train(self, **batch: Any) -> None:
        start, blob = self.checkpoint
        config = CONFIG.model_dump(mode="json")
        spec = JobSpec("r", config, 0, 60.0, start_step=start, checkpoint=blob, **batch)
        Job(spec, TorchEngine(), self.commands, self.send, lambda config: None).execute()


def bench_with(monkeypatch: pytest.MonkeyPatch, commands: dict[int, str]) -> Bench:
    """Return a bench that gives commands while so many updates have begun."""
    bench, usual = Bench(), engine.flossing_loss

    def counted(*args: Any) -> Any:
        bench.updates += 1
        if bench.updates in commands:
            bench.command(commands[bench.updates])
        return usual(*args)

    monkeypatch.setattr(engine, "flossing_loss", counted)
    return bench


@pytest.mark.parametrize(("command", "status"), [("stop", "stopped"), ("park", "parked")])
@pytest.mark.parametrize(("update", "step"), [(FIRST, 0), (SECOND, EVERY)])
def test_an_end_is_heard_between_updates_and_the_run_goes_on_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, command: str, status: str, update: int, step: int
) -> None:
    whole = bench_with(monkeypatch, {})
    whole.train()
    assert list(whole.records) == list(range(1, 7))
    monkeypatch.undo()
    bench = bench_with(monkeypatch, {update: command})
    bench.train()
    assert bench.heard == [(status, step, update)], "no further update"
    assert bench.checkpoint[0] == step
    bench.train()
    assert bench.heard[-1] == ("finished", 6, update + whole.updates - (step > 0) * (UPDATES + 1))
    assert bench.records == whole.records


def test_how_far_it_is_goes_out_at_once_and_then_at_most_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("rnncore.runs.worker.job.time.monotonic", lambda: now[0])
    bench, usual = bench_with(monkeypatch, {}), engine.flossing_loss

    def slow(*args: Any) -> Any:
        now[0] += 0.3
        return usual(*args)

    monkeypatch.setattr(engine, "flossing_loss", slow)
    bench.train()
    assert [told[:3] for told in bench.told] == [(step, done, UPDATES) for step in (1, 5) for done in (0, 2, 4)]
    for step, _, _, size in bench.told:
        before, after = bench.records[step][4:6]
        assert size is None or after < size <= before
    without = Bench()
    config = CONFIG.model_dump(mode="json") | {"flossing": {}}
    Job(JobSpec("r", config, 0, 60.0), TorchEngine(), without.commands, without.send, lambda config: None).execute()
    assert without.told == []
    assert without.heard[-1][0] == "finished"


def test_a_checkpoint_follows_flossing_that_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = [100.0], []
    monkeypatch.setattr("rnncore.runs.worker.job.time.monotonic", lambda: now[0])
    for seconds in (0.1, 1.0):
        bench, usual = bench_with(monkeypatch, {}), engine.flossing_loss

        def slow(*args: Any, usual: Any = usual, seconds: float = seconds) -> Any:
            now[0] += seconds
            return usual(*args)

        monkeypatch.setattr(engine, "flossing_loss", slow)
        send = bench.send

        def noted(header: dict[str, Any], blob: bytes, send: Any = send) -> None:
            if header["type"] == "checkpoint":
                saved.append(header["step"])
            send(header, blob)

        monkeypatch.setattr(bench, "send", noted)
        bench.train()
        assert saved == [[6], [6, 1, 5, 6]][seconds == 1.0]


def test_a_pause_holds_between_updates_and_settings_changed_then_are_in_force_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = bench_with(monkeypatch, {SECOND: "pause"})
    bench.train()
    assert bench.heard[:3] == [("paused", EVERY, SECOND), ("event", EVERY + 1, SECOND), ("resumed", EVERY, SECOND)]
    assert bench.checkpoint[0] == 6
    assert [row[1] for row in bench.records.values()] == [*4 * [CONFIG.optimizer.learning_rate], 0.05, 0.05]


def test_a_run_that_gives_its_place_up_is_not_said_to_floss_any_more(tmp_path: Path) -> None:
    server = Server(tmp_path, MemoryBackend, workers=1, pause_hold_seconds=0.2)
    try:
        soon = server.submit(slow(flossing=FlossingConfig(exponents=2, steps=3)))
        server.wait_step(soon.runs[0])
        assert server.scheduler.status(soon.runs[0]).notice is None, "it is done"
        server.scheduler.stop(soon.id)
        server.wait_status(soon.runs[0], "stopped")
        first = server.submit(config(LONG, milliseconds=20, flossing=FlossingConfig(exponents=2, steps=500)))
        run = first.runs[0]
        server.wait(lambda: "flossing before step 1" in (server.scheduler.status(run).notice or ""))
        server.scheduler.pause(first.id)
        server.wait_status(run, "paused")
        other = server.submit(slow()).runs[0]
        server.wait_status(other, "running")
        assert server.scheduler.status(run).notice is None
    finally:
        server.close()


@pytest.mark.parametrize("in_turn", [True, False])
def test_runs_of_a_study_hear_it_too(monkeypatch: pytest.MonkeyPatch, in_turn: bool) -> None:
    bench = bench_with(monkeypatch, {FIRST: "stop"})
    monkeypatch.setattr("rnncore.engine.batched.pays", lambda config, count: True)
    seeds = [CONFIG.model_copy(update={"seed": seed}).model_dump(mode="json") for seed in (0, 1)]
    bench.train(batch=seeds, in_turn=in_turn)
    assert bench.heard == [("stopped", 0, FIRST)]
