"""`lab.findings()` and `lab.figure()`: what is said and drawn of a watched model."""

import math
import subprocess
import sys

import numpy as np
import torch
from torch import nn

from rnncore import watch
from rnncore.watching.figure import figure_of
from rnncore.watching.findings import findings_of
from rnncore.watching.record import Profile, WatchRecord


def profile(hidden: list[list[float]], direct: list[list[float]] | None = None, **more) -> Profile:
    values = np.array(hidden, float)
    own = np.where(np.arange(values.shape[1]) == values.shape[1] - 1, values, 0.0) if direct is None else direct
    rest = {"cell": None, "start": values[:, 0], "start_cell": None, "count": np.full(values.shape[1], 4.0)}
    return Profile(hidden=values, direct=np.array(own, float), layers=len(values), **(rest | more))


def record(step: int = 1, loss: float | None = 1.0, **profiles: Profile) -> WatchRecord:
    return WatchRecord(step, 0.1 * step, profiles, loss=loss, grad_norm=0.5)


def kinds(*records: WatchRecord) -> list[str]:
    return [each.kind for each in findings_of(records)]


def test_nothing_is_found_where_nothing_is_recorded() -> None:
    assert findings_of([]) == []
    assert kinds(record()) == []


def test_a_vanishing_gradient_is_told_with_its_figures() -> None:
    (found,) = findings_of([record(core=profile([[1e-9, 1e-6, 1e-3, 1.0]]))])
    assert found.kind == "vanishing"
    assert "at t=1 it is 1e-9 of its value at t=4" in found.sentence
    assert found.remedy is None


def test_of_several_modules_each_has_its_name_and_of_two_directions_the_forward_one_is_judged() -> None:
    both = profile([[1.0, 1.0], [1e-9, 1.0]], directions=2)
    both = Profile(**{name: getattr(both, name) for name in both.__slots__} | {"layers": 1})
    found = findings_of([record(encoder=both, decoder=profile([[1e-7, 1.0]]))])
    assert [each.sentence.split(": ")[0] for each in found] == ["decoder", "encoder, forward direction"]
    assert [each.kind for each in found] == ["vanishing", "steady"]


def test_numbers_that_are_not_finite_are_told_by_the_recorded_step() -> None:
    fine, bad = record(1), record(6, loss=math.nan)
    (found,) = findings_of([fine, bad])
    assert found.sentence == "Diverged: since step 6 the recorded numbers are not finite."
    assert kinds(bad, record(11)) == []
    scaled = record(6)
    scaled.grad_norm, scaled.scaled = math.inf, True
    assert kinds(fine, scaled) == []


def test_what_cannot_be_known_is_not_said() -> None:
    said = {each.kind for each in findings_of([record(n, core=profile([[0.5, 0.7, 1.0]])) for n in range(1, 300)])}
    assert said == {"steady"}


def test_the_figure_draws_every_row_and_a_true_zero_at_the_floor() -> None:
    two = profile([[0.0, 1e-3, 1.0], [1e-2, 1e-1, 1.0]], cell=np.ones((2, 3)))
    drawn = figure_of([record(1, core=two), record(6, core=two)])
    names = [each.name for each in drawn.data if each.type == "scatter" and each.showlegend]
    assert names == [f"layer {layer}{what}" for layer in (1, 2) for what in ("", ", cell c", ", direct part")]
    assert drawn.data[0].y[0] == 1e-4
    assert drawn.data[0].customdata[0] == "exactly 0"
    (chart,) = (each for each in drawn.data if each.type == "heatmap")
    np.testing.assert_allclose(np.array(chart.z)[:, 0], [-2, -1, 0], atol=1e-12)
    assert list(chart.x) == [1, 6]


def test_the_figure_shows_the_gradient_of_the_initial_state_where_it_is_read() -> None:
    net = nn.GRU(2, 3, bidirectional=True)
    with watch(net, every=1) as lab:
        net(torch.randn(5, 4, 2), torch.randn(2, 4, 3))[0].sum().backward()
        lab.step()
    circles = {each.name: each for each in lab.figure().data if "initial state" in (each.name or "")}
    start = lab.records[0].profiles[""].start
    assert {name: (each.x[0], each.y[0]) for name, each in circles.items()} == {
        "layer 1, initial state": (0, start[0]),
        "layer 1, reverse, initial state": (6, start[1]),
    }
    none = figure_of([record(core=profile([[0.0, 1.0]]))])
    assert not [each for each in none.data if "initial state" in (each.name or "")]


def test_the_figure_says_when_only_some_sequences_were_looked_at() -> None:
    net = nn.LSTM(2, 3)
    with watch(net, every=1, sample=8) as lab:
        assert lab.figure().layout.title.text == "Nothing is recorded yet"
        net(torch.randn(4, 10, 2))[0].sum().backward()
        lab.step()
    assert lab.records[-1].profiles[""].count.tolist() == [8] * 4
    assert "first 8 sequences of each batch" in lab.figure().layout.title.text


def test_plotly_is_imported_in_the_call_alone() -> None:
    code = "import sys, rnncore.watching.lab; assert 'plotly' not in sys.modules; import rnncore; assert rnncore.watch"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_of_a_loop_nothing_is_said_about_read_outs() -> None:
    """There an output may be the next call's input, so that a direct part is no read-out of its own."""
    steps = [profile([[value]]) for value in (1e-6, 1e-3, 1.0)]
    at_the_end, everywhere = profile([[1e-6, 1e-3, 1.0]]), profile([[1e-6, 1e-3, 1.0]], [[1e-6, 1e-3, 1.0]])

    def loop(whole: Profile) -> Profile:
        return Profile(**{name: getattr(whole, name) for name in whole.__slots__} | {"calls": tuple(steps)})

    assert kinds(record(core=everywhere)) == ["direct"]
    assert kinds(record(core=loop(everywhere))) == []
    assert kinds(record(core=loop(at_the_end))) == ["vanishing"]
