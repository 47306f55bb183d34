"""Runs on a Ray cluster of several nodes on this machine: commands, checkpoints, files, and nodes that die.

Only where ray is installed: `.ci/ray` makes an environment for that and runs these tests in it.
"""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("ray", reason="ray is not installed here; .ci/ray makes an environment that has it")

from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    OwnerDiedError,
    RayError,
    RaySystemError,
    RayTaskError,
    WorkerCrashedError,
)

from rnncore import train
from rnncore.config import TrainConfig, UploadData, UploadedFile
from rnncore.runs.backend.protocol import Lost
from rnncore.runs.backend.ray import RayBackend, _Place
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store, file_id_of
from rnncore.runs.study_call import WORKSPACE
from tests.support.fake_worker import DIES, HANGS
from tests.support.ray_cluster import Nodes, on_cluster
from tests.support.scheduling import LONG, Server, config, slow
from tests.support.stored import records_of

pytestmark = pytest.mark.filterwarnings("default")
PATIENCE = 90.0  # seconds, for a machine with much else to do


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    nodes = Nodes(1, 2)
    yield nodes
    nodes.shutdown()


@pytest.fixture(scope="module")
def server(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests: a place takes a while to get ready."""
    settings = {"stop_grace_seconds": 0.5, "max_active_per_workspace": 50, "checkpoint_seconds": 0.05}
    server = Server(tmp_path_factory.mktemp("data"), on_cluster(nodes.address), **settings)
    yield server
    server.close()


def reaches(server: Server, run: str, step: int) -> None:
    server.wait(lambda: server.run(run).step >= step, PATIENCE)


def becomes(server: Server, run: str, status: str) -> Any:
    return server.wait_status(run, status, seconds=PATIENCE)


def test_places_are_as_many_as_the_cluster_has_room_for(server: Server) -> None:
    server.wait(lambda: server.scheduler.overview().workers_ready == 3, PATIENCE)
    assert server.scheduler.overview().workers == 3
    assert server.scheduler.problem() is None


def test_commands_reach_a_run_and_what_it_says_comes_back(server: Server) -> None:
    run = server.submit(slow(LONG, clip={"method": "norm"})).runs[0]
    reaches(server, run, 5)
    server.scheduler.pause(run)
    at = becomes(server, run, "paused").step
    server.scheduler.set_learning_rate(run, 0.5)
    server.scheduler.set_clip_threshold(run, 7.0)
    server.scheduler.step(run)
    server.wait(lambda: server.run(run).step == at + 1 and server.run(run).status == "paused", PATIENCE)
    assert sorted(server.store.events(run)) == [(at + 1, "clip_threshold", 7.0), (at + 1, "learning_rate", 0.5)]
    server.scheduler.resume(run)
    reaches(server, run, at + 5)
    server.scheduler.stop(run)
    stopped = becomes(server, run, "stopped")
    assert stopped.checkpoint_step == stopped.step
    server.scheduler.resume(run)
    reaches(server, run, stopped.step + 1)
    server.scheduler.stop(run)
    steps = becomes(server, run, "stopped").step
    assert [row[0] for row in server.records(run)] == list(range(1, steps + 1))


def test_an_upload_is_given_to_ray_once_for_all_runs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    put, given = ray.put, []
    monkeypatch.setattr(ray, "put", lambda content: given.append(content) or put(content))
    content = b"y\n" + b"1\n" * 100_000
    data = UploadData(files=(UploadedFile(file=file_id_of(content), name="y.csv"),))
    configs = [config(3, seed=seed, data=data) for seed in range(5)]
    group = server.scheduler.submit("w", configs, ["run"] * 5, [("y.csv", content)])
    for run in group.runs:
        assert becomes(server, run, "finished").info["device_reason"] == content.decode()
    assert given == [content]


def test_a_worker_that_dies_is_told_its_place_is_made_good_and_its_run_can_be_continued(server: Server) -> None:
    run = server.submit(config(seed=DIES)).runs[0]
    told = becomes(server, run, "interrupted")
    assert told.reason.startswith("The training process was killed by signal SIGKILL, after step ")
    assert server.scheduler.overview().workers_lost == 1
    server.wait(lambda: server.scheduler.overview().workers_ready == 3, PATIENCE)
    becomes(server, server.submit(config()).runs[0], "finished")


def test_a_run_that_does_not_stop_is_ended(server: Server) -> None:
    run = server.submit(config(seed=HANGS)).runs[0]
    becomes(server, run, "running")
    server.scheduler.stop(run)
    becomes(server, run, "stopped")


def test_a_run_is_the_same_to_the_last_bit_as_here(server: Server, nodes: Nodes, tmp_path: Any) -> None:
    """With torch, in a place that shares the connection and needs no CPU for itself."""

    def real(settings: Settings) -> RayBackend:
        more = {"ray_address": nodes.address, "ray_runs": 1, "ray_cpus_per_run": 0.0}
        return RayBackend(settings.model_copy(update=more))

    other = Server(tmp_path, real)
    fields: dict[str, Any] = {"model": {"cell": "lstm", "hidden_size": 8}, "data": {"kind": "task", "seq_len": 8}}
    own = TrainConfig.model_validate(fields | {"steps": 20})
    run = becomes(other, other.submit(own).runs[0], "finished")
    values = records_of(other.store, run.id)
    expected = list(train(own))
    assert list(values["train_loss"]) == [record.train_loss for record in expected]
    assert list(values["grad_norm"]) == [record.grad_norm for record in expected]
    other.close()


def test_a_study_on_the_command_line_comes_out_the_same_to_the_last_bit_as_here(nodes: Nodes, tmp_path: Path) -> None:
    asked = {
        "base": {"data": {"kind": "task", "seq_len": 8}, "model": {"hidden_size": 8}, "steps": 20, "eval_every": 5},
        "axes": [{"field": "model.cell", "values": ["rnn", "lstm"]}],
        "seeds": 3,
        "success": {"metric": "train_loss", "below": 0.3},
    }
    (tmp_path / "study.json").write_text(json.dumps(asked))
    found = []
    for name, more in (("ray", ["--ray", nodes.address]), ("here", ["--workers", "1"])):
        command = [sys.executable, "-m", "rnncore", "study", "study.json", "--out", name, *more]
        room = {"RNNLAB_RAY_RUNS": "2", "RNNLAB_RAY_CPUS_PER_RUN": "0"}  # other tests hold the cluster's CPUs
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | room, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        runs = pq.read_table(tmp_path / name / "runs.parquet").drop_columns(["seconds"])
        with closing(Store(Settings(data_dir=tmp_path / name / "work").store_path)) as store:
            (known,) = store.studies_of(WORKSPACE)
            found.append((runs.to_pylist(), store.study_thinned(known.key, 0, 5)))
    assert [len(each) for each in found[0]] == [6, 6]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ActorDiedError(), True),
        (ActorUnavailableError("it did not answer", None), True),
        (NodeDiedError("gone"), True),
        (ObjectLostError("00", None, ""), True),
        (OwnerDiedError("00", None, ""), True),
        (RaySystemError("broken"), True),
        (WorkerCrashedError(), True),
        (RayError(), True),
        (OutOfMemoryError("too much"), False),
        (RayTaskError("messages", "trace", ValueError("a fault of ours")), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_run_goes_on_elsewhere_unless_the_fault_may_be_its_own(error: RayError, again: bool, tmp_path: Any) -> None:
    """Which error tells that a node has died depends on what was under way just then."""

    class Stream:
        def options(self, **kinds: str) -> "Stream":
            return self

        def remote(self) -> Iterator[Any]:
            raise error

    backend, heard = RayBackend(Settings(data_dir=tmp_path)), []
    backend._deliver = heard.append
    place = _Place(type("Actor", (), {"messages": Stream()})(), run="r")
    backend._places.append(place)
    backend._listen(place)
    assert heard == [Lost("r", f"Its place on the cluster has gone ({type(error).__name__})", again=again)]
    assert backend.capacity().lost == 1


def test_forty_runs_lose_nothing_when_a_node_dies(
    server: Server, nodes: Nodes, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "rnncore")
    server.wait(lambda: server.scheduler.overview().workers_ready == 3, PATIENCE)
    runs = [server.submit(config(60, seed=seed, milliseconds=8)).runs[0] for seed in range(40)]
    server.wait(lambda: sum(server.run(run).status == "finished" for run in runs) >= 5, PATIENCE)
    nodes.kill(1)
    for run in runs:
        assert becomes(server, run, "finished").step == 60
    moved = [record for record in caplog.records if getattr(record, "event", "") == "run_moved"]
    assert moved, "what executed there goes on elsewhere"
    here = Server(tmp_path / "here")
    for run, seed in zip(runs, range(40), strict=True):
        same = here.wait_status(here.submit(config(60, seed=seed)).runs[0], "finished", seconds=PATIENCE)
        assert here.records(same.id) == server.records(run), seed
    here.close()
    assert server.scheduler.overview().workers == 1

    nodes.nodes.append(nodes.add(1))  # a cluster that grows is used
    server.wait(lambda: server.scheduler.overview().workers_ready == 2, PATIENCE)


def test_a_closed_server_interrupts_its_runs_and_leaves_the_cluster_to_the_next_one(
    server: Server, nodes: Nodes
) -> None:
    run = server.submit(slow(LONG)).runs[0]
    reaches(server, run, 10)
    server.scheduler.shutdown()
    at = server.run(run)
    assert (at.status, at.checkpoint_step > 0) == ("interrupted", True)
    again = Server(server.settings.data_dir, on_cluster(nodes.address, ray_runs=1))
    again.scheduler.resume(run)
    reaches(again, run, at.step + 1)
    again.close()


def test_the_example_for_ray_up_is_valid_by_ray_s_own_schema():
    import yaml
    from ray.autoscaler._private.util import prepare_config, validate_config

    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "cluster_name" in block]
    config = prepare_config(yaml.safe_load(text))
    validate_config(config)
    assert config["available_node_types"]["head"]["resources"]["CPU"] == 0


def test_in_the_example_for_kubernetes_the_server_sees_the_files_of_the_head_whose_ray_is_ours():
    import ray
    import yaml

    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "RayCluster" in block]
    spec = yaml.safe_load(text)["spec"]
    assert spec["rayVersion"] == ray.__version__
    head, server = spec["headGroupSpec"]["template"]["spec"]["containers"]
    mounts = [
        {each["name"] for each in one["volumeMounts"] if each["mountPath"] == "/tmp/ray"} for one in (head, server)
    ]
    assert mounts[0] == mounts[1] != set()
    backend = Settings.from_env({each["name"]: each["value"] for each in server["env"]})
    assert (backend.backend, backend.ray_address) == ("ray", "127.0.0.1:6379")
