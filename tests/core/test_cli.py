"""The command line: what it prints, writes and returns."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from rnncore import TrainConfig, train
from rnncore.__main__ import main
from rnncore.data import TASKS
from rnncore.engine.verify import Check
from rnncore.records import SCALARS

CONFIG: dict[str, Any] = {
    "data": {"kind": "task", "task": "adding", "seq_len": 5},
    "model": {"hidden_size": 3},
    "steps": 7,
    "batch_size": 2,
    "eval_every": 3,
}


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in capsys.readouterr().out.splitlines()]


def run(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rnncore", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


def test_train_prints_one_json_object_per_record(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(config_file)]) == 0
    lines = printed(capsys)
    expected = [record.to_json() for record in train(TrainConfig.model_validate(CONFIG))]
    assert len(lines) == 7
    for line, record in zip(lines, expected, strict=True):
        assert set(line) == set(record) >= set(SCALARS)
        assert {**line, "elapsed_s": 0} == {**record, "elapsed_s": 0}
    assert np.shape(lines[0]["hidden_grad_norm"]) == (1, 5)


def test_every_thins_but_keeps_the_first_and_the_last(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(config_file), "--every", "3"]) == 0
    assert [line["step"] for line in printed(capsys)] == [1, 3, 6, 7]


def test_out_writes_config_records_and_weights(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "run"
    assert main(["train", str(config_file), "--out", str(out), "--every", "100"]) == 0
    assert [line["step"] for line in printed(capsys)] == [1, 7]
    assert TrainConfig.model_validate_json((out / "config.json").read_text()) == TrainConfig.model_validate(CONFIG)
    records = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(1, 8))
    assert json.loads((out / "info.json").read_text())["parameter_count"] == 3 * (2 + 3 + 2) + 4
    weights = load_file(out / "weights.safetensors")
    assert weights["recurrent.weight_hh_l0"].shape == (3, 3)
    assert weights["readout.bias"].shape == (1,)


def test_a_folder_that_holds_a_run_is_not_overwritten(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(config_file), "--out", str(tmp_path / "run")]
    assert main(arguments) == 0
    before = (tmp_path / "run" / "records.jsonl").read_bytes()
    assert main(arguments) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert (tmp_path / "run" / "records.jsonl").read_bytes() == before


def test_a_diverging_run_exits_with_3_and_strict_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = CONFIG | {
        "model": {"hidden_size": 8, "nonlinearity": "relu"},
        "optimizer": {"name": "sgd", "learning_rate": 100},
        "steps": 300,
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert main(["train", str(path), "--every", "1000", "--out", str(tmp_path / "run")]) == 3
    captured = capsys.readouterr()
    last = json.loads(captured.out.splitlines()[-1])
    assert last["diverged"].startswith("the ")
    assert captured.err == f"rnncore: diverged: {last['diverged']}\n"
    for name, value in load_file(tmp_path / "run" / "weights.safetensors").items():
        assert np.isfinite(value).all(), name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"steps": 0}', "steps: 0 is not allowed; allowed: 1 to 1,000,000"),
        ('{"model": {"cell": "cnn"}}', "model.cell: 'cnn' is not allowed; allowed: one of 'rnn', 'lstm', 'gru'"),
        ('{"stepz": 5}', "stepz: there is no such field"),
        ('{"steps": 5', "is not JSON: Expecting ',' delimiter at line 1, column 12"),
        ('{"steps": NaN}', "steps: nan is not allowed"),
        ("[1, 2]", "config: [1, 2] is not allowed"),
        ("", "is not JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"loss": "cross_entropy"}', "loss: 'cross_entropy' is not allowed with the data"),
        ('{"truncation": 500}', "truncation: 500 is not allowed with sequences of"),
        ('{"data": {"kind": "csv", "file": "/nowhere.csv", "target": "y"}}', "'/nowhere.csv' cannot be read"),
        ('{"omega": 1, "model": {"cell": "gru"}}', "omega 1.0 is defined for the cell 'rnn' only"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    assert main(["train", str(path)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("rnncore: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_unreadable_config_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    binary = tmp_path / "picture.json"
    binary.write_bytes(b"\x89PNG\xff\xfe\x00")
    for path, message in ((tmp_path / "none.json", "cannot be read"), (tmp_path, "cannot be read"), (binary, "UTF-8")):
        assert main(["train", str(path)]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["fly"], ["train", "x", "--every", "0"], ["verify", "--cases", "a"]]
)
def test_misuse_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_tasks_lists_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == list(TASKS)


@pytest.mark.parametrize(("error", "status"), [(3e-15, 0), (1e-3, 1), (math.nan, 1)])
def test_verify_prints_the_worst_error_and_fails_on_it(
    error: float, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[int, int]] = []

    def few(cases: int, seed: int) -> Iterator[Check]:
        asked.append((cases, seed))
        yield Check("rnn", 1e-16, 1e-10)
        yield Check("lstm", error, 1e-10)
        yield Check("gru", 1e-16, 1e-10)

    monkeypatch.setattr("rnncore.engine.verify.verify", few)
    assert main(["verify", "--cases", "3", "--seed", "7"]) == status
    assert asked == [(3, 7)]
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"worst relative error {error:.1e} where 1e-10 is allowed"
    assert out.count("FAIL") == status


def test_verify_finds_the_gradients_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--cases", "8"]) == 0
    assert capsys.readouterr().out.count("ok ") == 8


def test_as_a_program_it_reads_standard_input() -> None:
    done = run("train", "-", "--every", "7", text=json.dumps(CONFIG))
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["step"] for line in done.stdout.splitlines()] == [1, 7]


def long_run(tmp_path: Path) -> subprocess.Popen[str]:
    path = tmp_path / "long.json"
    path.write_text(json.dumps(CONFIG | {"steps": 1_000_000}))
    command = [sys.executable, "-m", "rnncore", "train", str(path), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["step"] == 1
    return process


def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path: Path) -> None:
    with long_run(tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to another process there")
def test_ctrl_c_ends_the_run_quietly_and_keeps_what_is_done(tmp_path: Path) -> None:
    with long_run(tmp_path) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (130, "")
    lines = (tmp_path / "run" / "records.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, len(lines) + 1))
    assert load_file(tmp_path / "run" / "weights.safetensors")


def test_help_and_bad_configs_need_no_torch() -> None:
    code = (
        "import sys, rnncore.__main__ as program; status = program.main(['train', '/none.json']);"
        "sys.exit(status + 10 * ('torch' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_one_line(config_file: Path) -> None:
    command = [sys.executable, "-m", "rnncore", "train", str(config_file)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "rnncore: output cannot be written: No space left on device"


def test_a_plugin_that_cannot_be_imported_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNLAB_PLUGINS", "nobody_has_this")
    assert main(["tasks"]) == 2
    assert capsys.readouterr().err == (
        "rnncore: RNNLAB_PLUGINS: the module 'nobody_has_this' cannot be imported: No module named 'nobody_has_this'\n"
    )
