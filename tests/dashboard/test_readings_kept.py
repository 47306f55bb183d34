"""Readings of instruments that are kept: in the store within bounds, in the report, in the zip file."""

import io
import json
import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from dashboard.exports.bundle import everything_zip
from dashboard.exports.payload import run_readings
from dashboard.exports.plotly_js import SMALL, WHOLE, plotly_js
from dashboard.exports.report import report_html
from dashboard.figures.panels import drawn
from rnncore.__main__ import main
from rnncore.codec import seal
from rnncore.config import FlossingConfig, TrainConfig
from rnncore.data import DataError, load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.reading import Reading
from rnncore.runs.inspector import turns
from rnncore.runs.inspector.desk import Desk, last_step, newest_step
from rnncore.runs.inspector.turns import Share
from rnncore.runs.settings import Settings
from rnncore.runs.store import migrations, readings
from rnncore.runs.store.store import Store
from tests.support.trained import GROUP, run_id, train_into
from tests.support.waiting import wait

CONFIG = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "delayed_recall", "seq_len": 6, "delay": 2},
        "model": {"hidden_size": 3, "readout": "every_step"},
        "steps": 8,
        "batch_size": 2,
    }
)
RUN = run_id(0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    train_into(store, [CONFIG], ["alone"])
    yield store
    store.close()


def found(key: str = "flow", step: int = 3) -> Reading:
    return Inspection(CONFIG, load_dataset(CONFIG.data)).read(key, step)


def keep(store: Store, reading: Reading, changes: int = 0) -> None:
    store.keep_reading(RUN, reading.instrument, reading.step, False, changes, reading.to_bytes())


def test_report_and_zip_hold_the_reading_that_was_made_last(store: Store) -> None:
    for reading in (found(step=3), found(step=5), found("lyapunov", 4)):
        keep(store, reading)
    page = b"".join(report_html(store, store.group(GROUP))).decode()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    assert [(each["title"], each["light"]["step"]) for each in data["readings"]] == [
        ("Gradient-flow matrix", 5),
        ("Jacobians and Lyapunov exponents", 4),
    ]
    assert plotly_js(data) == SMALL
    archive = zipfile.ZipFile(io.BytesIO(b"".join(everything_zip(store, store.group(GROUP), False))))
    names = [name for name in archive.namelist() if "instruments/" in name]
    assert names == ["1 alone/instruments/flow-step-5.npz", "1 alone/instruments/lyapunov-step-4.npz"]
    with np.load(io.BytesIO(archive.read(names[0]))) as file:
        np.testing.assert_array_equal(file["log10_gradient"], found(step=5).arrays["log10_gradient"])


def test_what_the_reader_chose_is_kept_beside_the_rest_and_is_in_report_and_zip(store: Store) -> None:
    desk = Desk(store, Settings(data_dir=store.path.parent))
    run = store.run(RUN)
    asked = [("unit", 4, False, {}), ("unit", 4, False, {"unit": "2"}), ("unit", 4, False, {"layer": "1", "unit": "3"}),
             ("lyapunov", 8, True, {}), ("lyapunov", 8, True, {"every": "1"})]  # fmt: skip
    found = [desk.ask(run, *question[:3], 300.0, question[3]) for question in asked]
    desk.close()
    assert all(isinstance(each, Reading) for each in found)
    closed = Desk(store, Settings(data_dir=store.path.parent))
    closed.close()  # so that nothing can be worked out any more
    for question, reading in zip(asked, found, strict=True):
        again = closed.ask(run, *question[:3], 0.0, question[3])
        assert again.to_bytes() == reading.to_bytes(), "as it was kept"
    page = b"".join(report_html(store, store.group(GROUP))).decode()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    choices = [each["light"]["choice"] for each in data["readings"]]
    assert choices == ["", "unit 2", "layer 1, unit 3", "", "at every evaluation"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(everything_zip(store, store.group(GROUP), False))))
    names = [Path(name).name for name in archive.namelist() if "instruments/" in name]
    assert names == [
        "unit-step-4.npz", "unit-step-4-unit-2.npz", "unit-step-4-layer-1-unit-3.npz", "lyapunov-course-8.npz",
        "lyapunov-course-1-every-1.npz",
    ]  # fmt: skip


@pytest.mark.parametrize(("device", "dropout"), [("cpu", 0.0), ("cuda", 0.0), ("mps", 0.5)])
def test_a_run_that_trained_on_an_accelerator_is_read_on_the_cpu_and_says_so(
    store: Store, device: str, dropout: float
) -> None:
    run = store.run(RUN)
    assert run is not None
    assert run.info is not None
    config = run.config | {"model": run.config["model"] | {"dropout": dropout}}
    store.update_run(RUN, info=json.dumps(run.info | {"device": device}), config=json.dumps(config))
    desk = Desk(store, Settings(data_dir=store.path.parent))
    found = desk.ask(store.run(RUN), "memory", 4, False, 300.0)
    desk.close()
    assert isinstance(found, Reading)
    notes = [note for note in found.notes if "trained on" in note]
    dropping = ", and dropout leaves out other units there" if dropout else ""
    wanted = (
        f"This run trained on '{device}'. It is read on the CPU, where the steps between its last checkpoint and this "
        f"step are done again and round differently{dropping}."
    )
    assert notes == ([] if device == "cpu" else [wanted])


def test_readings_of_an_earlier_version_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = next(place for place, script in enumerate(migrations.MIGRATIONS) if "chosen_readings" in script)
    path = tmp_path / "earlier.sqlite"
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:before])
        store = Store(path)
        train_into(store, [CONFIG], ["alone"])
        with store.write() as db:
            row = db.execute("SELECT key FROM runs").fetchone()
            db.execute(
                "INSERT INTO readings (run, instrument, step, course, changes, content) VALUES (?, 'flow', 3, 0, 0, ?)",
                (*row, seal(found().to_bytes())),
            )
        store.close()
    store = Store(path)
    kept = store.reading(RUN, "flow", 3, False, 0)
    assert kept is not None
    assert Reading.from_bytes(kept).to_json()["arrays"] == found().to_json()["arrays"]
    keep(store, found(step=5))
    assert [each.step for each in map(Reading.from_bytes, store.newest_readings(RUN))] == [5]
    assert store.delete_run(RUN)
    assert store.newest_readings(RUN) == []
    store.close()


def test_a_card_that_follows_training_leaves_the_other_readings_where_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of too many readings those go first that have a newer one of their kind."""
    monkeypatch.setattr(readings, "MOST", 5)
    keep(store, found("lyapunov", 2))
    store.keep_reading(RUN, "unit", 2, False, 0, found("unit", 2).to_bytes(), "unit=2")
    for step in range(1, 8):
        keep(store, found(step=step))
    kept = [(each.instrument, each.step) for each in map(Reading.from_bytes, store.newest_readings(RUN))]
    assert kept == [("lyapunov", 2), ("unit", 2), ("flow", 7)]
    assert [store.reading(RUN, "flow", step, False, 0) is not None for step in range(1, 8)] == [False] * 4 + [True] * 3
    for number in range(6):  # as many kinds as there is room for, and one more
        store.keep_reading(RUN, "unit", 3, False, 0, found("unit", 3).to_bytes(), f"unit={number}")
    assert store.reading(RUN, "lyapunov", 2, False, 0) is None
    assert len(store.newest_readings(RUN)) == 5


def test_a_report_shows_a_surface_as_its_map_and_other_surfaces_with_the_whole_plotly(store: Store) -> None:
    clipped = TrainConfig.model_validate(CONFIG.model_dump() | {"clip": {"method": "norm", "threshold": 1e-3}})
    plane = Inspection(clipped, load_dataset(clipped.data)).read("plane", 4)
    assert [picture["key"] for picture in drawn(plane, "light")["pictures"]] == ["surface", "map"]
    keep(store, plane)
    kept = run_readings(store, store.run(RUN), 0)
    assert [[picture["key"] for picture in kept[0][theme]["pictures"]] for theme in ("light", "dark")] == [["map"]] * 2
    assert plotly_js({"figures": {}, "readings": kept}) == SMALL
    keep(store, replace(plane, panels=plane.panels[:1], step=5))  # of an instrument that draws no map of it
    kept = run_readings(store, store.run(RUN), 0)
    assert [picture["key"] for picture in kept[0]["light"]["pictures"]] == ["surface"]
    assert plotly_js({"figures": {}, "readings": kept}) == WHOLE


def test_what_is_kept_is_bounded_and_goes_with_its_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "MOST", 3)
    for step in range(1, 7):
        keep(store, found(step=step))
    assert [store.reading(RUN, "flow", step, False, 0) is not None for step in range(1, 7)] == [False] * 3 + [True] * 3
    assert store.reading(RUN, "flow", 6, False, 1) is None, "of other settings"
    monkeypatch.setattr(readings, "MOST_BYTES", 1)
    keep(store, found(step=7))
    assert len(store.newest_readings(RUN)) == 1
    assert store.delete_run(RUN)
    assert store.newest_readings(RUN) == []
    keep(store, found())  # of a run that is gone: nothing happens


def test_the_newest_step_takes_no_training(store: Store) -> None:
    run = store.run(RUN)
    assert (last_step(run), newest_step(run)) == (9, 9)
    store.update_run(RUN, status="running")
    assert newest_step(store.run(RUN)) == run.checkpoint_step + 1
    store.update_run(RUN, status="diverged")
    assert last_step(store.run(RUN)) == 8


def test_a_question_that_nobody_repeats_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WANTED_S", -1.0)
    desk = Desk(store, Settings(data_dir=store.path.parent))
    share = desk.ask(store.run(RUN), "flow", 2, False, 0.05)
    assert share == 0.0
    desk.close()
    with pytest.raises(DataError, match="try again"):
        desk.ask(store.run(RUN), "flow", 3, False, 0.0)


def test_a_desk_that_closes_ends_its_process_and_tells_who_waits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_ready = tmp_path / "python"
    never_ready.write_text("#!/bin/sh\nexec sleep 600\n")
    never_ready.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(never_ready))
    desk, said = Desk(store, Settings(data_dir=store.path.parent)), list[str]()

    def ask() -> None:
        with pytest.raises(DataError) as error:
            desk.ask(store.run(RUN), "flow", 2, False, 600.0)
        said.append(str(error.value))

    def runs() -> bool:
        with suppress(psutil.Error):  # it has just ended
            return any(each.cmdline() == ["sleep", "600"] for each in psutil.Process().children())
        return False

    asker = threading.Thread(target=ask)
    asker.start()
    wait(runs, 60)
    desk.close()
    asker.join(60)
    assert len(said) == 1
    wait(lambda: not runs(), 60)


def test_of_runs_of_other_programs_there_is_what_was_kept(store: Store) -> None:
    store.update_run(RUN, config=json.dumps({"watched": {"name": "m"}, "model": {"cell": "rnn"}}))
    desk = Desk(store, Settings(data_dir=store.path.parent))
    with pytest.raises(DataError, match=r"^This was not read at step 2, nor at any other"):
        desk.ask(store.run(RUN), "flow", 2, False, 0.0)
    desk.close()


def test_the_command_reads_runs_of_the_store(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    command = ["inspect", RUN, "--instrument", "flow", "--step", "3", "--json", "--data-dir", str(tmp_path)]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["arrays"] == found().to_json()["arrays"]


def test_the_command_takes_what_was_worked_out_before_with_what_was_chosen(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inspection = Inspection(CONFIG, load_dataset(CONFIG.data))
    unit, course = inspection.read("unit", 3, {"layer": 1, "unit": 2}), inspection.follow("adam", 3, every=1)
    commands = [["unit", "--layer", "1", "--unit", "2"], ["adam", "--over-training", "--every", "1"]]
    printed: list[list[Any]] = []
    for _ in range(2):
        printed.append([])
        for command in commands:
            options = ["--step", "3", "--json", "--data-dir", str(tmp_path)]
            assert main(["inspect", RUN, "--instrument", *command, *options]) == 0
            printed[-1].append(json.loads(capsys.readouterr().out))
        store.keep_reading(RUN, "unit", 3, False, 0, unit.to_bytes(), "layer=1&unit=2")
        store.keep_reading(RUN, "adam", 3, True, 0, course.to_bytes(), "every=1")
        monkeypatch.setattr(Inspection, "__init__", None)  # nothing can be worked out any more
    for first, again in zip(*printed, strict=True):
        assert first["arrays"] == again["arrays"]
        assert first["chosen"] == again["chosen"] != {}


def test_a_run_that_is_being_flossed_is_not_flossed_a_second_time_for_its_card(store: Store) -> None:
    flossed = CONFIG.model_copy(update={"flossing": FlossingConfig(exponents=2, steps=3)})
    desk = Desk(store, Settings(data_dir=store.path.parent))
    underway = replace(store.run(RUN), config=flossed.model_dump(mode="json"), status="running", step=0)
    for course in (False, True):
        share = desk.ask(underway, "lyapunov", None, course, 0.0)
        assert isinstance(share, Share)
        assert (share, share.doing) == (0.0, "the run is being flossed and can be read after its first step")
    desk.close()
