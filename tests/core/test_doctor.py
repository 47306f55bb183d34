"""The doctor tried on whole runs: what is wrong must be found first, and a healthy run must not be accused.

All of them over three seeds are `make test-doctor`, in minutes; a few are part of every test.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import rnncore
from rnncore.changes import changed
from rnncore.config import TrainConfig
from rnncore.diagnosis.finding import FINDINGS
from tests.support.doctor_cases import LEARNING, SEEDS, Case
from tests.support.doctor_runs import HEALTHY, SICK

REQUIRED = 0.9  # share of sick runs whose first finding must be right
QUICK = ("ten updates", "IRNN thrown out", "unscaled targets, ReLU 32", "Adam at 1e-6", "swapped axes, vowels")


def kinds(case: Case, folder: Path, seed: int) -> list[str]:
    found = rnncore.diagnose(TrainConfig.model_validate(case.in_folder(folder, seed)))
    return [each["kind"] for each in found["findings"]]


@pytest.mark.parametrize("case", [case for case in SICK if case.name in QUICK], ids=lambda case: case.name)
def test_what_is_wrong_is_found_first(case: Case, tmp_path: Path) -> None:
    assert kinds(case, tmp_path, 0)[0] in case.first


@pytest.mark.parametrize(
    ("name", "section"),
    [("rate that falls to a hundredth in 20 steps", "schedule"), ("weight decay 1", "optimizer")],
)
def test_what_took_the_updates_away_is_what_is_changed_and_then_it_learns(
    name: str, section: str, tmp_path: Path
) -> None:
    (case,) = (case for case in SICK if case.name == name)
    config = TrainConfig.model_validate(case.in_folder(tmp_path, 0))
    changes = rnncore.diagnose(config)["findings"][0]["remedy"]["changes"]
    assert set(changes) == {section}
    assert rnncore.diagnose(changed(config, changes))["findings"][0]["kind"] == "learning"


def accused(found: list[str]) -> bool:
    return found[0] not in LEARNING or any(FINDINGS[kind].group == "cause" for kind in found)


def test_a_healthy_run_is_not_accused(tmp_path: Path) -> None:
    (case,) = (case for case in HEALTHY if case.name == "sines, RNN")
    assert not accused(kinds(case, tmp_path, 0))


def test_there_are_enough_cases() -> None:
    assert len(SICK) >= 30
    assert len(HEALTHY) >= 12
    assert {kind for case in SICK for kind in case.first} <= set(FINDINGS)


@pytest.mark.doctor
def test_nine_tenths_of_the_sick_runs_are_told_right_first(tmp_path: Path) -> None:
    missed = []
    for case in SICK:
        for seed in SEEDS:
            found = kinds(case, tmp_path, seed)
            if not found or found[0] not in case.first:
                missed.append((case.name, seed, found))
    assert len(missed) <= (1 - REQUIRED) * len(SICK) * len(SEEDS), missed


@pytest.mark.doctor
@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_healthy_run_is_accused(case: Case, seed: int, tmp_path: Path) -> None:
    found = kinds(case, tmp_path, seed)
    assert not accused(found), found


CONFIG = {"data": {"kind": "task", "task": "adding", "seq_len": 10}, "model": {"hidden_size": 6}, "steps": 40}


def command(folder: Path, config: dict, *words: str) -> subprocess.CompletedProcess[str]:
    file = folder / "config.json"
    file.write_text(json.dumps(config))
    return subprocess.run(
        [sys.executable, "-m", "rnncore", "diagnose", str(file), *words], capture_output=True, text=True, timeout=120
    )


def test_the_command_prints_one_json_object_that_is_what_python_returns(tmp_path: Path) -> None:
    done = command(tmp_path, CONFIG, "--steps", "12")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == rnncore.diagnose(TrainConfig.model_validate(CONFIG), steps=12)
    assert json.loads(line)["step"] == 12
    assert set(json.loads(line)["findings"][0]) == {"kind", "sentence", "evidence", "remedy"}


def test_the_command_ends_as_train_does(tmp_path: Path) -> None:
    diverging = CONFIG | {"optimizer": {"name": "sgd", "learning_rate": 100}, "model": {"nonlinearity": "relu"}}
    ended = command(tmp_path, diverging)
    assert ended.returncode == 3
    assert ended.stderr.startswith("rnncore: diverged: the ")
    assert "diverged" in [each["kind"] for each in json.loads(ended.stdout)["findings"]]
    wrong = command(tmp_path, CONFIG | {"steps": 0})
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "rnncore: steps: 0 is not allowed; allowed: 1 to 1,000,000\n"


def test_the_package_alone_imports_no_torch() -> None:
    code = "import sys, rnncore; assert 'torch' not in sys.modules; rnncore.diagnose; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"
