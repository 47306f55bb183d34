"""`rnncore.study` and its command: runs as they are alone, whatever the number of workers; results; interruptions."""

import json
import math
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from rnncore import TrainConfig, study, train
from rnncore.errors import ConfigError
from rnncore.runs.store.lock import FolderLock
from rnncore.runs.study_call import StudyResult
from rnncore.studies.config import read_study

BASE = {"data": {"kind": "task", "seq_len": 8}, "model": {"hidden_size": 4}, "steps": 12, "eval_every": 5}
DIVERGES = {"optimizer": {"name": "sgd", "learning_rate": 100}, "model": {"nonlinearity": "relu"}, "steps": 60}
AXIS = {"field": "", "name": "what", "labels": ["rnn", "lstm", "diverges"],
        "values": [{}, {"model": {"cell": "lstm"}}, DIVERGES]}  # fmt: skip
MORE = {"base": BASE, "axes": [AXIS], "seeds": [3, 1, 0, 7], "success": {"below": 1e9, "when": "any"}}
BODY = {"base": BASE, "axes": [AXIS], "seeds": [3, 1], "success": {"below": 1e9, "when": "any"}}


def command(*arguments, body=None, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "rnncore", "study", *map(str, arguments)],
        input=None if body is None else json.dumps(body), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def each_alone():
    return [list(train(config)) for config in read_study(MORE).configs()]


@pytest.fixture(scope="module")
def known():
    return []


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_each_run_of_a_study_is_what_its_config_gives_alone(workers, each_alone, known):
    """With one or two workers several of the 12 runs train in one job, with four each in a job of its own."""
    result = study(MORE, workers=workers)
    assert isinstance(result, StudyResult)
    assert sorted(result.runs) == list(range(len(each_alone))) == list(range(12))
    for number, alone in enumerate(each_alone):
        kept = result.runs[number]
        diverged = alone[-1].diverged is not None
        assert kept["final_val_loss"] == alone[-1].val_loss
        assert kept["final_train_loss"] == (None if diverged else alone[-1].train_loss)
        assert kept["max_grad_norm"] == max(each.grad_norm for each in alone if math.isfinite(each.grad_norm))
        assert kept["best_val_loss"] == min(each.val_loss for each in alone if each.val_loss is not None)
        assert kept["steps"] == len(alone)
    assert len({run["best_val_loss"] for run in result.runs.values()}) == 12
    known.append({number: run | {"seconds": 0} for number, run in result.runs.items()})
    assert known[-1] == known[0], "all that is kept, profiles too, for any number of workers"
    last = result.cells[-1]
    assert (last.runs, last.diverged, last.successes) == (4, 4, 0)
    assert (last.medians["final_val_loss"], last.left_out["final_val_loss"]) == (None, 4)


def test_the_command_prints_a_table_and_one_json_line_and_writes_parquet(tmp_path):
    out = tmp_path / "results"
    done = command("-", "--out", out, "--workers", 2, body=BODY)
    *table, line = done.stdout.splitlines()
    assert table[0].split()[:2] == ["what", "runs"]
    cells = json.loads(line)["cells"]
    assert [cell["values"]["what"] for cell in cells] == ["rnn", "lstm", "diverges"]
    assert [(cell["runs"], cell["successes"]) for cell in cells] == [(2, 2), (2, 2), (2, 0)]
    runs = pq.read_table(out / "runs.parquet").to_pylist()
    assert [(run["what"], run["seed"]) for run in runs][1:4] == [("rnn", 1), ("lstm", 3), ("lstm", 1)]
    assert pq.read_table(out / "cells.parquet")["median_final_val_loss"].to_pylist() == [
        cell["median_final_val_loss"] for cell in cells
    ]
    assert read_study(json.loads((out / "study.json").read_text())) == read_study(BODY)
    again = command("-", "--out", out, body=BODY)
    assert again.stdout.splitlines()[-1] == line
    other = command("-", "--out", out, body=BODY | {"seeds": 1}, check=False)
    assert (other.returncode, "holds another study; name another one" in other.stderr) == (2, True)


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path):
    body = {"base": BASE | {"steps": 1500}, "seeds": 8}
    (tmp_path / "study.json").write_text(json.dumps(body))
    arguments = ["study", str(tmp_path / "study.json"), "--out", str(tmp_path / "out"), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rnncore", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    store = tmp_path / "out" / "work" / "runs.sqlite"
    deadline = time.monotonic() + 120
    while not (store.exists() and _over(store) >= 1):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "are kept in" in said
    kept = _over(store)
    assert 1 <= kept < 8
    done = command(*arguments[1:])
    (cell,) = json.loads(done.stdout.splitlines()[-1])["cells"]
    assert (cell["runs"], cell["failed"], cell["successes"]) == (8, 0, None)
    assert not any("failed" in line for line in done.stderr.splitlines())


def _over(path):
    from rnncore.runs.store.store import Store

    store = Store(path)
    try:
        found = store.studies_of("command")
        return found[0].over if found else 0
    finally:
        store.close()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"axes": [{"field": "model.cel", "values": ["rnn"]}]}, "model.cel: there is no such field"),
        ({"base": {"truncation": 40}, "axes": [{"field": "data.seq_len", "values": [50, 30]}]}, "seq_len 30: trunc"),
        ({"seeds": [0, 0]}, "seeds: 0 stands there twice"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_before_anything_starts(tmp_path, body, sentence):
    done = command("-", "--out", tmp_path / "out", body=body, check=False)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_large_study_says_how_many_runs_and_how_long_it_takes(tmp_path, monkeypatch, capsys):
    from rnncore.runs import study_command

    started = []
    monkeypatch.setattr(study_command, "_agreed", lambda: started.append("asked") or False)
    file = tmp_path / "s.json"
    file.write_text(json.dumps({"base": BASE, "seeds": 51}))
    from rnncore.__main__ import main

    assert main(["study", str(file), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "51 runs in 1 cell, about" in said
    assert "nothing was started" in said
    assert started == ["asked"]
    assert not (tmp_path / "out").exists()


def test_a_study_on_a_file_of_this_machine(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text("day,sales\n" + "".join(f"{day},{day % 7}\n" for day in range(120)))
    base = {"data": {"kind": "upload", "files": [{"file": str(file)}], "window": 5}, "steps": 6}
    result = study({"base": base, "seeds": 2}, workers=1)
    alone = list(train(TrainConfig.model_validate(base)))
    assert result.runs[0]["final_val_loss"] == alone[-1].val_loss
    with pytest.raises(ConfigError, match="base: steps: 0 is not allowed"):
        study({"base": {"steps": 0}})


def test_seeds_that_train_together_give_the_same_but_for_rounding():
    together = study({"base": BASE, "seeds": 4, "batched": True}, workers=1)
    assert len(together.runs) == 4
    for number, config in enumerate(together.config.configs()):
        alone = list(train(config))
        assert together.runs[number]["final_val_loss"] == pytest.approx(alone[-1].val_loss, rel=1e-3)
        assert together.runs[number]["steps"] == 12


def test_a_folder_into_which_another_study_trains_is_refused_in_a_sentence_about_the_folder(tmp_path):
    lock = FolderLock(tmp_path / "mine" / "work")
    with pytest.raises(ConfigError, match=r"^--out: another study is training into the folder '.*mine'; name another"):
        study({"base": {"steps": 2}}, tmp_path / "mine")
    lock.release()
