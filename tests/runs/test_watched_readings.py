"""Readings of watched runs: asked for, sent, checked as what comes from anywhere, kept, and shown with their step."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from rnncore.__main__ import main
from rnncore.data.dataset import DataError
from rnncore.errors import ConfigError
from rnncore.reading import Axis, Layer, Panel, Reading, Scale
from rnncore.runs.inspector import programs
from rnncore.runs.inspector.desk import Desk
from rnncore.runs.inspector.programs import Asked
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from rnncore.runs.store.watched import ASKED_S, MOST_ASKED
from rnncore.runs.watched import OverError, WatchedRuns
from rnncore.runs.watched_forms import MAX_NUMBERS, Wanted, WatchedReading
from tests.support.clocks import MovedClock
from tests.support.watching import MODULES, model, records


def reading(step=5, instrument="flow", **fields):
    """A map and a line, as instruments draw them."""
    panels = (
        Panel(key="matrix", title="‖∂L/∂h<sub>t</sub>‖", help="A map", x=Axis(title="t"), y=Axis(title="τ"),
              layers=(Layer(kind="map", x="t", y="tau", z="z", hover="10<sup>%{z}</sup><extra></extra>"),),
              scale=Scale(title="log₁₀"), slices=True),
        Panel(key="line", title="line", help="A line", x=Axis(title="t"), y=Axis(title="y", log=True),
              layers=(Layer(kind="line", x="t", y="y"),), levels=((0.0, "0"),)),
    )  # fmt: skip
    arrays = {"t": np.arange(3.0), "tau": np.arange(2.0), "z": np.array([[0.0, -np.inf, np.nan], [1e-300, 1, 2]]),
              "y": np.array([1e-50, 1, 2])}  # fmt: skip
    known = {"arrays": arrays, "panels": panels, "said": ("Said.",), "notes": ("A note.",), "seconds": 0.1}
    return Reading(instrument=instrument, step=step, **(known | fields))


@pytest.fixture
def runs(tmp_path):
    settings = Settings(data_dir=tmp_path)
    store = Store(settings.store_path, MovedClock())
    yield WatchedRuns(store, settings)
    store.close()


@pytest.fixture
def desk(runs):
    desk = Desk(runs.store, runs.settings, runs.quiet_for)
    yield lambda run, key="flow", step=None, **more: desk.ask(
        runs.store.run(run), key, step, more.get("course", False), 0.0, more.get("asked")
    )
    desk.close()


@pytest.fixture
def run(runs):
    (run,) = runs.begin("w", model()).runs
    runs.add(run, records(1, 20))
    return run


def same(found, wanted):
    assert replace(found, arrays={}) == replace(wanted, arrays={})
    assert list(found.arrays) == list(wanted.arrays)
    for name, values in wanted.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], values)


def test_what_travels_as_json_comes_back_to_the_last_bit():
    whole = reading(chosen={}, summary=("y",))
    same(WatchedReading.model_validate_json(WatchedReading.of(whole).model_dump_json()).reading(), whole)


def test_maps_that_are_large_travel_as_they_are_drawn_and_lines_beside_them_stay_whole():
    T = 450
    arrays = {"t": np.arange(1.0, T + 1), "tau": np.arange(1.0, T + 1), "y": np.arange(1.0, T + 1),
              "z": np.arange(float(T * T)).reshape(T, T)}  # fmt: skip
    small = WatchedReading.of(reading(arrays=arrays)).reading()
    shown, line = (panel.layers[0] for panel in small.panels)
    assert small.arrays[shown.z].shape == (200, 200) == (len(small.arrays[shown.y]), len(small.arrays[shown.x]))
    assert small.arrays[shown.z].max() == T * T - 1
    np.testing.assert_array_equal(small.arrays[line.x], arrays["t"])
    np.testing.assert_array_equal(small.arrays[line.y], arrays["y"])


def wrong(path, value):
    """The JSON of a reading in which something is otherwise."""
    plain = json.loads(WatchedReading.of(reading()).model_dump_json())
    place = plain
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("instrument",), "cliff"),
        (("instrument",), "<script>"),
        (("step",), 0),
        (("said",), ["x" * 601]),
        (("said",), ["a\u202eb"]),
        (("notes",), ["x"] * 21),
        (("panels", 0, "title"), "<img src=x onerror=alert(1)>"),
        (("panels", 0, "title"), "<a href='javascript:alert(1)'>x</a>"),
        (("panels", 0, "layers", 0, "hover"), "<b>%{x}</b>"),
        (("panels", 0, "layers", 0, "kind"), "surface"),
        (("panels", 0, "layers", 0, "z"), "nothing"),
        (("panels", 0, "layers", 0, "x"), "tau"),
        (("panels", 0, "scale"), None),
        (("panels", 0, "scale", "low"), "NaN"),
        (("panels", 0, "letters"), ["a"]),
        (("panels", 0, "x", "names"), ["x"] * 101),
        (("panels", 1, "levels"), [["Infinity", "x"]]),
        (("panels", 1, "layers"), []),
        (("panels", 1, "layers", 0, "color"), "tau"),
        (("arrays", "t", "shape"), [10**9, 10**9]),
        (("arrays", "t", "shape"), [3, 1]),
        (("arrays", "t", "shape"), [1, 1, 3]),
        (("arrays", "t", "values"), "not base64!"),
        (("arrays", "t", "values"), "AAAA"),
        (("arrays",), {}),
        (("summary",), ["nothing"]),
        (("chosen",), {"unit": 1}),
        (("seconds",), "NaN"),
        (("more",), 1),
    ],
)
def test_what_a_page_could_not_draw_or_should_not_show_is_refused(path, value):
    with pytest.raises(ValidationError):
        WatchedReading.model_validate_json(wrong(path, value))


def test_more_numbers_than_are_allowed_are_refused():
    half = np.zeros(MAX_NUMBERS // 2 + 1)
    with pytest.raises(ValueError, match="100,000 numbers allowed"):
        WatchedReading.of(reading(panels=(), arrays={"a": half, "b": half}))


def test_a_program_is_asked_with_its_next_answer_until_the_reading_is_there(runs, run, desk):
    assert desk(run) == Asked("The program has been asked; it reads this in a step that it records soon.")
    wanted = [Wanted(run, "flow", ())]
    assert runs.beat(run) == wanted == runs.add(run, records(21, 22))
    runs.store.clock.both_by += 20
    assert desk(run) == Asked("The program was asked 20 seconds ago and has not answered yet.")
    runs.read(run, reading(step=22))
    assert runs.beat(run) == []
    same(desk(run), reading(step=22))
    runs.add(run, records(23, 30))
    again = desk(run)
    assert again.said == "The program has been asked for a newer one."
    same(again.kept, reading(step=22))
    assert runs.beat(run) == wanted


def test_questions_that_nobody_repeats_are_forgotten_and_few_wait_at_once(runs, run, desk):
    desk(run)
    runs.store.clock.both_by += ASKED_S + 1
    assert runs.beat(run) == []
    for unit in range(1, 8 + 1):
        desk(run, "unit", asked={"unit": unit})
    for key in ("flow", "memory", "lyapunov", "adam"):
        desk(run, key)
    assert len(runs.beat(run)) == MOST_ASKED
    with pytest.raises(DataError, match="Many instruments are being read"):
        desk(run, "sensitivity")


def test_what_a_reader_chose_is_asked_for_and_kept_by_itself(runs, run, desk):
    desk(run, "unit", asked={"layer": "2", "unit": "3"})
    assert runs.beat(run) == [Wanted(run, "unit", (("layer", 2), ("unit", 3)))]
    runs.read(run, reading(20, "unit", chosen={"layer": 2, "unit": 3}))
    same(desk(run, "unit", asked={"unit": 3, "layer": 2}), reading(20, "unit", chosen={"layer": 2, "unit": 3}))
    assert isinstance(desk(run, "unit"), Asked)
    for asked, words in (({"unit": 9}, "unit: 9 is not allowed; allowed: 1 to 8"), ({"layer": 3}, "allowed: 1 to 2")):
        with pytest.raises(ConfigError, match=words):
            desk(run, "unit", asked=asked)


def test_a_pinned_step_shows_its_own_reading_or_the_nearest_and_says_what_there_is(runs, run, desk):
    with pytest.raises(DataError, match=r"^This was not read at step 5, nor at any other; a program that is watched"):
        desk(run, step=5)
    for step in (3, 12, 18):
        runs.read(run, reading(step))
    same(desk(run, step=12), reading(12))
    near = desk(run, step=10)
    assert (near.step, near.notes[-1]) == (
        12, "This was not read at step 10; the nearest reading is shown. It was read at steps 3, 12, 18.",
    )  # fmt: skip
    assert runs.beat(run) == [], "nobody is asked about a step that is over"


@pytest.mark.parametrize("status", ["finished", "failed"])
def test_of_a_program_that_has_ended_the_newest_reading_is_shown(runs, run, desk, status):
    why = "The program has ended"
    (other,) = runs.begin("w", model()).runs
    runs.read(run, reading(7))
    for each in (run, other):
        runs.end(each, status, "")
    assert desk(run).notes[-1] == f"{why}; this is the newest reading of it."
    with pytest.raises(DataError, match=f"^{why}, and while it ran this was not read.$"):
        desk(other)
    with pytest.raises(OverError):
        runs.read(run, reading(8))


def test_of_a_program_that_gives_no_sign_of_life_for_a_while_that_is_said_until_it_is_back(runs, run, desk):
    runs.look()
    runs.store.clock.both_by += 14
    assert desk(run).said == "The program has been asked; it reads this in a step that it records soon."
    runs.store.clock.both_by += 3
    quiet = "Nothing has been heard of the program for 17 seconds."
    assert desk(run) == Asked(f"{quiet} It is asked for this once it is heard of again.")
    assert runs.notice(run) == "Nothing has been heard of the program for 15 seconds."
    assert runs.beat(run) == [Wanted(run, "flow", ())], "as it was said"
    assert desk(run).said == "The program has been asked; it reads this in a step that it records soon."
    assert runs.notice(run) is None
    runs.read(run, reading(20))
    same(desk(run), reading(20))
    runs.look()
    runs.store.clock.both_by += 17
    found = desk(run)
    assert found.said == quiet
    same(found.kept, reading(20))
    runs.end(run, "finished", "")
    runs.look()
    assert runs.notice(run) is None


def test_of_a_program_that_is_silent_that_is_said(runs, run, desk):
    runs.look()
    runs.store.clock.both_by += 61
    runs.look()
    with pytest.raises(DataError, match=r"^Nothing is heard of the program any more, and while it ran this was not"):
        desk(run)
    runs.read(run, reading(7))  # it is back
    runs.add(run, records(21, 22))
    assert isinstance(desk(run), Asked)


def test_what_is_not_read_of_watched_models_says_why(run, desk):
    found = desk(run, "cliff")
    assert found.undefined == (
        "Not read of a model that is watched: it takes the loss at weights that the run never had, which its program "
        "does not tell."
    )
    with pytest.raises(DataError, match=r"^A model that is watched is read at the steps"):
        desk(run, "lyapunov", course=True)


def test_a_reading_comes_while_it_is_waited_for(runs, run, monkeypatch):
    monkeypatch.setattr(programs.time, "sleep", lambda _: runs.read(run, reading(20)))
    desk = Desk(runs.store, runs.settings)
    same(desk.ask(runs.store.run(run), "flow", None, False, 60.0), reading(20))
    desk.close()


def test_each_run_of_a_model_is_asked_for_its_own(runs, desk):
    begun = runs.begin("w", model(modules=MODULES))
    desk(begun.runs[1])
    assert runs.beat(begun.group) == [Wanted(begun.runs[1], "flow", ())]
    assert runs.beat(begun.runs[0]) == []


def test_the_command_reads_what_is_kept_and_asks_nobody(runs, run, capsys):
    command = ["inspect", run, "--data-dir", str(runs.settings.data_dir), "--instrument", "flow"]
    assert main(command) == 2
    assert "'flow' was not read of this run; a card of it on the board asks its program." in capsys.readouterr().err
    for step in (3, 12):
        runs.read(run, reading(step))
    assert main(command) == 0
    assert capsys.readouterr().out == "Said.\nA note.\n"
    assert main([*command, "--step", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 3
    assert runs.beat(run) == []
    assert main(["inspect", run, *command[2:4], "--instrument", "lyapunov", "--over-training"]) == 2
    assert "read at the steps at which somebody asks" in capsys.readouterr().err
