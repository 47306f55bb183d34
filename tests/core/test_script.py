"""'Show me the code': the scripts train, without this package, as `rnncore.train` does."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncore import TrainConfig, train
from rnncore.cells import CELLS
from rnncore.choices import CLIP_METHODS, INITIALIZATIONS, LOSSES, OPTIMIZERS, SCHEDULES
from rnncore.config import TaskName
from rnncore.engine.train import Trainer
from rnncore.mistakes import MISTAKES
from rnncore.script import script_files, script_of

SERIES_CSV = "day;temperature\n" + "".join(
    f"{day};{'' if day in (0, 7, 100) else f'{np.sin(day / 5) * 8 + day % 7:.3f}'.replace('.', ',')}\n"
    for day in range(160)
)
TASK_SIZES: dict[TaskName, dict[str, int]] = {
    "adding": {"seq_len": 12}, "temporal_order": {"seq_len": 20, "symbols": 3},
    "copy_memory": {"seq_len": 6, "symbols": 3},
    "delayed_recall": {"seq_len": 12, "delay": 3}, "delayed_xor": {"seq_len": 12, "delay": 2}, "parity": {"seq_len": 6},
    "embedded_reber": {"seq_len": 14},
    "sines": {"seq_len": 10}, "mackey_glass": {"seq_len": 10},
    "lorenz": {"seq_len": 10},
    "text": {"seq_len": 10}, "noise": {"seq_len": 6},
    "selective_copying": {"seq_len": 9, "symbols": 3}, "long_recall": {"seq_len": 12},
    "associative_recall": {"seq_len": 9, "symbols": 3}, "digits": {"seq_len": 16}, "permuted_digits": {"seq_len": 66},
}  # fmt: skip
PER_STEP = ("selective_copying", "copy_memory", "delayed_recall", "delayed_xor", "embedded_reber", "text")
WITH_TARGET: dict[str, TaskName] = {"regression": "adding", "binary": "parity", "multiclass": "temporal_order"}
SGD = {"name": "sgd", "learning_rate": 0.05}


def case(task: TaskName = "adding", **fields: Any) -> dict[str, Any]:
    model = {"hidden_size": 6, "readout": "every_step" if task in PER_STEP else "last"} | fields.pop("model", {})
    data = fields.pop("data", {"kind": "task", "task": task, **TASK_SIZES[task]})
    return {"data": data, "model": model, "steps": 16, "batch_size": 8, "profile_every": 8} | fields


CASES: dict[str, dict[str, Any]] = {
    **{f"task {name}": case(name) for name in TASK_SIZES},
    **{f"optimizer {name}": case(optimizer={"name": name}) for name in OPTIMIZERS},
    **{f"loss {name}": case(WITH_TARGET[loss.targets[0]], loss=name) for name, loss in LOSSES.items()},
    **{f"schedule {name}": case(schedule={"name": name}) for name in SCHEDULES},
    **{f"clip {name}": case(clip={"method": name}, optimizer=SGD) for name in CLIP_METHODS},
    **{f"initialization {name}": case(init={"scheme": name}) for name in INITIALIZATIONS},
    **{f"cell {name}": case(model={"cell": name, "num_layers": 2}, optimizer=SGD) for name in CELLS},
    "relu indrnn, bounded": case(
        model={"cell": "indrnn", "nonlinearity": "relu", "num_layers": 2, "bound_weights": True},
        optimizer={"name": "sgd", "learning_rate": 0.9},
    ),
    "bounded indrnn, flossing": case(
        flossing={"exponents": 4, "steps": 20, "learning_rate": 0.2}, model={"cell": "indrnn", "bound_weights": True},
        optimizer=SGD,
    ),
    "relu indrnn, float64": case(model={"cell": "indrnn", "nonlinearity": "relu"}, dtype="float64"),
    "orthogonal, relu, float64": case(model={"cell": "orthogonal", "nonlinearity": "relu"}, dtype="float64"),
    "lru, truncation, clip recursion, every step": case(
        "delayed_recall", model={"cell": "lru"}, truncation=5, clip={"method": "recursion", "threshold": 0.05}
    ),
    "chrono mingru": case(model={"cell": "mingru"}, init={"chrono": True}),
    "chrono minlstm, swapped": case(model={"cell": "minlstm"}, init={"chrono": True}, mistake="swapped_batch_and_time"),
    "peephole, forget bias": case(model={"cell": "peephole"}, init={"forget_bias": 1}),
    "100 steps rnn": case(steps=100, model={"hidden_size": 12}),
    "100 steps lstm, two layers, dropout": case(
        steps=100, model={"cell": "lstm", "num_layers": 2, "dropout": 0.3}, clip={"method": "norm", "threshold": 0.5}
    ),
    "100 steps gru, float64": case(steps=100, model={"cell": "gru"}, dtype="float64"),
    "relu, identity": case(model={"nonlinearity": "relu"}, init={"scheme": "identity"}, optimizer=SGD),
    "orthogonal lstm, forget bias": case(model={"cell": "lstm"}, init={"scheme": "orthogonal", "forget_bias": 2}),
    "spectral gru, chrono": case(model={"cell": "gru"}, init={"scheme": "spectral", "chrono": True}),
    "chrono lstm": case(model={"cell": "lstm", "num_layers": 2}, init={"chrono": True}, truncation=5),
    "normal": case(init={"scheme": "normal", "std": 0.1}, loss="mae"),
    "sparse": case(model={"hidden_size": 20}, init={"scheme": "sparse"}, loss="huber"),
    "mean, truncation": case(model={"readout": "mean"}, truncation=4),
    "attention": case(model={"readout": "attention", "cell": "gru", "num_layers": 2}),
    "clip value": case(clip={"method": "value", "threshold": 0.01}, optimizer=SGD),
    "clip parameter norm": case(clip={"method": "parameter_norm", "threshold": 0.1}, optimizer=SGD),
    "clip recursion": case(clip={"method": "recursion", "threshold": 0.05}, model={"num_layers": 2}, optimizer=SGD),
    "clip recursion, lstm, truncation": case(
        clip={"method": "recursion", "threshold": 0.02}, model={"cell": "lstm"}, truncation=7, optimizer=SGD
    ),
    "autoclip": case(clip={"method": "autoclip", "percentile": 40}, optimizer=SGD),
    "agc": case(clip={"method": "agc"}, model={"readout": "attention"}, optimizer=SGD),
    "omega": case(omega=2.0, model={"num_layers": 2}, optimizer=SGD),
    "flossing": case(flossing={"exponents": 3, "steps": 20, "every": 5}, model={"num_layers": 2}, optimizer=SGD),
    **{
        f"flossing {cell}": case(
            flossing={"exponents": 2, "steps": 9}, model={"cell": cell}, optimizer=SGD | {"learning_rate": 0.001}
        )
        for cell in ("lstm", "gru", "lru", "orthogonal", "peephole", "slstm")
    },
    "nesterov, linear": case(
        optimizer=SGD | {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        schedule={"name": "linear", "warmup_steps": 5, "final_fraction": 0.1},
    ),
    "adamw, cosine": case(optimizer={"name": "adamw"}, schedule={"name": "cosine"}),
    "rmsprop, exponential": case(
        optimizer={"name": "rmsprop", "momentum": 0.5}, schedule={"name": "exponential", "decay_steps": 10}
    ),
    "adagrad, step": case(optimizer={"name": "adagrad"}, schedule={"name": "step", "decay_steps": 10}),
    "constant with warm-up": case(schedule={"warmup_steps": 8}),
    "early stopping": case("noise", steps=400, early_stopping=2, eval_every=5, optimizer={"learning_rate": 0.03}),
    "diverging": case(model={"nonlinearity": "relu"}, optimizer={"name": "sgd", "learning_rate": 90.0}),
    "bundled sunspots": case(data={"kind": "bundled", "window": 12, "horizon": 3}),
    "bundled co2": case(data={"kind": "bundled", "name": "co2", "window": 9}),
    "bundled weather": case(data={"kind": "bundled", "name": "weather", "window": 7}),
    "bundled vowels, last": case(data={"kind": "bundled", "name": "vowels"}, model={"cell": "gru"}),
    "bundled vowels, attention": case(data={"kind": "bundled", "name": "vowels"}, model={"readout": "attention"}),
    "bundled vowels, mean": case(data={"kind": "bundled", "name": "vowels"}, model={"readout": "mean"}, truncation=9),
    **{f"{mistake}, adding": case(mistake=mistake) for mistake in MISTAKES},
    **{f"{mistake}, lorenz": case("lorenz", mistake=mistake) for mistake in ("unscaled_targets", "shuffled_time")},
    **{f"{mistake}, text": case("text", mistake=mistake) for mistake in MISTAKES if mistake != "unscaled_targets"},
    **{
        f"{mistake}, reber": case("embedded_reber", mistake=mistake, model={"num_layers": 2, "cell": "gru"})
        for mistake in MISTAKES
        if mistake != "unscaled_targets"
    },
    **{
        f"{mistake}, sunspots": case(data={"kind": "bundled", "window": 9}, mistake=mistake)
        for mistake in MISTAKES
    },
    **{
        f"{mistake}, vowels": case(data={"kind": "bundled", "name": "vowels"}, mistake=mistake, model={"cell": "lstm"})
        for mistake in ("unscaled", "shuffled_time", "padded", "swapped_batch_and_time")
    },
    "swapped, attention, truncation, dropout": case(
        mistake="swapped_batch_and_time",
        model={"readout": "attention", "num_layers": 2, "dropout": 0.3},
        truncation=3,
    ),
    "swapped, mean, recursion": case(
        mistake="swapped_batch_and_time", model={"readout": "mean"}, clip={"method": "recursion", "threshold": 0.05}
    ),
    "not scaled": case(data={"kind": "bundled", "window": 9, "scaling": "none"}),
    "each by itself": case(data={"kind": "bundled", "name": "vowels", "scaling": "per_series"}),
    "upload": case(data={"kind": "upload", "files": [{"file": "DATA", "name": "weather.csv"}], "window": 9}),
    "csv": case(data={"kind": "csv", "file": "DATA", "target": "temperature", "window": 8, "val_fraction": 0.3}),
}  # fmt: skip

# Runs every script in a folder of its own, with this package out of reach, and prints all histories.
HARNESS = """
import contextlib, io, json, os, runpy, sys
sys.modules["rnncore"] = None
histories = {}
for number in sorted(os.listdir("."), key=int):
    os.chdir(number)
    with contextlib.redirect_stdout(io.StringIO()):
        history = runpy.run_path("script.py")["history"]
    histories[number] = [{k: v.tolist() if hasattr(v, "tolist") else v for k, v in r.items()} for r in history]
    os.chdir("..")
print(json.dumps(histories))
"""


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("csv") / "weather.csv"
    file.write_text(SERIES_CSV)
    return file


def config_of(name: str, csv_file: Path) -> TrainConfig:
    return TrainConfig.model_validate_json(json.dumps(CASES[name]).replace('"DATA"', json.dumps(str(csv_file))))


def run_scripts(folder: Path) -> dict[str, list[dict[str, Any]]]:
    answer = subprocess.run([sys.executable, "-W", "error", "-c", HARNESS], cwd=folder, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(answer.stdout)
    return found


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory, csv_file: Path) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("scripts")
    for number, name in enumerate(CASES):
        config = config_of(name, csv_file)
        place = folder / str(number)
        place.mkdir()
        (place / "script.py").write_text(script_of(config), encoding="utf-8")
        for file, content in script_files(config).items():
            (place / file).write_bytes(content)
    found = run_scripts(folder)
    return {name: found[str(number)] for number, name in enumerate(CASES)}


@pytest.mark.parametrize("name", CASES)
def test_a_script_does_the_same_run(name: str, csv_file: Path, histories: dict[str, list[dict[str, Any]]]) -> None:
    config = config_of(name, csv_file)
    records = list(train(config))
    history = histories[name]

    assert len(history) == len(records)
    if records[-1].diverged:
        records, history = records[:-1], history[:-1]
    tolerance = 1e-9 if config.dtype == "float64" else 1e-4
    for record, row in zip(records, history, strict=True):
        assert row["train_loss"] == pytest.approx(record.train_loss, rel=tolerance)
        assert row["grad_norm"] == pytest.approx(record.grad_norm, rel=20 * tolerance)
        assert ("val_loss" in row) == (record.val_loss is not None)
        if record.val_loss is not None:
            assert row["val_loss"] == pytest.approx(record.val_loss, rel=tolerance)
        for key in ("hidden_grad_norm", "cell_grad_norm"):
            profile = getattr(record, key)
            assert profile is not None or key not in row
            if key in row:
                # 1 - tanh^2 of a saturated unit is what float32 rounds it to
                rounding = 1e-7 if config.mistake == "unscaled" else 1e-30
                np.testing.assert_allclose(row[key], profile, rtol=5e-3, atol=rounding)


def test_scripts_are_tidy_and_free_of_this_package(csv_file: Path, tmp_path: Path) -> None:
    for number, name in enumerate(CASES):
        script = script_of(config_of(name, csv_file))
        assert "rnncore" not in script
        assert not re.search("{[{%#]|[#%}]}", script)
        (tmp_path / f"{number}.py").write_text(script)
    for check in (["check", "--select=E,F,W,I,B,UP"], ["format", "--diff"]):
        answer = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length=120", str(tmp_path)],
            capture_output=True, text=True,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stdout


def test_a_text_of_ones_own_is_broken_in_its_script(tmp_path: Path) -> None:
    text = "The sun rose over the hills, and the birds began to sing. " * 30
    (tmp_path / "story.txt").write_text(text)
    data = {"kind": "upload", "files": [{"file": str(tmp_path / "story.txt"), "name": "story.txt"}], "window": 9}
    for number, mistake in enumerate(("unscaled", "shuffled_time")):
        config = TrainConfig.model_validate(case("text", data=data, mistake=mistake, steps=3))
        (tmp_path / "scripts" / str(number)).mkdir(parents=True)
        (tmp_path / "scripts" / str(number) / "script.py").write_text(script_of(config))
        (tmp_path / "scripts" / str(number) / "text.txt").write_bytes(script_files(config)["text.txt"])
        (history,) = [run_scripts(tmp_path / "scripts")[str(number)]]
        losses = [record.train_loss for record in train(config)]
        assert [row["train_loss"] for row in history] == pytest.approx(losses, rel=1e-4)


def test_changes_by_hand_are_part_of_the_script(tmp_path: Path) -> None:
    config = TrainConfig.model_validate(case(clip={"method": "norm", "threshold": 0.5}, optimizer=SGD))
    trainer = Trainer(config)
    changes = [(6, "learning_rate", 0.01), (9, "clip_threshold", 0.02), (9, "learning_rate", 0.3)]
    records = []
    for record in trainer.records():
        records.append(record)
        for step, name, value in changes:
            if step == record.step + 1:
                getattr(trainer, f"set_{name}")(value)
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "script.py").write_text(script_of(config, events=changes))

    history = run_scripts(tmp_path)["0"]

    assert [row["train_loss"] for row in history] == pytest.approx([each.train_loss for each in records], rel=1e-4)


def test_an_uploaded_text_lies_beside_its_script_whatever_its_encoding_and_alphabet(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = ["".join(map(chr, 0x4E00 + rng.integers(0, 320, 2000))), "übrig\r\n" * 40]
    names = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for name, content, encoding in zip(names, words, ("utf-16", "latin-1"), strict=True):
        name.write_bytes(content.encode(encoding))
    files = [{"file": str(name), "name": name.name} for name in names]
    data = {"kind": "upload", "files": files, "layout": "text", "window": 9, "val_fraction": 0.3}
    config = TrainConfig.model_validate(case(data=data, model={"readout": "every_step"}))
    place = tmp_path / "scripts" / "0"
    place.mkdir(parents=True)
    (place / "script.py").write_text(script_of(config))
    (place / "text.txt").write_bytes(script_files(config)["text.txt"])

    records, history = list(train(config)), run_scripts(place.parent)["0"]

    assert "INPUT_SIZE = 256" in script_of(config)
    for name in ("train_loss", "val_loss"):
        assert history[-1][name] == pytest.approx(getattr(records[-1], name), rel=1e-4)
