"""Units and weights: the two terms of each step back, against cells unrolled under autograd, and their exact sum."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnncore import TrainConfig, train
from rnncore.cells import CELLS
from rnncore.config import ModelConfig
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.instruments.saturation import saturation_split
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel
from rnncore.snapshot_parts import SaturationSplit
from tests.support.unrolled import KINDS

SIZES = st.tuples(*(st.integers(least, most) for least, most in ((1, 5), (2, 12), (1, 3), (1, 7), (1, 3))))


def build(kind: tuple[str, str], F: int, H: int, L: int, readout: str = "last", seed: int = 0) -> SequenceModel:
    torch.manual_seed(seed)
    config = ModelConfig(cell=kind[0], nonlinearity=kind[1], hidden_size=H, num_layers=L, readout=readout)
    return SequenceModel(config, F, 1).double()


def passed(model: SequenceModel, inputs: Tensor, targets: Tensor, lengths: Tensor | None = None) -> StateTape:
    tape = StateTape()
    batch_loss("mse", model(inputs, lengths, tape), targets, lengths).backward()
    return tape


@settings(max_examples=120, deadline=None)
@given(kind=st.sampled_from(KINDS), sizes=SIZES, seed=st.integers(0, 2**31))
def test_the_terms_add_up_to_the_reach_of_the_top_layer(
    kind: tuple[str, str], sizes: tuple[int, ...], seed: int
) -> None:
    B, T, F, H, L = sizes
    model = build(kind, F, H, L, seed=seed)
    tape = passed(model, torch.randn(B, T, F, dtype=torch.float64), torch.randn(B, 1, dtype=torch.float64))
    split = saturation_split(model.recurrent, tape)
    norms = tape.hidden[-1].norm(dim=-1).mean(-1)  # (T,)
    assert split.units.shape == split.weights.shape == (L, T)
    assert np.isnan(split.units[:, 0]).all()
    if not norms.all():  # ReLU units that are all off
        return
    total = (split.units + split.weights)[-1, 1:]
    expected = (norms[:-1] / norms[1:]).log().numpy()
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-10)
    assert total.sum() == pytest.approx(math.log(norms[0] / norms[-1]), abs=1e-10)


def step_of(cell: str, nonlinearity: str, x: Tensor, h: Tensor, c: Tensor, weights: tuple[Tensor, ...]) -> Any:
    """One step, as torch's documentation says it; also what h_{t-1} enters through matrices or as it is, as leaves."""
    w_ih, w_hh, b_ih, b_hh = weights
    within = (h @ w_hh.t()).detach().requires_grad_()  # W_hh h_{t-1}
    carried = h.detach().requires_grad_()
    outer = x @ w_ih.t() + b_ih
    if cell == "rnn":
        a = outer + within + b_hh
        return (a.relu() if nonlinearity == "relu" else a.tanh()), None, [within]
    if cell == "lstm":
        i, f, g, o = (outer + within + b_hh).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c, [within]
    r_in, z_in, n_in = outer.chunk(3, -1)
    r_h, z_h, n_h = (within + b_hh).chunk(3, -1)
    r, z = (r_in + r_h).sigmoid(), (z_in + z_h).sigmoid()
    n = (n_in + r * n_h).tanh()
    return (1 - z) * n + z * carried, None, [within, carried]


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
@pytest.mark.parametrize("readout", ["last", "mean", "attention"])
def test_each_term_is_that_of_one_step_under_autograd(kind: tuple[str, str], readout: str) -> None:
    """dL/dh_t (and dL/dc_t) go back through one step, cut off from h_{t-1} where matrices begin."""
    B, T, F, H, L = 3, 6, 2, 5, 2
    model = build(kind, F, H, L, readout, seed=4)
    tape = passed(model, torch.randn(B, T, F, dtype=torch.float64), torch.randn(B, 1, dtype=torch.float64))
    split = saturation_split(model.recurrent, tape)
    for layer in range(L):
        weights = tuple(model.recurrent.layer_weights(layer).values())
        c = torch.zeros(B, H, dtype=torch.float64)
        for t in range(T):
            x = tape.inputs[layer][t]
            before = tape.states[layer][t - 1] if t else torch.zeros(B, H, dtype=torch.float64)
            delta = tape.hidden[layer][t]
            h, new_c, leaves = step_of(*kind, x, before, c, weights)
            torch.testing.assert_close(h, tape.states[layer][t])
            if tape.cell is not None:
                # what reaches c_t is known; the part of it through h_t is taken off, as h_t brings it again
                through_h = torch.autograd.grad(h, new_c, delta, retain_graph=True)[0]
                grads = torch.autograd.grad([h, new_c], leaves, [delta, tape.cell[layer][t] - through_h])
                c = new_c.detach()
            else:
                grads = torch.autograd.grad(h, leaves, delta)
            if t == 0:
                continue
            a = torch.cat(grads, -1)
            back = grads[0] @ weights[1].detach() + (grads[1] if len(grads) > 1 else 0)
            sizes = [each.norm(dim=-1).mean() for each in (delta, a, back)]
            assert split.units[layer, t] == pytest.approx(float((sizes[1] / sizes[0]).log()), abs=1e-10)
            assert split.weights[layer, t] == pytest.approx(float((sizes[2] / sizes[1]).log()), abs=1e-10)


def test_a_linear_network_loses_nothing_to_its_units() -> None:
    """ReLU units that are all on are linear."""
    model = build(("rnn", "relu"), 2, 4, 1)
    with torch.no_grad():
        for weight in model.recurrent.parameters():
            weight.abs_()
    tape = passed(model, torch.rand(3, 8, 2, dtype=torch.float64) + 0.1, torch.randn(3, 1, dtype=torch.float64))
    split = saturation_split(model.recurrent, tape)
    assert (split.units[:, 1:] == 0).all()
    assert (split.weights[:, 1:] != 0).all()


def test_dead_units_leave_exactly_nothing_and_before_them_there_is_nothing_to_share_out() -> None:
    model = build(("rnn", "relu"), 2, 4, 1)
    with torch.no_grad():
        for name, weight in model.recurrent.named_parameters():
            weight.fill_(-1.0 if "bias" in name else 0.0)
    tape = passed(model, torch.randn(3, 5, 2, dtype=torch.float64), torch.randn(3, 1, dtype=torch.float64))
    split = saturation_split(model.recurrent, tape)
    assert split.units[0, -1] == -math.inf
    assert np.isnan(split.weights[0, -1])
    assert np.isnan(split.units[0, :-1]).all()
    assert split.to_json()["units_total"] == [None]


def test_no_step_goes_back_over_a_border_of_truncation() -> None:
    model = build(("gru", "tanh"), 2, 4, 1, "mean")
    model.recurrent.truncation = 3
    tape = passed(model, torch.randn(3, 8, 2, dtype=torch.float64), torch.randn(3, 1, dtype=torch.float64))
    split = saturation_split(model.recurrent, tape)
    assert np.isnan(split.units[0]).tolist() == [True, False, True, False, False, True, False, False]


def test_sequences_of_unequal_length_are_aligned_at_their_ends() -> None:
    model = build(("lstm", "tanh"), 2, 4, 1)
    inputs, targets = torch.randn(3, 6, 2, dtype=torch.float64), torch.randn(3, 1, dtype=torch.float64)
    lengths = torch.tensor([2, 6, 4])
    split = saturation_split(model.recurrent, passed(model, inputs, targets, lengths), lengths)
    for k in range(5):  # only the second sequence has a step back from a lag of 3 and more
        alone = passed(model, inputs[1:2], targets[1:2])
        own = saturation_split(model.recurrent, alone)
        if k >= 3:
            assert split.units[0, 5 - k] == pytest.approx(own.units[0, 5 - k], abs=1e-10)
            assert split.weights[0, 5 - k] == pytest.approx(own.weights[0, 5 - k], abs=1e-10)
    assert np.isnan(split.units[0, 0])
    assert np.isfinite(split.units[0, 1:]).all()


@pytest.mark.parametrize("cell", [key for key, cell in CELLS.items() if cell.steps_back])
def test_a_snapshot_has_the_split_of_the_very_profile_that_is_recorded(cell: str) -> None:
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "task", "seq_len": 9},
            "model": {"cell": cell, "hidden_size": 6, "num_layers": 2, "dropout": 0.2},
            "steps": 4, "batch_size": 8, "eval_every": 2, "profile_every": 2, "dtype": "float64",
        }
    )  # fmt: skip
    for record in train(config):
        if record.snapshot is None:
            continue
        assert record.hidden_grad_norm is not None
        split = SaturationSplit.from_json(record.snapshot["saturation"])
        top = record.hidden_grad_norm[-1]
        np.testing.assert_allclose(
            (split.units + split.weights)[-1, 1:], np.log(top[:-1] / top[1:]), rtol=1e-4, atol=1e-5
        )


def test_measuring_it_changes_no_number_of_a_run() -> None:
    fields = {"data": {"kind": "task", "seq_len": 9}, "steps": 6, "profile_every": 100}
    seldom, often = (
        [record.train_loss for record in train(TrainConfig.model_validate(fields | {"eval_every": every}))]
        for every in (100, 1)
    )
    assert seldom == often


def test_what_comes_along_the_cell_state_alone_is_no_number_and_spoils_no_snapshot() -> None:
    terms = np.array([[math.nan, -math.inf, math.inf, -1.0], [math.nan, -1.0, -2.0, 0.5]])
    told = SaturationSplit(terms, terms).to_json()
    assert told["units_total"] == told["weights_total"] == [None, -2.5]
    np.testing.assert_array_equal(SaturationSplit.from_json(told).units, terms)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piece", [1, 7, 50])
def test_long_sequences_are_worked_on_in_pieces(
    kind: tuple[str, str], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    model = build(kind, 2, 3, 2)
    tape = passed(model, torch.randn(2, 9, 2, dtype=torch.float64), torch.randn(2, 1, dtype=torch.float64))
    whole = saturation_split(model.recurrent, tape)
    monkeypatch.setattr("rnncore.engine.instruments.saturation._PIECE", piece)
    pieces = saturation_split(model.recurrent, tape)
    np.testing.assert_allclose(pieces.units, whole.units, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(pieces.weights, whole.weights, rtol=1e-12, atol=1e-12)
