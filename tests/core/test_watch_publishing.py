"""`watch(model, name=...)`: what a training loop records arrives in the store, and nothing disturbs the loop."""

import shlex
import sys

import numpy as np
import pytest
import torch
from torch import nn

from rnncore import watch
from rnncore.runs.read.insights import look
from rnncore.runs.read.series import records_since
from rnncore.runs.settings import Settings
from rnncore.runs.store.profiles import shown_profile
from rnncore.runs.store.runs import progress
from rnncore.runs.store.store import Store
from rnncore.runs.watched_targets import own_workspace
from rnncore.watching import publishing
from rnncore.watching.backward import WatchWarning
from tests.support.stored import records_of


class Tagger(nn.Module):
    """A bidirectional LSTM of two layers and a decoder."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(3, 5, 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(10, 4, batch_first=True)

    def forward(self, x):
        return self.decoder(self.encoder(x)[0])[0][:, -1].sum(1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNLAB_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def stored(folder):
    store = Store(Settings.from_env().store_path)
    return store, store.runs_of(own_workspace(folder))


def train(model, lab, lengths=(6, 6, 6, 6), loss=True):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for length in lengths:
        optimizer.zero_grad()
        value = model(torch.randn(4, length, 3)).square().mean()
        value.backward()
        lab.step(loss=value if loss else None, optimizer=optimizer)
        optimizer.step()


def test_each_module_and_direction_is_a_run_with_the_recorded_numbers(folder):
    model = Tagger()
    with watch(model, every=1, name="tagger") as lab:
        train(model, lab)
    store, runs = stored(folder)
    assert [run.label for run in runs] == ["tagger: encoder", "tagger: encoder, reverse", "tagger: decoder"]
    assert [(run.status, run.step, run.steps) for run in runs] == [("finished", 4, 0)] * 3
    assert [run.config["model"]["num_layers"] for run in runs] == [2, 2, 1]
    newest = lab.records[-1]
    for run, (name, rows) in zip(runs, [("encoder", [0, 2]), ("encoder", [1, 3]), ("decoder", [0])], strict=True):
        scalars = records_of(store, run.id)
        assert scalars["train_loss"].tolist() == [record.loss for record in lab.records]
        assert scalars["update_norm"].tolist() == [record.update_norm for record in lab.records]
        with store.read() as db:
            kept = shown_profile(db, progress(db, run.id).key)
        assert np.array_equal(kept.arrays["hidden_grad_norm"], newest.profiles[name].hidden[rows].astype(np.float32))
        assert ("cell_grad_norm" in kept.arrays) == (name == "encoder")
        assert "sequence_count" not in kept.arrays
    assert lab.address == f"type `{shlex.quote(sys.executable)} -m rnncore view` in a terminal to see it"
    store.close()


def test_batches_of_other_lengths_stand_side_by_side_aligned_at_their_ends(folder):
    model = nn.GRU(3, 4, batch_first=True)
    with watch(model, every=1, name="lengths") as lab:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for length in (5, 3, 9, 16, 4):
            model(torch.randn(2, length, 3))[0].sum().backward()
            lab.step(optimizer=optimizer)
    store, (run,) = stored(folder)
    profiles = records_since(store, run.id)["profiles"]
    assert (profiles["timesteps"], profiles["count"]) == (16, 3)
    with store.read() as db:
        key = progress(db, run.id).key
        kept = shown_profile(db, key, 5)
    hidden, count = kept.arrays["hidden_grad_norm"][0], kept.arrays["sequence_count"][0]
    assert np.isnan(hidden[:12]).all()
    assert np.array_equal(hidden[12:], lab.records[-1].profiles[""].hidden[0].astype(np.float32))
    assert count.tolist() == [0.0] * 12 + [2.0] * 4
    assert np.isnan(records_of(store, run.id)["train_loss"]).all()  # none was handed over
    store.close()


def train_until(error):
    model = Tagger()
    with watch(model, every=1, name="tagger") as lab:
        train(model, lab)
        raise error


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError, "failed", "Its program ended with an error: ValueError."),
        (KeyboardInterrupt, "stopped", "Its program was interrupted."),
    ],
)
def test_a_program_that_ends_early_leaves_its_reason(folder, error, status, reason):
    with pytest.raises(error):
        train_until(error)
    store, runs = stored(folder)
    assert {(run.status, run.reason, run.step) for run in runs} == {(status, reason, 4)}
    store.close()


def test_a_server_that_is_away_changes_nothing_for_the_training(folder, caplog):
    torch.manual_seed(3)
    plain = Tagger()
    watched = Tagger()
    watched.load_state_dict(plain.state_dict())
    for model, more in ((plain, {}), (watched, {"name": "tagger", "server": "http://127.0.0.1:9"})):
        torch.manual_seed(4)
        with watch(model, every=1, **more) as lab:
            train(model, lab)
        assert len(lab.records) == 4
    assert all(map(torch.equal, plain.parameters(), watched.parameters()))
    warnings = {each.getMessage() for each in caplog.records if each.name == "rnncore.watching"}
    assert len(warnings) == 1
    assert "cannot be sent at this moment" in warnings.pop()
    assert not folder.exists()


def test_of_several_processes_the_first_one_sends(folder, monkeypatch):
    for name, value in (("is_initialized", True), ("get_rank", 1)):
        monkeypatch.setattr(publishing.dist, name, lambda value=value: value)
    model = Tagger()
    with watch(model, every=1, name="tagger") as lab:
        train(model, lab)
    assert (len(lab.records), lab.address) == (4, None)
    assert not folder.exists()


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "x", "server": "nowhere"}, {"server": "http://localhost:8501"}]
)
def test_what_cannot_be_is_said_at_once(wrong):
    with pytest.raises(ValueError, match=r"name|server"):
        watch(Tagger(), **wrong)


class Loop(nn.Module):
    """A cell in a loop, read out at the end, at every timestep, or with its state changed on the way."""

    def __init__(self, way):
        super().__init__()
        self.cell, self.way = nn.GRUCell(3, 4), way

    def forward(self, x):
        state, said = x.new_zeros(len(x), 4), []
        for each in x.unbind(1):
            state = self.cell(each, state)
            said.append(state.sum(1))
            state = state * 30 if self.way == "changed" else state
        return torch.stack(said).sum(0) if self.way == "every" else said[-1]


class Last(nn.Module):
    """A layer, read out at the end of its sequences."""

    def __init__(self, **options):
        super().__init__()
        self.core = nn.LSTM(3, 4, batch_first=True, **options)

    def forward(self, x):
        return self.core(x)[1][0][-1].sum(1)


@pytest.mark.parametrize(
    "model", [lambda: Loop("end"), lambda: Loop("every"), lambda: Loop("changed"), Last, lambda: Last(num_layers=2)],
    ids=["loop", "loop with read-outs", "loop that changes its state", "layer", "two layers"],
)  # fmt: skip
@pytest.mark.parametrize("scale", [1.0, float("nan")], ids=["", "not finite"])
def test_the_app_finds_what_the_lab_finds(folder, model, scale):
    torch.manual_seed(0)
    model = model()
    with watch(model, every=1, name="one truth") as lab:
        for _ in range(3):
            value = model(torch.randn(4, 12, 3)).square().mean() * scale
            value.backward()
            lab.step(loss=value)
            model.zero_grad()
    store, (run,) = stored(folder)
    told = [(each["kind"], each["sentence"]) for each in look(store, run.id)["findings"]]
    assert told == [(each.kind, each.sentence) for each in lab.findings()]
    store.close()


def test_numbers_that_are_finite_again_have_not_diverged_for_either(folder):
    model = Last()
    with watch(model, every=1, name="back again") as lab:
        for scale in (1.0, float("inf"), 1.0):
            value = model(torch.randn(4, 12, 3)).square().mean() * scale
            value.backward()
            lab.step(loss=value)
            model.zero_grad()
    store, (run,) = stored(folder)
    kinds = {each["kind"] for each in look(store, run.id)["findings"]}
    assert "diverged" not in kinds | {each.kind for each in lab.findings()}
    store.close()


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "x" * 101, 7])
def test_a_name_that_cannot_be_shown_is_named_in_one_sentence(name):
    with pytest.raises(ValueError, match=r"^name: .* is not a text of 1 to 100 visible characters$"):
        watch(nn.GRU(3, 4), name=name)


def of_path(path, module):
    """A model that holds a recurrent module under a name in it."""
    model = nn.Module()
    model.add_module(path, module)
    return model


def test_a_module_of_a_long_path_is_sent_under_the_end_of_it(folder):
    path = "a" * 250 + "_" + "b" * 250
    model = of_path(path, nn.GRU(3, 4))
    with watch(model, every=1, name="long") as lab:
        getattr(model, path)(torch.randn(5, 2, 3))[0].sum().backward()
        lab.step()
    store, (run,) = stored(folder)
    assert (run.label, run.step, lab.notes) == ("long", 1, [])
    assert run.config["watched"]["module"] == "…" + path[-299:]
    assert path in lab.records[-1].profiles
    store.close()


def test_what_the_app_cannot_show_is_said_and_recorded_all_the_same(folder):
    model = of_path("deep", nn.RNN(3, 4, 65))
    with pytest.warns(WatchWarning, match="^The module 'deep' is recorded, but not sent to the app: 65 layers are"):
        lab = watch(model, every=1, name="deep")
    with lab:
        model.deep(torch.randn(2, 1, 3))[0].sum().backward()
        lab.step()
    assert lab.records[-1].profiles["deep"].hidden.shape == (65, 2)
    assert lab.address is None
    store, runs = stored(folder)
    assert not runs
    store.close()


def test_more_modules_than_a_board_has_room_for_are_counted(folder):
    model = nn.ModuleList([nn.GRU(3, 3, bidirectional=True) for _ in range(4)])
    with pytest.warns(WatchWarning, match="^The app shows the first 6 of 8 recurrent modules and directions"):
        watch(model, name="many")


def test_of_many_layers_as_many_timesteps_are_sent_as_the_app_takes(folder):
    model = nn.RNN(1, 1, 64)
    with watch(model, every=1, name="wide") as lab:
        model(torch.randn(3200, 1, 1))[0].sum().backward()
        lab.step()
    store, (run,) = stored(folder)
    assert records_since(store, run.id)["profiles"]["timesteps"] == 3120
    assert lab.records[-1].profiles[""].hidden.shape == (64, 3200)
    store.close()
