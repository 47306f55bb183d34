"""Going to any step of a run, and reading instruments there: exact, whichever way leads there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from rnncore.__main__ import main
from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.data import DataError, load_dataset
from rnncore.engine import devices
from rnncore.engine.inspection import Inspection
from rnncore.engine.train import Trainer
from rnncore.on_demand import ON_DEMAND, course_steps
from rnncore.reading import Reading
from rnncore.records import Record

CONFIG: dict[str, Any] = {
    "data": {"kind": "task", "task": "adding", "seq_len": 8},
    "model": {"hidden_size": 4},
    "clip": {"method": "autoclip"},
    "steps": 30,
    "batch_size": 3,
    "profile_every": 1,
}


def config_of(**changes: Any) -> TrainConfig:
    return TrainConfig.model_validate(CONFIG | changes)


def inspection_of(config: TrainConfig, changes: Any = ()) -> Inspection:
    return Inspection(config, load_dataset(config.data, mistake=config.mistake), changes)


def trained(config: TrainConfig, rates: dict[int, float] | None = None) -> tuple[list[Record], dict[int, Any]]:
    """Return the records of a run whose learning rate is changed on the way, and its states by steps done."""
    trainer, states, done = Trainer(config), {}, []
    records = trainer.records()
    while trainer.ended is None:
        if trainer.step + 1 in (rates or {}):
            trainer.set_learning_rate((rates or {})[trainer.step + 1])
        done.append(next(records))
        states[trainer.step] = trainer.state_dict()
    return done, states


@pytest.mark.parametrize("cell", CELLS)
def test_a_reading_sees_what_the_profile_of_its_step_saw(cell: str) -> None:
    """With the last step read alone the flow matrix is one row, the recorded profile itself, whatever way led there."""
    config = config_of(model={"cell": cell, "hidden_size": 4}, data={"kind": "task", "task": "adding", "seq_len": 8})
    rates = {5: 0.03, 12: 0.001}
    records, states = trained(config, rates)
    changes = [(step, "learning_rate", value) for step, value in rates.items()]
    inspection = inspection_of(config, changes)
    for step in (20, 3, 21, 12, 30, 1):  # forward, and back again
        found = 10 ** inspection.read("flow", step).arrays["log10_gradient"][0]
        np.testing.assert_allclose(found, records[step - 1].hidden_grad_norm[0], rtol=2e-5)
    resumed = inspection_of(config, changes)
    resumed.keep(states[17])
    resumed.keep(states[30])
    for step in (25, 31):
        same = [each.read("flow", step).arrays["log10_gradient"] for each in (inspection, resumed)]
        np.testing.assert_array_equal(*same)


@pytest.mark.parametrize("key", ON_DEMAND)
def test_no_instrument_changes_the_run_it_has_looked_at(key: str) -> None:
    config = config_of(optimizer={"name": "adam"}, model={"hidden_size": 4, "dropout": 0.3, "num_layers": 2})
    inspection, other = inspection_of(config), inspection_of(config)
    inspection.read(key, 6)
    found = [each.read("flow", 9).arrays["log10_gradient"] for each in (inspection, other)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("readout", ["last", "every_step"])
def test_every_instrument_reads_every_cell_and_survives_its_file(cell: str, readout: str) -> None:
    task = "adding" if readout == "last" else "delayed_recall"
    data = {"kind": "task", "task": task, "seq_len": 8} | ({} if readout == "last" else {"delay": 2})
    inspection = inspection_of(config_of(data=data, model={"cell": cell, "hidden_size": 4, "readout": readout}))
    for key, entry in ON_DEMAND.items():
        found = inspection.read(key, 3)
        assert bool(found.undefined) != bool(found.arrays), "numbers, or the reason why there are none"
        assert found.arrays or found.undefined.startswith("Not defined")
        again = Reading.from_bytes(found.to_bytes())
        assert again.panels == found.panels
        assert again.to_json() == found.to_json()
        json.dumps(found.to_json(), allow_nan=False)
        for panel in found.panels:
            for layer in panel.layers:
                assert {layer.x, layer.y} <= set(found.arrays)
                assert {layer.z, layer.color} <= {"", *found.arrays}
        assert set(found.summary) <= set(found.arrays)
        if entry.course and not found.undefined:
            course = inspection.follow(key, 3)
            assert course.arrays["step"].tolist() == [1, 2, 3]
            assert course.panels


def test_a_step_that_a_run_does_not_reach_is_refused() -> None:
    config = config_of(optimizer={"name": "sgd", "learning_rate": 100.0}, model={"nonlinearity": "relu"},
                       clip={"method": "off"})  # fmt: skip
    last = list(Trainer(config).records())[-1]
    assert last.diverged
    with pytest.raises(DataError, match=f"ended at step {last.step - 1}"):
        inspection_of(config).read("flow", last.step + 1)


def test_swapped_axes_are_said_to_have_no_value() -> None:
    found = inspection_of(config_of(mistake="swapped_batch_and_time")).read("flow", 1)
    assert found.undefined == "Not defined here: this run reads the batch axis as time."
    assert not found.arrays


def test_large_maps_are_sent_small_and_keep_their_largest_numbers() -> None:
    found = inspection_of(config_of(data={"kind": "task", "task": "delayed_recall", "seq_len": 230, "delay": 3},
                                    model={"hidden_size": 2, "readout": "every_step"})).read("flow", 1)  # fmt: skip
    small = found.thinned()
    shown, whole = small.arrays["log10_gradient"], found.arrays["log10_gradient"]
    assert shown.shape == (200, 200) == (len(small.arrays["tau"]), len(small.arrays["t"]))
    assert shown.max() == whole.max()
    assert found.notes == ("200 of the 230 loss steps, spread evenly.",)


def test_the_command_prints_lists_writes_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    assert main(["inspect", str(path)]) == 0
    listed = capsys.readouterr().out
    assert all(key in listed for key in ON_DEMAND)
    for suffix in ("npz", "parquet"):
        out = tmp_path / f"flow.{suffix}"
        command = ["inspect", str(path), "--instrument", "flow", "--step", "4", "--json", "--out", str(out)]
        assert main(command) == 0
        printed = json.loads(capsys.readouterr().out)
        assert (printed["instrument"], printed["step"]) == ("flow", 4)
        values = printed["arrays"]["log10_gradient"]["values"]
        if suffix == "npz":
            assert Reading.from_bytes(out.read_bytes()).arrays["log10_gradient"].ravel().tolist() == values
        else:
            rows = {row["name"]: row["values"] for row in pq.read_table(out).to_pylist()}
            assert rows["log10_gradient"] == values
    for words, said in (
        (["--instrument", "x"], "instrument: 'x' is not allowed; allowed: 'flow'"),
        (["--instrument", "flow", "--step", "32"], "step: 32 is not allowed; allowed: 1 to 31"),
        (["--instrument", "flow", "--out", "x.txt"], "allowed: a file '.npz' or '.parquet'"),
    ):
        assert main(["inspect", str(path), *words]) == 2
        assert said in capsys.readouterr().err


def test_a_course_at_every_so_many_evaluations_reads_each_step_once(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(steps=40, eval_every=4)
    inspection, whole = inspection_of(config), inspection_of(config)
    course = inspection.follow("lyapunov", 26, every=2)
    assert course.arrays["step"].tolist() == [1, 8, 16, 24]
    for place, step in enumerate((1, 8, 16, 24)):
        expected = whole.read("lyapunov", step).arrays["exponent"]
        np.testing.assert_array_equal(course.arrays["exponent"][place], expected)
    read: list[int] = []
    by_hand = inspection.read
    monkeypatch.setattr(inspection, "read", lambda key, step, **_: (read.append(step), by_hand(key, step))[1])
    assert inspection.follow("lyapunov", 35, every=2).arrays["step"].tolist() == [1, 8, 16, 24, 32]
    assert read == [32]


@pytest.mark.parametrize("key", [key for key, entry in ON_DEMAND.items() if entry.course])
@pytest.mark.parametrize("every", [None, 1])
def test_a_course_that_may_not_take_long_grows_until_it_is_whole(
    key: str, every: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(steps=60, eval_every=4)
    whole = inspection_of(config).follow(key, 45, every=every)
    _, states = trained(config)
    inspection = inspection_of(config)
    inspection.keep(states[44])
    now = [0.0]
    monkeypatch.setattr("rnncore.engine.inspection.time.perf_counter", lambda: now.__setitem__(0, now[0] + 1) or now[0])
    sizes, course = [], None
    while course is None or len(course.arrays["step"]) < len(whole.arrays["step"]):
        assert len(sizes) < 100
        course = inspection.follow(key, 45, every=every, seconds=20.0)
        sizes.append(len(course.arrays["step"]))
        assert set(course.arrays["step"]) <= set(whole.arrays["step"])
        assert whole.arrays["step"][-1] in course.arrays["step"], "the newest is there at once"
        missing = len(whole.arrays["step"]) - sizes[-1]
        assert any("still to come" in note for note in course.notes) == (missing > 0)
    assert len(sizes) > 2
    assert sizes == sorted(sizes)
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(course.arrays[name], values)


def test_a_course_of_few_steps_grows_while_its_run_trains() -> None:
    """Its steps are those of the whole run, and the newest: what was read once is not read again."""
    config = config_of(steps=5000)
    whole = set(course_steps(config, 5001)[0])
    assert len(whole) == 12
    for last in (13, 40, 700, 701, 4999):
        steps, note = course_steps(config, last)
        assert steps == sorted({step for step in whole if step < last} | {last})
        assert note == ""
    assert course_steps(config, 9000)[0][-1] == 9000, "of a run that is longer than its config says"


def test_a_course_is_bounded_and_says_so() -> None:
    config = config_of(steps=100_000, eval_every=10)
    steps, note = course_steps(config, 100_000, 1)
    assert len(steps) <= 100
    assert set(np.diff(steps[1:])) == {1020}
    assert note == "At every 102 evaluations, to stay within 100 readings."
    assert course_steps(config, 5, 1) == ([1], "")
    assert course_steps(config, 990, 1)[0] == [1, *range(10, 991, 10)]
    assert course_steps(config, 3) == ([1, 2, 3], "")
    assert len(course_steps(config, 100_000)[0]) == 12


def test_where_the_device_knows_no_float64_a_run_is_read_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "available_devices", lambda: ["mps", "cpu"])
    config = config_of(device="mps")
    assert inspection_of(config).config.device == "cpu"
    assert inspection_of(config_of()).config.device == "auto", "it is too small for an accelerator"
