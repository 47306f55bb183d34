"""A run of which the store cannot keep anything more ends alone, and says so; the others go on as ever."""

import sqlite3
import time
from contextlib import closing

import pytest

from rnncore.config import ClipConfig, TrainConfig
from rnncore.runs.store.store import ENDED, NewRun, Store
from tests.support.faults import with_faults
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, slow

STEPS = 40
FIRST_KEY = 1_000_000  # so that no other number in a statement looks like the key of a run
AT_ONCE_S = 8.0  # far less than the store's patience of three minutes
SAID = "the run store is damaged where this run is kept (database disk image is malformed)."


def open_server(folder, **settings):
    server = Server(folder, MemoryBackend, checkpoint_seconds=0.01, **({"workers": 4} | settings))
    config = TrainConfig().model_dump(mode="json")
    server.store.create_runs([NewRun("before", "w", "g", "a run", config, 1)])
    server.store.update_run("before", status="finished", key=FIRST_KEY)
    return server


def start(server, steps=STEPS):
    """The first of four is the one that will be damaged; it makes snapshots, profiles and checkpoints."""
    configs = [
        slow(steps, seed=seed, profile_every=2, eval_every=3, clip=ClipConfig(method="norm")) for seed in range(4)
    ]
    return [server.submit(each).runs[0] for each in configs]


def key_of(server, run_id):
    with server.store.read() as db:
        return db.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()[0]


def status_of(server, run_id):
    return server.scheduler.status(run_id).run


def wait_ended(server, runs):
    server.wait(lambda: all(status_of(server, run).status in ENDED for run in runs), AT_ONCE_S)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the others record when nothing happens, and the statements that were about the first run."""
    monkeypatch = pytest.MonkeyPatch()
    faults = with_faults(monkeypatch)
    server = open_server(tmp_path_factory.mktemp("undisturbed"))
    runs = start(server)
    first = {runs[0], key_of(server, runs[0])}
    wait_ended(server, runs)
    records = [server.records(run) for run in runs]
    server.close()
    monkeypatch.undo()
    statements = sorted(statement for statement, values in faults.seen.items() if values & first)
    assert len(statements) > 10
    return records, statements


def test_whichever_statement_about_one_run_fails_for_ever_the_others_finish(undisturbed, tmp_path, monkeypatch):
    expected, statements = undisturbed
    ends = set()
    for number, statement in enumerate(statements):
        faults = with_faults(monkeypatch)
        server = open_server(tmp_path / str(number))
        runs = start(server)
        faults.sick, faults.victim = statement, (runs[0], key_of(server, runs[0]))
        wait_ended(server, runs)
        assert [status_of(server, run).status for run in runs[1:]] == ["finished"] * 3, statement
        assert [server.records(run) for run in runs[1:]] == expected[1:], statement
        first = status_of(server, runs[0])
        ends.add(first.status)
        if first.status != "finished":
            assert first.status == "interrupted", statement
            assert first.reason == f"Interrupted at step {first.step} of {STEPS}: {SAID}", statement
            assert server.records(runs[0]) == expected[0][: first.step], statement
        assert server.scheduler.problem() is None
        server.close()
        monkeypatch.undo()
    assert "interrupted" in ends


def test_a_place_that_cannot_be_read_for_a_while_holds_its_own_run_up_alone(undisturbed, tmp_path, monkeypatch):
    faults = with_faults(monkeypatch)
    server = open_server(tmp_path)
    runs = start(server)
    server.wait_step(runs[0], 3)
    faults.code, faults.victim = sqlite3.SQLITE_IOERR_READ, (runs[0], key_of(server, runs[0]))
    wait_ended(server, runs[1:])
    held = status_of(server, runs[0])
    assert held.status == "running"
    server.wait(lambda: server.scheduler.status(runs[0]).notice)
    notice = "The run store cannot keep this run at this moment (disk I/O error); its training waits until it can."
    assert server.scheduler.status(runs[0]).notice == notice
    assert server.scheduler.problem() is None
    faults.victim = ()
    wait_ended(server, runs)
    assert [server.records(run) for run in runs] == undisturbed[0]
    server.close()


def test_what_does_not_pass_ends_after_the_stores_patience(tmp_path, monkeypatch):
    faults = with_faults(monkeypatch)
    server = open_server(tmp_path, store_patience_seconds=0.4)
    runs = start(server)
    server.wait_step(runs[0], 3)
    faults.code, faults.victim = sqlite3.SQLITE_IOERR_READ, (runs[0], key_of(server, runs[0]))
    wait_ended(server, runs)
    run = status_of(server, runs[0])
    assert run.status == "interrupted"
    assert "(disk I/O error); this run can be continued." in run.reason
    faults.victim = ()
    server.wait_status(runs[0], "interrupted")  # written once it can be
    server.scheduler.resume(runs[0])
    server.wait_status(runs[0], "finished")
    server.close()


@pytest.mark.parametrize("state", ["queued", "paused", "running"])
def test_a_damaged_run_ends_in_any_state_and_keeps_no_place(state, tmp_path, monkeypatch):
    faults = with_faults(monkeypatch)
    server = open_server(tmp_path, pause_hold_seconds=0.05)
    running = [server.submit(slow(LONG, seed=seed)).runs[0] for seed in range(3)]
    bad = server.submit(slow(LONG, seed=9)).runs[0]
    server.wait_step(bad)
    if state != "running":
        server.scheduler.pause(bad)
        server.wait_status(bad, "paused")
    if state == "queued":
        others = [server.submit(slow(LONG, seed=seed)).runs[0] for seed in range(2)]
        server.wait(lambda: not server.scheduler._lifecycle.runs[bad].executing)
        server.scheduler.resume(bad)
        server.wait_status(bad, "queued")
        running += others
    faults.victim = (bad, key_of(server, bad))
    if state == "paused":
        server.scheduler.stop(bad)
    if state == "queued":
        server.scheduler.stop(running[0])
        server.scheduler.stop(running[1])
    server.wait(lambda: status_of(server, bad).status in ENDED, AT_ONCE_S)
    assert status_of(server, bad).status == "interrupted"
    assert SAID in status_of(server, bad).reason
    step = server.run(running[2]).step
    server.wait(lambda: server.run(running[2]).step > step)
    server.close()


def test_a_server_with_a_damaged_run_stops_in_time_and_interrupts_the_others(tmp_path, monkeypatch):
    faults = with_faults(monkeypatch)
    server = open_server(tmp_path, workers=2)
    runs = [server.submit(slow(LONG, seed=seed)).runs[0] for seed in range(4)]
    server.wait_step(runs[1])
    faults.victim = (runs[3], key_of(server, runs[3]))  # it waits
    began = time.monotonic()
    server.scheduler.shutdown()
    assert time.monotonic() - began < 15.0
    statuses = [server.run(run).status for run in runs]
    assert statuses[:3] == ["interrupted"] * 3
    server.store.close()


def test_runs_on_a_damaged_page_of_the_file_are_not_listed_and_the_others_are(tmp_path):
    path = tmp_path / "runs.sqlite"
    with closing(Store(path)) as store:
        config = TrainConfig().model_dump(mode="json")
        store.create_runs([NewRun(f"r{n:02}", "w", "g", f"label {n:02}", config, 9) for n in range(20)])
    with closing(Store(path)) as store:
        lost = damage_page(path, b"label 07")
        assert "r07" in lost
        left = [f"r{n:02}" for n in range(20) if f"r{n:02}" not in lost]
        assert left
        assert [run.id for run in store.runs_of("w")] == left
        assert [run.id for run in store.listed_runs("w", 100)] == left[::-1]
        assert store.run("r07") is None
        assert [run.id for run in store.named("g")] == left


def damage_page(path, text):
    """Make the page that holds a text unreadable, behind the back of whoever has the file open; return the lost ids."""
    content = path.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    start = next(at for at in range(0, len(content), size) if content[at] == 0x0D and text in content[at : at + size])
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 64)
    page = content[start : start + size]
    return [f"r{n:02}" for n in range(20) if f"label {n:02}".encode() in page]
