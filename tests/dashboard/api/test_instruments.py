"""Instruments over HTTP: worked out by a process of its own, once, and the same as the command line's."""

import io
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow.parquet as pq
import pytest

from dashboard.figures.panels import pictures
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Reading
from rnncore.runs.store.keys import watch_key
from tests.support.asgi import call
from tests.support.trained import run_id, train_into
from tests.support.waiting import wait

CONFIG = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "delayed_recall", "seq_len": 8, "delay": 2},
        "model": {"hidden_size": 4, "readout": "every_step"},
        "steps": 6,
        "batch_size": 3,
    }
)
RUN = run_id(0)


@pytest.fixture(scope="module", autouse=True)
def trained(scheduler: Any) -> None:
    train_into(services.scheduler().store, [CONFIG], ["a"])


def test_bars_have_the_colours_of_their_scale() -> None:
    """Each is a colour itself: of numbers as colours of bars plotly.js warns in the console."""
    found = Inspection(CONFIG, load_dataset(CONFIG.data)).read("contributions", 2)
    scale, bars = pictures(found, "light")[0]["spec"]["data"]
    assert (scale["marker"]["cmin"], scale["marker"]["cmax"], scale["marker"]["showscale"]) == (-1, 1, True)
    cosines = found.arrays["cosine"]
    for colour, cosine in zip(bars["marker"]["color"], cosines, strict=True):
        if np.isfinite(cosine):
            red, _, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
            assert (red > blue) == (cosine > 0), (colour, cosine)
    assert len(set(bars["marker"]["color"])) == len({f"{cosine:.3f}" for cosine in cosines})


def read(path: str) -> Any:
    """Return the answer once the work is done."""
    answers: list[Any] = []

    def there() -> bool:
        answers.append(call("GET", f"/api/runs/{path}"))
        return answers[-1].status != 202

    wait(there)
    return answers[-1]


def expected(key: str, step: int) -> Reading:
    return Inspection(CONFIG, load_dataset(CONFIG.data)).read(key, step)


@pytest.mark.parametrize("key", ON_DEMAND)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_instrument_is_drawn_in_both_themes(key: str, theme: str) -> None:
    found = expected(key, 3)
    for picture in pictures(found, theme, 1):
        assert picture["help"]
        if "spec" in picture:
            go.Figure(picture["spec"])  # plotly knows every property
            json.dumps(picture, allow_nan=False)
        else:
            assert len(picture["letters"]) == len(picture["rows"])


def test_a_reading_is_worked_out_elsewhere_once_and_kept() -> None:
    answer = read(f"{RUN}/instruments/flow?step=4&as=json")
    assert answer.status == 200
    assert answer.json["arrays"] == expected("flow", 4).to_json()["arrays"]
    kept = services.scheduler().store.reading(RUN, "flow", 4, False, 0)
    assert kept is not None
    again = call("GET", f"/api/runs/{watch_key(RUN)}/instruments/flow?step=4&as=json")
    assert again.json == answer.json | {"run": watch_key(RUN)}, "who may look may read, and it takes no time"
    newest = read(f"{RUN}/instruments/flow")
    assert (newest.json["step"], newest.json["run"]) == (7, RUN)
    assert newest.json["pictures"][0]["spec"]["data"][0]["type"] == "heatmap"


def test_files_hold_the_same_numbers() -> None:
    wanted = expected("flow", 4).arrays["log10_gradient"]
    npz = read(f"{RUN}/instruments/flow?step=4&as=npz")
    np.testing.assert_array_equal(Reading.from_bytes(npz.body).arrays["log10_gradient"], wanted)
    rows = pq.read_table(io.BytesIO(read(f"{RUN}/instruments/flow?step=4&as=parquet").body)).to_pylist()
    np.testing.assert_array_equal({row["name"]: row["values"] for row in rows}["log10_gradient"], wanted.ravel())


def test_the_reader_chooses_a_unit_and_how_often_a_course_is_read() -> None:
    by_itself = read(f"{RUN}/instruments/unit?step=4&as=json").json
    chosen = [read(f"{RUN}/instruments/unit?step=4&as=json&layer=1&unit={unit}").json for unit in (1, 2, 3, 4)]
    gradients = [each["arrays"]["gradient"]["values"] for each in chosen]
    assert by_itself["arrays"]["gradient"]["values"] in gradients
    assert gradients[0] != gradients[1]
    again = read(f"{RUN}/instruments/unit?step=4&as=json").json
    assert again["arrays"] == by_itself["arrays"], "what was kept is the one that nobody chose"
    assert [each["chosen"] for each in (by_itself, chosen[1])] == [{}, {"layer": 1, "unit": 2}]
    kept = services.scheduler().store.reading(RUN, "unit", 4, False, 0, "layer=1&unit=2")
    assert Reading.from_bytes(kept).to_json()["arrays"] == chosen[1]["arrays"]
    file = read(f"{RUN}/instruments/unit?step=4&as=npz&layer=1&unit=2")
    assert 'filename="unit-step-4-layer-1-unit-2.npz"' in file.headers["content-disposition"]
    course = read(f"{RUN}/instruments/lyapunov?step=6&course=1&every=1&as=json").json
    assert course["arrays"]["step"]["values"] == [1.0]  # the only evaluation before the last step


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        (f"{RUN}/instruments/unit?unit=5", 400, "unit: '5' is not allowed; allowed: 1 to 4"),
        (f"{RUN}/instruments/unit?layer=2", 400, "layer: '2' is not allowed; allowed: 1"),
        (f"{RUN}/instruments/lyapunov?every=1", 400, "every: it says at which evaluations"),
        (f"{RUN}/instruments/lyapunov?course=1&every=x", 400, "every: 'x' is not allowed; allowed: 1"),
        (f"{RUN}/instruments/flow?unit=1", 400, "choice: 'unit' is not allowed with the instrument 'flow'"),
        (f"{RUN}/instruments/x", 400, "instrument: 'x' is not allowed; allowed: 'flow'"),
        (f"{RUN}/instruments/flow?step=8", 400, "step: 8 is not allowed; allowed: 1 to 7"),
        (f"{RUN}/instruments/flow?step=x", 400, "step: 'x' is not allowed"),
        (f"{RUN}/instruments/flow?as=pdf", 400, "as: 'pdf' is not allowed; allowed: figures, json, npz or parquet."),
        (f"{RUN}/instruments/flow?theme=blue", 400, "theme: 'blue' is not allowed; allowed: light or dark."),
        (f"{RUN}/instruments/flow?color=-1", 400, "color: '-1' is not allowed"),
        (f"{'B' * 22}/instruments/flow", 404, "There is no such run"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(path: str, status: int, sentence: str) -> None:
    answer = call("GET", f"/api/runs/{path}")
    assert answer.status == status
    assert answer.json["error"].startswith(sentence)


def test_a_pointer_at_a_bar_without_a_cosine_is_told_so_in_words() -> None:
    found = expected("contributions", 3)
    trace = pictures(found, "light")[0]["spec"]["data"][-1]
    assert trace["customdata"][0] == "not defined"
    assert [float(each) for each in trace["customdata"][1:]] == pytest.approx(found.arrays["cosine"][1:], abs=0.005)
