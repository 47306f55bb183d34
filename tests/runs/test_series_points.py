"""Which of a run's points a board is given when it cannot have all: row by row, worked out by hand."""

import base64
import math

import numpy as np
import pytest

from rnncore.codec import Scalars, seal
from rnncore.records import Record
from rnncore.runs.read import series
from rnncore.runs.read.series import encode, profile_at, records_since
from rnncore.runs.settings import Settings
from rnncore.runs.store.events import write_event
from rnncore.runs.store.profiles import Profile
from rnncore.runs.store.runs import progress
from rnncore.runs.store.snapshots import SnapshotRecorder
from rnncore.runs.store.store import NewRun, Store
from tests.support.stored import add

LARGEST = float(np.finfo(np.float32).max)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([NewRun("r", "w", "g", "", {}, 1000)])
    yield store
    store.close()


def numbers(text):
    return np.frombuffer(base64.b64decode(text), "<f4").tolist()


def scalars(**columns):
    return Scalars(tuple(columns), np.array(list(columns.values()), float).T)


def record(step, timesteps=None, **fields):
    hidden = None if timesteps is None else np.full((1, timesteps), step, np.float32)
    return Record(step, 0, 1.0, 0.1, 1.0, 1.0, 0.5, hidden_grad_norm=hidden, **fields)


def test_numbers_on_the_wire_are_float32_and_finite_ones_stay_finite():
    assert numbers(encode(np.array([1.5, -2.0]))) == [1.5, -2.0]
    wide = numbers(encode(np.array([1e39, -1e39, math.inf, -math.inf, math.nan])))
    assert wide[:4] == [LARGEST, -LARGEST, math.inf, -math.inf]
    assert math.isnan(wide[4])
    assert encode(np.array([1, 2])) == encode(np.array([1.0, 2.0]))


def test_the_extremes_of_each_bucket_the_last_of_which_may_be_short():
    values = np.array([3.0, 1.0, 2.0, 5.0, 5.0, 4.0, 7.0])
    assert sorted(series._extremes(values, 3)) == [0, 1, 3, 5, 6, 6]
    assert sorted(series._extremes(values, 7)) == [1, 6]
    assert sorted(series._extremes(np.array([math.inf, math.inf, -math.inf]), 2)) == [0, 0, 2, 2]
    assert all(isinstance(place, int) for place in series._extremes(values, 4))


def test_nan_counts_as_the_largest_and_the_ends_stay():
    given = scalars(step=range(6), a=[2, 3, math.nan, 1, 2, 2], b=[5, 9, 5, 5, 0, 5])
    assert series._with_extremes(given, ["a"], 6).tolist() == [0, 2, 3, 5]
    assert series._with_extremes(given, ["a", "b"], 6).tolist() == [0, 1, 2, 3, 4, 5]
    assert series._with_extremes(given, ["b"], 3).tolist() == [0, 1, 3, 4, 5]
    assert series._with_extremes(given, [], 3).tolist() == [0, 5]


@pytest.mark.parametrize(
    ("count", "most", "columns", "buckets"), [(100, 12, 1, 5), (100, 13, 1, 5), (100, 14, 1, 6), (100, 22, 2, 5),
    (100, 3, 2, 1), (100, 12, 0, 5), (99, 6, 1, 2)]
)  # fmt: skip
def test_there_are_as_many_buckets_as_points_allow(count, most, columns, buckets):
    """Every value is larger than the one before, so that of each bucket the first and the last row are kept."""
    names = "ab"[:columns]
    given = scalars(step=range(count), **{name: range(count) for name in names})
    size = -(-count // buckets)
    expected = {0, count - 1}
    for start in range(0, count, size):
        expected |= {start, min(start + size, count) - 1} if columns else set()
    assert series._decimate(given, names, most).tolist() == sorted(expected)
    assert len(expected) <= max(most, 4)


def test_all_rows_are_given_as_long_as_they_fit():
    given = scalars(step=range(9), a=range(9))
    assert series._decimate(given, ["a"], 9).tolist() == list(range(9))
    assert len(series._decimate(given, ["a"], 8)) < 9


def test_evaluations_are_those_rows_that_have_one_of_the_values():
    nan = math.nan
    given = scalars(step=[1, 2, 3, 4], val_loss=[nan, 5, nan, 7], val_metric=[nan, nan, 6, nan])
    found = series._evaluations(given, ["val_loss", "val_metric"], 3)
    assert (found["count"], numbers(found["step"]), numbers(found["val_loss"])[::2]) == (3, [2, 3, 4], [5, 7])
    assert numbers(found["val_metric"])[1] == 6
    assert series._evaluations(given, [], 3) == {"count": 0, "step": ""}


@pytest.mark.parametrize(("most", "kept"), [(20, 20), (19, 14), (10, 10), (4, 4)])
def test_evaluations_are_thinned_by_their_extremes(most, kept):
    given = scalars(step=range(20), val_loss=range(20))
    found = series._evaluations(given, ["val_loss"], most)
    steps = numbers(found["step"])
    size = 1 if kept == 20 else -(-2 * 20 // most)
    assert steps == sorted({each for start in range(0, 20, size) for each in (start, min(start + size, 20) - 1)})
    assert (found["count"], len(steps)) == (kept, kept)


@pytest.mark.parametrize(
    ("since", "budget", "count"),
    [(0, 40 * 7, 7), (0, 40 * 7 - 1, 6), (0, 40 * 7 + 39, 7), (0, 1, 1), (0, 10**9, 300), (1, 10**9, 8)],
)
def test_how_many_profiles_come_along(store, since, budget, count):
    add(store, [record(step, timesteps=10) for step in range(1, 400)])
    profiles = records_since(store, "r", since, profile_bytes=budget)["profiles"]
    shown = numbers(profiles["step"])
    assert profiles["count"] == len(shown)
    assert shown[-1] == 399
    assert 0.9 * count - 3 < len(shown) <= count
    assert (profiles["layers"], profiles["timesteps"]) == (1, 10)
    assert numbers(profiles["hidden_grad_norm"]) == [step for step in shown for _ in range(10)]


def test_a_refresh_has_room_for_four_thousand_bytes_of_profiles(store):
    add(store, [record(step, timesteps=500) for step in range(1, 30)])
    assert records_since(store, "r", 1)["profiles"]["count"] == 2
    assert records_since(store, "r", 29)["profiles"] is None


def test_profiles_of_another_shape_than_the_newest_are_left_out():
    narrow, wide = np.ones((1, 3), np.float32), np.full((2, 3), 2, np.float32)
    packed = series._packed([
        Profile(1, {"hidden_grad_norm": narrow}),
        Profile(2, {"hidden_grad_norm": wide, "cell_grad_norm": wide}),
        Profile(4, {"hidden_grad_norm": wide}),
        Profile(6, {"hidden_grad_norm": wide, "direct_grad_norm": 2 * wide}),
    ])  # fmt: skip
    assert list(packed) == ["count", "layers", "timesteps", "step", "hidden_grad_norm", "direct_grad_norm"]
    assert (packed["count"], packed["layers"], packed["timesteps"], numbers(packed["step"])) == (3, 2, 3, [2, 4, 6])
    assert numbers(packed["hidden_grad_norm"]) == [2] * 18
    assert numbers(packed["direct_grad_norm"]) == [0] * 12 + [4] * 6


def test_the_whole_answer_by_its_keys(store):
    add(store, [record(1, timesteps=2), record(2), record(3, val_loss=0.5)], Settings())
    store.set_status("r", "running")
    answer = records_since(store, "r", 1, columns=("train_loss", "val_loss"))
    assert list(answer) == [
        "run", "status", "reason", "steps", "last_step", "steps_per_second", "since", "decimated", "missing", "count",
        "columns", "val", "profiles", "snapshot_step", "events",
    ]  # fmt: skip
    assert (answer["run"], answer["status"], answer["steps"], answer["since"]) == ("r", "running", 1000, 1)
    assert (answer["last_step"], answer["decimated"], answer["missing"], answer["count"]) == (3, False, [], 2)
    assert {name: numbers(text) for name, text in answer["columns"].items()} == {"step": [2, 3], "train_loss": [1, 1]}
    assert (list(answer["val"]), numbers(answer["val"]["val_loss"])) == (["count", "step", "val_loss"], [0.5])
    assert (answer["profiles"], answer["snapshot_step"], answer["events"]) == (None, None, [])
    few = records_since(store, "r", 0, max_points=2, columns=())
    assert (few["decimated"], numbers(few["columns"]["step"]), few["val"]) == (True, [1, 3], {"count": 0, "step": ""})
    with store.write() as db:
        db.execute("UPDATE chunks SET scalars = ?", (b"damaged",))
    damaged = records_since(store, "r", 1)
    assert (damaged["missing"], damaged["count"]) == ([[2, 3]], 0)


def test_the_newest_snapshot_and_the_settings_changed_since_come_along(store):
    add(store, [record(step) for step in range(1, 9)])
    with store.write() as db:
        key = progress(db, "r").key
        for event in ((3, "learning_rate", 0.5), (6, "clip_norm", 2.0), (6, "learning_rate", 0.25)):
            write_event(db, key, event)
        SnapshotRecorder(db, key, Settings()).add(db, [(2, seal(b"{}")), (5, seal(b"{}"))])
    answers = {since: records_since(store, "r", since) for since in (0, 2, 3, 5, 6)}
    assert {answer["snapshot_step"] for answer in answers.values()} == {5}
    events = [[3, "learning_rate", 0.5], [6, "clip_norm", 2.0], [6, "learning_rate", 0.25]]
    assert {since: answer["events"] for since, answer in answers.items()} == {
        0: events, 2: events, 3: events[1:], 5: events[1:], 6: [],
    }  # fmt: skip


def test_profiles_that_cannot_be_read_are_none(store):
    add(store, [record(step, timesteps=4) for step in range(1, 4)])
    with store.write() as db:
        db.execute("UPDATE profiles SET content = ?", (seal(b"?")[:-1],))
    assert records_since(store, "r")["profiles"] is None


def test_the_profile_that_stands_for_a_step(store):
    assert profile_at(store, "unknown") is None
    assert profile_at(store, "r", 3) == {"run": "r", "step": None, "profiles": None}
    add(store, [record(step, timesteps=2 if step in (2, 6) else None) for step in range(1, 9)])
    found = profile_at(store, "r", 3)
    assert (found["run"], found["step"], found["profiles"]["count"]) == ("r", 2, 1)
    assert numbers(found["profiles"]["hidden_grad_norm"]) == [2, 2]
    assert [profile_at(store, "r", step)["step"] for step in (None, 8, 5, 4)] == [6, 6, 6, 2]
