"""Studies in the scheduler: fed into the queue, kept as summaries, continued after anything, pruned as one."""

import json
import sqlite3

import pytest

from rnncore.data.dataset import DataError
from rnncore.runs import study_feeder
from rnncore.runs.limits import LimitError
from rnncore.runs.store.pruning import prune
from rnncore.runs.store.store import Store
from rnncore.runs.studies import StudyError, UnknownStudy
from rnncore.runs.worker import job
from rnncore.studies.config import read_study
from tests.support.fake_worker import DIVERGES, NO_MEMORY, RAISES
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, quick_settings


def study(steps=5, milliseconds=0, seeds=3, cells=2, **more):
    values = [milliseconds + 1 + place for place in range(cells)]
    return read_study(
        {"base": {"steps": steps}, "axes": [{"field": "batch_size", "values": values}], "seeds": seeds, **more}
    )


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.close()


def wait_over(server, study_id, *statuses):
    server.wait(lambda: server.scheduler.studies.status(study_id).study.status in (statuses or ("finished",)), 20)


def summaries(server, study_id):
    key = server.store.study(study_id).key
    return dict(server.store.study_summaries(key)[0])


def test_every_run_of_a_study_is_trained_and_only_its_summary_stays(server):
    study_id = server.scheduler.studies.submit("w", study(success={"metric": "train_loss", "below": 1e9}), "mine")
    wait_over(server, study_id)
    found = summaries(server, study_id)
    assert sorted(found) == list(range(6))
    assert {each["status"] for each in found.values()} == {"finished"}
    assert all(each["success"] is True and each["steps"] == 5 for each in found.values())
    assert server.store.runs() == []
    status = server.scheduler.studies.status(study_id)
    assert (status.study.name, status.study.over, status.study.planned) == ("mine", 6, 6)
    thinned = server.store.study_thinned(server.store.study(study_id).key, 0, 2)
    assert sorted(thinned) == [0, 1, 2]
    assert set(thinned[0]) == {"curve", "profile"}


def test_each_seed_of_a_cell_is_another_run(server):
    study_id = server.scheduler.studies.submit("w", study(seeds=2, cells=1))
    wait_over(server, study_id)
    found = summaries(server, study_id)
    assert found[0]["final_train_loss"] != found[1]["final_train_loss"]


def test_a_study_goes_on_when_its_server_was_stopped_in_the_middle(tmp_path):
    server = Server(tmp_path)
    study_id = server.scheduler.studies.submit("w", study(steps=60, milliseconds=4, seeds=4))
    server.wait(lambda: server.scheduler.studies.status(study_id).study.over >= 2)
    server.close()
    before = server.settings
    server = Server(tmp_path)
    assert server.settings.data_dir == before.data_dir
    kept = {number: each["seconds"] for number, each in summaries(server, study_id).items()}
    assert len(kept) >= 2
    wait_over(server, study_id)
    found = summaries(server, study_id)
    assert len(found) == 8
    assert all(each["status"] == "finished" and each["steps"] == 60 for each in found.values())
    assert {number: found[number]["seconds"] for number in kept} == kept  # what was done was not done again
    server.close()


def test_a_study_can_be_stopped_and_continued_from_where_it_was(server):
    study_id = server.scheduler.studies.submit("w", study(steps=LONG, milliseconds=2))
    server.wait(lambda: sum(run.step > 5 for run in server.store.runs()) == 2)
    server.scheduler.studies.stop(study_id)
    server.wait(lambda: server.scheduler.overview().running == 0)
    left = {run.id: run.step for run in server.store.runs() if run.step}
    assert {server.store.load_checkpoint(run)[0] for run in left} == set(left.values())
    assert server.scheduler.studies.status(study_id).study.status == "stopped"
    server.scheduler.studies.resume(study_id)
    server.wait(lambda: all(server.run(run).step > step for run, step in left.items()))
    assert len(server.store.runs()) == 4  # the same runs as before, and none twice


def test_a_finished_study_is_not_continued(server):
    study_id = server.scheduler.studies.submit("w", study())
    wait_over(server, study_id)
    with pytest.raises(StudyError, match="finished"):
        server.scheduler.studies.resume(study_id)


def test_a_study_is_deleted_as_one_and_only_when_it_rests(server):
    study_id = server.scheduler.studies.submit("w", study(steps=LONG, milliseconds=2))
    server.wait(lambda: server.scheduler.overview().running == 2)
    with pytest.raises(StudyError, match="stop it before"):
        server.scheduler.studies.delete(study_id)
    server.scheduler.studies.stop(study_id)
    server.wait(lambda: server.scheduler.overview().running == 0)
    server.scheduler.studies.delete(study_id)
    assert server.store.runs() == []
    assert server.store.study(study_id) is None
    with pytest.raises(UnknownStudy):
        server.scheduler.studies.stop(study_id)


def test_a_single_start_does_not_wait_for_a_study_that_has_all_places(server):
    server.scheduler.studies.submit("somebody", study(steps=LONG, milliseconds=2))
    server.wait(lambda: server.scheduler.overview().running == 2)
    group = server.submit(study().configs()[0], workspace="another")
    assert server.wait_status(group.runs[0], "finished").step == 5
    server.wait(lambda: server.scheduler.overview().running == 2)  # the run that made room goes on
    assert {run.status for run in server.store.runs(("running",))} == {"running"}


def test_a_study_counts_as_one_start_and_has_its_own_limit(tmp_path):
    server = Server(tmp_path, max_active_per_workspace=2, max_study_runs=6, max_queued=3)
    studies = server.scheduler.studies
    with pytest.raises(LimitError, match=r"The study has 8 runs, above this server's limit of 6; choose fewer"):
        studies.submit("w", study(seeds=4))
    studies.submit("w", study(steps=LONG, milliseconds=2))
    server.wait(lambda: server.scheduler.overview().running == 2)
    server.submit(study(steps=LONG, milliseconds=2).configs()[0])
    with pytest.raises(LimitError, match="You have 2 unfinished"):
        studies.submit("w", study())
    server.close()


@pytest.mark.parametrize("limit", ["max_steps", "max_parameters"])
def test_a_study_obeys_the_limits_of_a_single_run(tmp_path, limit):
    server = Server(tmp_path, **{limit: 3})
    with pytest.raises(LimitError):
        server.scheduler.studies.submit("w", study())
    server.close()


def test_a_worker_that_dies_costs_a_study_nothing(server):
    study_id = server.scheduler.studies.submit("w", study(steps=100, milliseconds=4, seeds=2))
    server.wait(lambda: server.scheduler.overview().running == 2)
    server.workers()[0].kill()
    wait_over(server, study_id)
    found = summaries(server, study_id)
    assert [found[number]["status"] for number in range(4)] == ["finished"] * 4
    assert {each["steps"] for each in found.values()} == {100}


def test_a_file_must_be_the_workspaces_own(server):
    body = {"base": {"data": {"kind": "upload", "files": [{"file": "sha256:" + "0" * 64}]}}}
    with pytest.raises(DataError, match="was not uploaded in this workspace"):
        server.scheduler.studies.submit("w", read_study(body))


def test_a_study_keeps_the_files_that_it_trains_on(server):
    file = server.scheduler.add_file("w", b"a,b\n1,2\n", "t.csv")
    base = {"data": {"kind": "upload", "files": [{"file": file}]}, "steps": LONG, "batch_size": 3}
    study_id = server.scheduler.studies.submit("w", read_study({"base": base, "seeds": 3}))
    server.wait(lambda: server.scheduler.overview().running == 2)
    server.scheduler.delete_file("w", file)
    server.store.drop_unused_files(0.0, by_calendar=True)
    assert server.store.file(server.store.study(study_id).runs_in, file) == b"a,b\n1,2\n"
    server.scheduler.studies.stop(study_id)
    server.wait(lambda: server.scheduler.overview().running == 0)
    server.scheduler.studies.delete(study_id)
    assert server.store.file(f"study:{study_id}", file) is None


def test_studies_are_pruned_by_age_each_as_one(server, tmp_path):
    old = server.scheduler.studies.submit("w", study())
    wait_over(server, old)
    going = server.scheduler.studies.submit("w", study(steps=LONG, milliseconds=2))
    server.wait(lambda: server.scheduler.overview().running == 2)
    settings = quick_settings(tmp_path, keep_days=0.0)
    assert prune(server.store, settings).runs == 1
    assert server.store.study(old) is None
    assert server.store.study(going) is not None
    with server.store.read() as db:
        assert db.execute("SELECT COUNT(*) FROM study_runs").fetchone()[0] == 0


def test_a_store_that_is_too_large_loses_whole_studies(server, tmp_path):
    studies = [server.scheduler.studies.submit("w", study()) for _ in range(2)]
    for each in studies:
        wait_over(server, each)
    prune(server.store, quick_settings(tmp_path, max_store_mb=0))
    assert [server.store.study(each) for each in studies] == [None, None]


def test_a_study_that_the_store_has_damaged_is_stopped_and_others_go_on(tmp_path):
    server = Server(tmp_path)
    broken = server.scheduler.studies.submit("w", study(steps=LONG, milliseconds=2))
    server.close()
    store = Store(quick_settings(tmp_path).store_path)
    with store.write() as db:
        db.execute("UPDATE studies SET config = '{'")
    store.close()
    server = Server(tmp_path)
    other = server.scheduler.studies.submit("w", study())
    wait_over(server, other)
    status = server.scheduler.studies.status(broken)
    assert (status.study.status, "log says why" in status.study.reason) == ("stopped", True)
    server.close()


def test_what_is_told_of_a_study_names_no_workspace(server):
    study_id = server.scheduler.studies.submit("w" * 22, study())
    told = json.dumps(server.scheduler.studies.status(study_id).to_json())
    assert "w" * 22 not in told


def test_seeds_train_together_where_that_is_asked_for_and_alone_where_they_do_not_fit(server):
    together = study(seeds=5, cells=2, success={"metric": "train_loss", "below": 1e9}, batched=True)
    alone = together.model_copy(update={"batched": False})
    found = []
    for each in (together, alone):
        study_id = server.scheduler.studies.submit("w", each)
        wait_over(server, study_id)
        found.append(summaries(server, study_id))
    assert sorted(found[0]) == list(range(10))
    for number, run in found[0].items():
        assert run | {"seconds": 0} == found[1][number] | {"seconds": 0}


def test_runs_that_differ_in_numbers_alone_train_together_and_other_networks_apart(server, monkeypatch):
    axes = [
        {"field": "model.cell", "values": ["rnn", "gru"]},
        {"field": "optimizer.learning_rate", "values": [0.1, 0.2, 0.3]},
        {"field": "clip", "values": [{"method": "off"}, {"method": "norm"}], "labels": ["off", "on"]},
    ]
    asked = read_study({"base": {"steps": 9}, "axes": axes, "seeds": 2, "batched": True})
    begun: list[tuple[int, ...]] = []
    begin = server.scheduler.studies.feeder._begin
    monkeypatch.setattr(
        server.scheduler.studies.feeder, "_begin", lambda study, taken: (begun.extend(taken), begin(study, taken))
    )
    study_id = server.scheduler.studies.submit("w", asked)
    wait_over(server, study_id)
    assert sorted(number for numbers in begun for number in numbers) == list(range(24))
    assert all(len({number // 12 for number in numbers}) == 1 for numbers in begun)  # 12 runs of each cell
    assert max(map(len, begun)) == 8
    found = summaries(server, study_id)
    alone = server.scheduler.studies.submit("w", asked.model_copy(update={"batched": False}))
    wait_over(server, alone)
    for number, run in summaries(server, alone).items():
        assert run | {"seconds": 0} == found[number] | {"seconds": 0}


def test_a_batch_that_was_interrupted_begins_anew(tmp_path):
    server = Server(tmp_path)
    study_id = server.scheduler.studies.submit("w", study(steps=300, milliseconds=4, seeds=4, cells=1, batched=True))
    server.wait(lambda: server.scheduler.overview().running == 2)
    assert sorted(run.label for run in server.store.runs()) == ["0,1", "2,3"]
    server.close()
    server = Server(tmp_path)
    wait_over(server, study_id)
    assert {number: run["steps"] for number, run in summaries(server, study_id).items()} == dict.fromkeys(range(4), 300)
    server.close()


def test_a_batch_in_which_one_run_fails_is_trained_one_by_one(server):
    mischief = read_study({"base": {"steps": 9}, "seeds": [1, NO_MEMORY, 2], "batched": True})
    study_id = server.scheduler.studies.submit("w", mischief)
    wait_over(server, study_id)
    found = summaries(server, study_id)
    assert [found[number]["status"] for number in range(3)] == ["finished", "killed", "finished"]


def test_a_study_that_cannot_be_kept_stops_and_neither_others_nor_single_runs_wait_for_it(server, monkeypatch):
    fault = sqlite3.DatabaseError("database disk image is malformed")
    fault.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    keep, broken = server.store.settle_study_run, []

    def settle(key, *rest):
        broken.append(key)
        if key == broken[0]:
            raise fault
        keep(key, *rest)

    monkeypatch.setattr(server.store, "settle_study_run", settle)
    first = server.scheduler.studies.submit("w", study())
    wait_over(server, first, "stopped")
    assert "log says why" in server.store.study(first).reason
    second = server.scheduler.studies.submit("w", study())
    wait_over(server, second)
    group = server.submit(study().configs()[0])
    assert server.wait_status(group.runs[0], "finished").step == 5


def test_short_runs_train_in_turn_in_one_job_and_give_what_they_give_in_jobs_of_their_own(server, monkeypatch):
    asked = read_study(
        {
            "base": {"steps": 9},
            "axes": [{"field": "optimizer.learning_rate", "values": [0.1, 0.2, 0.3]}],
            "seeds": [1, 2, 3, DIVERGES, RAISES, 6, 7, 8],
            "success": {"metric": "train_loss", "below": 1e9},
        }
    )
    begun: list[tuple[int, ...]] = []
    feeder = server.scheduler.studies.feeder
    begin = feeder._begin
    monkeypatch.setattr(feeder, "_begin", lambda study, taken: (begun.extend(taken), begin(study, taken)))
    found = []
    for in_turn in (study_feeder.IN_TURN, 1):
        monkeypatch.setattr(study_feeder, "IN_TURN", in_turn)
        begun.clear()
        study_id = server.scheduler.studies.submit("w", asked)
        wait_over(server, study_id)
        found.append({number: run | {"seconds": 0} for number, run in summaries(server, study_id).items()})
        assert (max(map(len, begun)) > 2) is (in_turn > 1)
    assert {run["status"] for run in found[0].values()} == {"finished", "diverged", "failed"}
    assert found[0] == found[1]
    assert server.store.runs() == []


def test_long_runs_have_jobs_of_their_own_so_that_they_can_make_room(server):
    study_id = server.scheduler.studies.submit("w", study(steps=LONG, milliseconds=2, seeds=20))
    server.wait(lambda: server.scheduler.overview().running == 2)
    assert all("," not in run.label for run in server.store.runs())
    server.scheduler.studies.stop(study_id)
    server.wait(lambda: server.scheduler.overview().running == 0)


def test_runs_in_turn_that_take_longer_than_expected_leave_the_others_to_further_jobs(tmp_path, monkeypatch):
    """Somebody may wait for their place."""
    monkeypatch.setattr(job, "IN_TURN_SECONDS", -1.0)  # one run is all that a job has time for
    server = Server(tmp_path, MemoryBackend)
    begun: list[tuple[int, ...]] = []
    feeder = server.scheduler.studies.feeder
    begin = feeder._begin
    monkeypatch.setattr(feeder, "_begin", lambda study, taken: (begun.extend(taken), begin(study, taken)))
    study_id = server.scheduler.studies.submit("w", study(seeds=12, cells=1))
    wait_over(server, study_id)
    assert max(map(len, begun)) > 2
    assert sum(map(len, begun)) > 12
    assert {number: run["steps"] for number, run in summaries(server, study_id).items()} == dict.fromkeys(range(12), 5)
    server.close()


def test_a_batch_makes_room_for_somebody_else_and_its_runs_train_one_by_one(server):
    long = study(steps=1000, milliseconds=2, seeds=4, cells=1, batched=True)
    study_id = server.scheduler.studies.submit("w", long)
    server.wait(lambda: server.scheduler.overview().running == 2)
    assert sorted(run.label for run in server.store.runs()) == ["0,1", "2,3"]
    group = server.submit(study().configs()[0])
    assert server.wait_status(group.runs[0], "finished").step == 5
    server.wait(lambda: any("," not in run.label for run in server.store.runs() if run.workspace != "w"))
    wait_over(server, study_id)
    found = summaries(server, study_id)
    assert {number: run["steps"] for number, run in found.items()} == dict.fromkeys(range(4), 1000)
