"""A lab in a notebook and in the logs of others: what is drawn and logged is what was recorded."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from rnncore import watch
from rnncore.watching import notebook


def trained(model, steps=3, lengths=(5,), live=None, **options):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, every=1, **options) as lab:
        if live:
            live(lab)
        for step in range(steps):
            optimizer.zero_grad()
            value = model(torch.randn(2, lengths[step % len(lengths)], 3))[0].square().mean()
            value.backward()
            lab.step(loss=value, optimizer=optimizer)
            optimizer.step()
    return lab


def test_the_html_says_the_newest_numbers_and_draws_each_layer_and_direction():
    lab = trained(nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True))
    text = lab._repr_html_()
    newest = lab.records[-1]
    assert f"step 3, loss {newest.loss:.4g}, gradient norm {newest.grad_norm:.4g}" in text
    assert text.count("<polyline") == 4
    assert [words.strip() for words in re.findall(r">(?:—|- -) ([^<]+)<", text)] == [
        "layer 1", "layer 1, reverse", "layer 2", "layer 2, reverse",
    ]  # fmt: skip
    assert text.count("<rect") == 3 * 5
    assert "<script" not in text
    assert "http" not in text


def test_the_line_has_the_recorded_values_in_it():
    lab = trained(nn.GRU(3, 4, batch_first=True), steps=1)
    values = lab.records[-1].profiles[""].hidden[0]
    points = re.search(r'<polyline points="([^"]+)"', lab._repr_html_())[1].split()
    ys = [float(point.split(",")[1]) for point in points]
    logs = [float(torch.tensor(value).log10()) for value in values]
    low, high = min(logs), max(logs)
    slope = (max(ys) - min(ys)) / (high - low)
    for y, log in zip(ys, logs, strict=True):
        assert y == pytest.approx(min(ys) + slope * (high - log), abs=0.2)


def test_circles_stand_for_the_gradients_of_initial_states_where_they_are_read():
    lab = trained(nn.GRU(3, 4, 1, batch_first=True, bidirectional=True), steps=1)
    text, profile = lab._repr_html_(), lab.records[-1].profiles[""]
    circles = re.findall(r'<circle cx="([^"]+)" cy="([^"]+)".*?<title>([^<]+)</title>', text)
    assert [words for _, _, words in circles] == [
        f"{name}, initial state: {value:.2e}" for name, value in zip(profile.row_names(), profile.start, strict=True)
    ]
    lines = [
        [tuple(map(float, point.split(","))) for point in points.split()]
        for points in re.findall(r'<polyline points="([^"]+)"', text)
    ]
    assert float(circles[0][0]) < lines[0][0][0]
    assert float(circles[1][0]) > lines[1][-1][0]
    logs = [math.log10(value) for value in (*profile.hidden.ravel(), *profile.start)]
    ys = [y for line in lines for _, y in line] + [float(y) for _, y, _ in circles]
    slope, offset = np.polyfit(logs, ys, 1)
    assert np.allclose(ys, slope * np.array(logs) + offset, atol=0.2)
    assert "○ the initial state" in text


def test_nothing_recorded_and_sequences_of_unequal_length_are_said():
    assert "Nothing is recorded yet." in watch(nn.GRU(3, 4))._repr_html_()
    model = nn.GRU(3, 4)
    with watch(model, every=1) as lab:
        packed = nn.utils.rnn.pack_sequence([torch.randn(5, 3), torch.randn(2, 3)])
        model(packed)[0].data.sum().backward()
        lab.step()
    assert "steps before the end of each sequence" in lab._repr_html_()


def test_it_is_drawn_again_in_place(monkeypatch):
    shown = []

    class Handle:
        def display(self, what):
            shown.append(("display", what._repr_html_()))

        def update(self, what):
            shown.append(("update", what._repr_html_()))

    ipython = SimpleNamespace(get_ipython=lambda: object(), display=SimpleNamespace(DisplayHandle=Handle))
    monkeypatch.setitem(notebook.sys.modules, "IPython", ipython)
    monkeypatch.setattr(notebook, "PACE_S", 0.0)
    lab = trained(nn.GRU(3, 4, batch_first=True), live=lambda lab: lab.live())
    assert [kind for kind, _ in shown] == ["display", *["update"] * 4]
    assert "Nothing is recorded yet." in shown[0][1]
    assert shown[-1][1] == lab._repr_html_()


def test_marimo_has_a_place_of_its_own(monkeypatch):
    shown = []
    marimo = SimpleNamespace(running_in_notebook=lambda: True, Html=str, output=SimpleNamespace(replace=shown.append))
    monkeypatch.setitem(notebook.sys.modules, "marimo", marimo)
    monkeypatch.setattr(notebook, "PACE_S", 3600.0)
    lab = trained(nn.GRU(3, 4, batch_first=True), live=lambda lab: lab.live())
    assert shown == [shown[0], lab._repr_html_()]


def test_in_a_script_live_says_what_to_do_instead(monkeypatch):
    monkeypatch.setitem(notebook.sys.modules, "IPython", None)
    with pytest.raises(RuntimeError, match=r"figure\(\) draws"):
        watch(nn.GRU(3, 4)).live()


def test_tensorboard_gets_every_number_under_its_step():
    written = []
    writer = SimpleNamespace(add_scalar=lambda name, value, step: written.append((name, value, step)))
    lab = trained(nn.GRU(3, 4, 2, batch_first=True), live=lambda lab: lab.log_to(writer))
    newest = lab.records[-1]
    at_end = {name: value for name, value, step in written if step == 3}
    assert at_end["rnn/loss"] == newest.loss
    assert at_end["rnn/update_norm"] == newest.update_norm
    first, last = newest.profiles[""].hidden[1][[0, -1]]
    assert at_end["rnn/layer 2/first timestep"] == first
    assert at_end["rnn/layer 2/first over last"] == pytest.approx(first / last)
    assert {step for _, _, step in written} == {1, 2, 3}


def test_what_has_log_gets_a_dict_with_the_step_where_it_takes_one():
    got = []
    with_step = SimpleNamespace(log=lambda values, step=None: got.append((values, step)))
    trained(nn.GRU(3, 4, batch_first=True), 1, live=lambda lab: lab.log_to(with_step, prefix="mine/"))
    without = SimpleNamespace(log=lambda values: got.append((values, values.pop("step"))))
    trained(nn.GRU(3, 4, batch_first=True), 1, live=lambda lab: lab.log_to(without, prefix="mine/"))
    assert [step for _, step in got] == [1, 1]
    assert all("mine/layer 1/last timestep" in values for values, _ in got)
    with pytest.raises(TypeError, match="neither add_scalar"):
        watch(nn.GRU(3, 4)).log_to(object())


class Rows:
    """Counts rows as Weights & Biases' run does: one ends with each `log` but those with commit=False."""

    def __init__(self):
        self.step, self.rows, self.axes = 0, [{}], []

    def define_metric(self, name, step_metric):
        self.axes.append((name, step_metric))

    def log(self, data, step=None, commit=None):
        self.rows[-1].update(data)
        if commit is not False:
            self.rows.append({})
            self.step += 1


@pytest.mark.parametrize("through", ["the run", "the package"])
@pytest.mark.parametrize("own", [0, 1, 2])
def test_rows_that_the_user_numbers_stay_theirs_and_no_record_is_lost(own, through):
    """own: how often the user logs in a step."""
    run = Rows()
    writer = run if through == "the run" else SimpleNamespace(run=run, log=run.log, define_metric=run.define_metric)
    model = nn.GRU(3, 4, batch_first=True)
    with watch(model, every=2) as lab:
        lab.log_to(writer)
        for step in range(6):
            model(torch.randn(2, 5, 3))[0].sum().backward()
            lab.step(loss=float(step))
            for place in range(own):
                run.log({"mine": (step, place)})
    ours = [(row["rnn/step"], row["rnn/loss"]) for row in run.rows if "rnn/step" in row]
    assert ours == [(1, 0.0), (3, 2.0), (5, 4.0)]
    assert run.axes == [("rnn/*", "rnn/step")]
    theirs = [row["mine"] for row in run.rows[: 6 * own]]
    assert theirs == [(step, place) for step in range(6) for place in range(own)]


def test_a_step_that_calls_a_closure_has_all_its_numbers():
    """As PyTorch Lightning does: forward, backward and clipping happen inside the optimiser's step."""
    model, norms = nn.GRU(3, 4, batch_first=True), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, every=1) as lab:
        for _ in range(3):

            def closure():
                optimizer.zero_grad()
                value = model(torch.randn(2, 5, 3))[0].square().mean()
                value.backward()
                lab.step(loss=value, optimizer=optimizer)
                norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), 0.01)))
                return value

            optimizer.step(closure)
    for record, before in zip(lab.records, norms, strict=True):
        assert record.grad_norm == pytest.approx(before, rel=1e-5)
        assert record.clipped_norm == pytest.approx(0.01, rel=1e-3)
        assert record.update_norm == pytest.approx(0.001, rel=1e-3)
        assert record.learning_rate == 0.1
