"""Clocks that go wrong and processes that sleep: nothing is removed for it, no run is stopped for it."""

import pytest

from rnncore.runs.housekeeping import FIRST_PRUNING_S, Housekeeper
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from tests.support.clocks import DAY, MovedClock
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, config, slow
from tests.support.stored import new_run


class Kept:
    """A store with its housekeeper under a clock that is moved; `live` lets it work for a while."""

    def __init__(self, folder, clock, **settings):
        self.clock, self.settings = clock, Settings(data_dir=folder, **settings)
        self.store = Store(self.settings.store_path, clock)
        self.housekeeper = Housekeeper(self.store, self.settings, self.store.delete_run)

    def live(self, seconds, step=10.0):
        for _ in range(int(seconds / step)):
            self.housekeeper.tidy()
            self.clock.both_by += step

    def finished(self, run_id):
        self.store.create_runs([new_run(run_id)])
        self.store.save_endings({run_id: ("finished", "All steps are done.")})

    def left(self):
        return {run.id for run in self.store.runs()}, len(self.store.files_of("w"))


@pytest.fixture
def keep(tmp_path):
    opened = []

    def start(clock, **settings):
        if opened:
            opened[-1].store.close()
        opened.append(Kept(tmp_path, clock, **settings))
        return opened[-1]

    yield start
    opened[-1].store.close()


@pytest.mark.parametrize("days", [-400, 400])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_calendar_that_is_set_right_removes_nothing(keep, days, restarted, caplog):
    clock = MovedClock(wall_by=days * DAY)
    kept = keep(clock)
    kept.live(400)
    kept.finished("r")
    kept.store.add_file("w", b"content")
    kept.live(100)
    clock.wall_by = 0.0
    if restarted:
        kept = keep(clock)
    kept.live(2 * FIRST_PRUNING_S)
    kept.finished("later")
    kept.live(FIRST_PRUNING_S)
    assert kept.left() == ({"r", "later"}, 1)
    assert f"the calendar {'has ' if restarted else ''}moved by" in caplog.text


def test_a_calendar_that_jumps_to_and_fro_removes_nothing(keep):
    clock = MovedClock()
    kept = keep(clock)
    kept.finished("r")
    for number in range(20):
        clock.wall_by = (number % 2) * 1000 * DAY
        kept.live(FIRST_PRUNING_S + 100)
    assert kept.left()[0] == {"r"}


def test_what_servers_have_lived_through_counts(keep):
    clock = MovedClock()
    kept = keep(clock, keep_days=1.0)
    kept.finished("old")
    kept.store.add_file("w", b"content")
    kept.live(0.9 * DAY, step=30.0)
    kept.finished("new")
    assert kept.left() == ({"old", "new"}, 1)
    kept.live(0.2 * DAY, step=30.0)
    assert kept.left() == ({"new"}, 0)


def test_it_counts_over_a_restart_and_so_do_two_hours_without_a_server(keep):
    clock = MovedClock()
    kept = keep(clock, keep_days=10.0)
    kept.finished("old")
    kept.live(120)
    before = kept.store.life().lived_s
    assert 60 <= before <= 120
    clock.both_by += DAY / 2
    kept = keep(clock, keep_days=10.0)
    kept.live(60)
    assert before + 7200 <= kept.store.life().lived_s <= before + 7200 + 200


def test_nothing_is_removed_in_the_first_minutes(keep):
    clock = MovedClock()
    kept = keep(clock)
    kept.finished("old")
    kept.store.note_life(1000 * DAY)
    kept = keep(clock)
    kept.live(FIRST_PRUNING_S)
    assert kept.left()[0] == {"old"}
    kept.live(60)
    assert kept.left()[0] == set()


def test_a_process_that_was_stopped_has_not_lived_through_that_time(keep):
    clock = MovedClock()
    kept = keep(clock)
    kept.finished("r")
    for _ in range(20):
        kept.live(FIRST_PRUNING_S + 100)
        clock.both_by += 100 * DAY  # stopped, or asleep
    assert kept.left()[0] == {"r"}


# Runs


def test_a_nap_longer_than_the_time_after_which_somebody_is_gone_stops_nothing(tmp_path):
    clock = MovedClock()
    server = Server(tmp_path, MemoryBackend, clock, workers=1, gone_seconds=60.0, max_run_seconds=60.0)
    running, queued, paused = server.submit(slow(LONG), slow(LONG), slow(LONG)).runs
    server.wait_step(running)
    server.scheduler.pause(paused)
    clock.both_by += 3600
    at = server.run(running).step
    server.wait_step(running, at + 50)
    assert [server.run(run_id).status for run_id in (running, queued, paused)] == ["running", "queued", "paused"]
    clock.wall_by += 3600  # where the machine's clock stands still while it sleeps
    server.wait_step(running, server.run(running).step + 50)
    assert [server.run(run_id).status for run_id in (running, queued, paused)] == ["running", "queued", "paused"]
    server.close()


def test_any_sign_of_life_counts_by_run_by_group_and_by_workspace(tmp_path):
    server = Server(tmp_path, MemoryBackend, workers=1)
    groups = [server.submit(config(LONG), workspace=name) for name in "abc"]
    seen = server.scheduler._lifecycle.seen
    for name in "abc":
        seen[name] = 0.0
    server.scheduler.seen(groups[0].runs[0])
    server.scheduler.seen("unknown", groups[1].id)
    server.scheduler.seen(workspace="c")
    server.scheduler.seen("unknown", workspace="nobody's")
    assert all(seen[name] > 0.0 for name in "abc")
    assert set(seen) == set("abc")
    server.close()
