"""Watched runs in the store: beside trained ones, bounded, steered by nobody, and never thought alive for long."""

import math

import numpy as np
import pytest

from rnncore.runs.folder import WENT_AWAY
from rnncore.runs.limits import LimitError
from rnncore.runs.read.insights import look
from rnncore.runs.read.series import records_since
from rnncore.runs.scheduler import ControlError, UnknownRun
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from rnncore.runs.watched import NOT_HERE, SILENT_S, OverError, UnknownWatched, WatchedRuns
from rnncore.runs.watched_forms import WatchedRecord
from tests.support.clocks import MovedClock
from tests.support.scheduling import Server
from tests.support.stored import new_run, records_of
from tests.support.watching import MODULES, model, records


@pytest.fixture
def runs(tmp_path):
    settings = Settings(data_dir=tmp_path, max_steps=50, max_profile_rows=10)
    store = Store(settings.store_path, MovedClock())
    yield WatchedRuns(store, settings)
    store.close()


def test_a_model_is_a_group_of_runs_one_for_each_module(runs):
    begun = runs.begin("w", model(modules=MODULES))
    stored = runs.store.group(begun.group)
    assert [run.label for run in stored] == ["tagger: encoder", "tagger: decoder"] == list(begun.labels)
    assert [(run.status, run.steps, run.step) for run in stored] == [("running", 0, 0)] * 2
    assert stored[0].config == {
        "watched": {"name": "tagger", "module": "encoder", "reverse": False},
        "model": {"cell": "lstm", "hidden_size": 8, "num_layers": 2},
    }
    assert [run.label for run in runs.store.runs_of("w")] == list(begun.labels)


def test_what_is_not_known_is_absent(runs):
    (run,) = runs.begin("w", model()).runs
    runs.add(run, records(grad_norm=math.nan, clip_coef=math.nan))
    stored, found = runs.store.run(run), records_of(runs.store, run)
    assert (stored.step, stored.last["train_loss"], stored.last["grad_norm"]) == (20, 1 / 20, None)
    assert np.isnan(found["val_loss"]).all()
    assert np.isnan(found["clip_coef"]).all()
    assert stored.info is None
    answer = records_since(runs.store, run)
    assert answer["profiles"]["layers"] == 2
    assert (answer["steps"], answer["val"]["count"]) == (0, 0)
    found = look(runs.store, run)
    assert "diverged" not in {finding["kind"] for finding in found["findings"]}
    assert found["clipped"] is None


def test_no_rule_speaks_of_the_gradient_of_a_reverse_direction(runs):
    both = [MODULES[0], MODULES[0] | {"reverse": True}]
    forward, reverse = runs.begin("w", model(modules=both)).runs
    for run in (forward, reverse):
        runs.add(run, records(timesteps=30))
    assert "vanishing" in {finding["kind"] for finding in look(runs.store, forward)["findings"]}
    assert not look(runs.store, reverse)["findings"]


def test_steps_that_are_stored_are_skipped_and_profiles_are_thinned(runs):
    (run,) = runs.begin("w", model()).runs
    runs.add(run, records(1, 20))
    runs.add(run, records(15, 30))
    assert records_of(runs.store, run)["step"].tolist() == list(range(1, 31))
    assert records_since(runs.store, run)["profiles"]["count"] <= 10


def test_a_run_keeps_as_many_records_as_the_server_allows(runs):
    (run,) = runs.begin("w", model()).runs
    runs.add(run, records(1, 40))
    with pytest.raises(OverError, match="50 records"):
        runs.add(run, records(41, 60))
    stored = runs.store.run(run)
    assert (stored.status, stored.step) == ("stopped", 40)
    assert "its program may go on" in stored.reason
    with pytest.raises(OverError, match="over"):
        runs.add(run, records(61, 62))


def test_a_workspace_may_watch_as_many_models_as_it_may_start(runs):
    for _ in range(runs.settings.max_active_per_workspace):
        runs.begin("w", model())
    with pytest.raises(LimitError, match="models of yours are being watched"):
        runs.begin("w", model())
    runs.begin("other", model())


def test_a_program_that_falls_silent_leaves_an_interrupted_run_that_goes_on_when_it_is_back(runs):
    (run,) = runs.begin("w", model()).runs
    runs.add(run, records(1, 3))
    runs.look()
    runs.store.clock.both_by += SILENT_S - 5
    runs.look()
    assert runs.store.run(run).status == "running"
    runs.beat(run)
    runs.look()
    runs.store.clock.both_by += SILENT_S - 5
    runs.look()
    assert runs.store.run(run).status == "running"
    runs.store.clock.both_by += 10
    runs.look()
    stored = runs.store.run(run)
    assert (stored.status, stored.step) == ("interrupted", 3)
    assert stored.reason == "Nothing was heard of the program that trains this model for 60 seconds, after step 3."
    runs.add(run, records(4, 5))
    stored = runs.store.run(run)
    assert (stored.status, stored.reason, stored.ended_at, stored.step) == ("running", "", None, 5)
    runs.end(run, "finished", "")
    runs.beat(run)
    assert runs.store.run(run).status == "finished"


def test_two_processes_share_a_store(runs, tmp_path):
    other = Store(runs.settings.store_path)
    (run,) = runs.begin("w", model()).runs
    (second,) = WatchedRuns(other, runs.settings).begin("w", model("second")).runs
    runs.add(run, records(1, 3))
    WatchedRuns(other, runs.settings).add(second, records(1, 4))
    assert [each.step for each in runs.store.runs_of("w")] == [3, 4]
    other.close()


def test_no_other_run_is_taken_for_a_watched_one(runs):
    runs.store.create_runs([new_run("r" * 22)])
    for call in (lambda: runs.beat("r" * 22), lambda: runs.add("r" * 22, records(1, 2)), lambda: runs.beat("nothing")):
        with pytest.raises(UnknownWatched):
            call()


def test_what_travels_as_json_comes_back_as_it_was():
    (record,) = records(7, 7, clip_coef=math.nan, update_norm=math.inf)
    back = WatchedRecord.model_validate_json(WatchedRecord.of(record).model_dump_json()).record()
    assert np.array_equal(back.hidden_grad_norm, record.hidden_grad_norm)
    assert (back.step, back.train_loss, back.elapsed_s, back.grad_norm) == (7, 1 / 7, 0.7, 2.0)
    assert math.isnan(back.clip_coef)
    assert back.update_norm == math.inf


@pytest.mark.parametrize("loss", [math.inf, math.nan, "Infinity", "NaN"])
def test_what_is_not_finite_is_told_apart_from_what_is_not_known(runs, loss):
    (run,) = runs.begin("w", model()).runs
    runs.add(run, [*records(1, 9), WatchedRecord(step=10, elapsed_s=2.0, loss=loss, grad_norm=1.0).record()])
    (finding,) = (each for each in look(runs.store, run)["findings"] if each["kind"] == "diverged")
    assert "step 10" in finding["sentence"]


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.close()


def test_a_server_leaves_watched_runs_alone_and_none_of_its_commands_reaches_them(server, tmp_path):
    watched = server.scheduler.watched
    begun = watched.begin("w", model())
    (run,) = begun.runs
    watched.add(run, records(1, 2))
    commands = ("stop", "pause", "step", "resume")
    for target in (run, begun.group):
        for name in commands:
            with pytest.raises(ControlError) as refused:
                getattr(server.scheduler, name)(target)
            assert str(refused.value) == NOT_HERE
        with pytest.raises(ControlError):
            server.scheduler.set_learning_rate(target, 0.1)
    with pytest.raises(ControlError, match="once that has ended"):
        server.scheduler.delete(run)
    server.scheduler.set_note("w", run, "mine")
    assert not server.scheduler.status(run).resumable
    server.close()
    again = Server(tmp_path)
    assert (again.run(run).status, again.run(run).note) == ("running", "mine")
    assert again.run(run).reason != WENT_AWAY
    again.scheduler.watched.end(run, "failed", "It ended with an error.")
    assert again.store.interrupted("w") == {}
    again.scheduler.delete(run)
    with pytest.raises(UnknownRun):
        again.scheduler.delete(run)
    again.close()
