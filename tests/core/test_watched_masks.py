"""Dropout between layers where a backend does not tell its masks: the layers of a recorded step run one by one.

A switch makes the CPU such a backend. What is compared with is unrolled cells in float64 with the same masks.
"""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

from rnncore import watch
from rnncore.watching import hooks, one_by_one, supported
from rnncore.watching.backward import WatchWarning
from rnncore.watching.lab import Lab
from tests.support.unrolled_modules import expected, unroll

KINDS = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
SENTENCE = (
    "{} has dropout between its layers, and on cpu the masks are not told: in recorded steps it runs layer by layer, "
    "with masks of the same chance from random numbers of their own."
)
quiet = pytest.mark.filterwarnings("ignore::rnncore.watching.backward.WatchWarning")


@pytest.fixture
def masks(monkeypatch: pytest.MonkeyPatch) -> list[list[Tensor]]:
    """The CPU as a backend that does not tell its masks; return those of each call that is recorded."""
    for module in (supported, hooks):
        monkeypatch.setattr(module, "tells_masks", lambda device: False)
    drawn, run = [], one_by_one.run

    def spy(*args: object) -> object:
        result, own = run(*args)
        drawn.append(own)
        return result, own

    monkeypatch.setattr(one_by_one, "run", spy)
    return drawn


@st.composite
def cases(draw: st.DrawFn) -> dict:
    kind, hidden = draw(st.sampled_from(sorted(KINDS))), draw(st.integers(1, 5))
    options = {
        "num_layers": draw(st.integers(2, 4)), "bias": draw(st.booleans()), "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()), "dropout": draw(st.sampled_from([0.3, 0.7, 1.0])),
    }  # fmt: skip
    if kind == "LSTM" and hidden > 1 and draw(st.booleans()):
        options["proj_size"] = draw(st.integers(1, hidden - 1))
    batch, steps = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    lengths = draw(st.one_of(st.none(), st.lists(st.integers(1, steps), min_size=batch, max_size=batch)))
    return {
        "kind": kind, "sizes": (draw(st.integers(1, 3)), hidden), "options": options, "batch": batch, "steps": steps,
        "lengths": lengths, "start": draw(st.booleans()), "sample": draw(st.sampled_from([None, 2])),
        "alone": draw(st.booleans()), "seed": draw(st.integers(0, 99)),
    }  # fmt: skip


@quiet
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases())
def test_outputs_gradients_and_profiles_are_those_of_unrolled_cells_with_the_same_masks(
    masks: list[list[Tensor]], case: dict
) -> None:
    torch.manual_seed(case["seed"])
    module = KINDS[case["kind"]](*case["sizes"], **case["options"]).double()
    alone = case["alone"] and case["batch"] == 1 and case["lengths"] is None
    T, B = case["steps"], case["batch"]
    lengths = None if case["lengths"] is None else torch.tensor(case["lengths"])
    x = torch.randn(T, B, case["sizes"][0], dtype=torch.float64)
    rows, width = module.num_layers * (2 if module.bidirectional else 1), module.proj_size or module.hidden_size
    sizes = (width, module.hidden_size)[: 2 if module.mode == "LSTM" else 1]
    start = tuple(torch.randn(rows, B, size, dtype=torch.float64) for size in sizes) if case["start"] else None

    given_x = x[:, 0] if alone else x.transpose(0, 1) if module.batch_first else x
    state = None if start is None else tuple(each[:, 0] if alone else each for each in start)
    state = state if state is None or module.mode == "LSTM" else state[0]
    if lengths is not None:
        given_x = pack_padded_sequence(given_x, lengths, module.batch_first, enforce_sorted=False)
    fused = module(given_x, state)
    with watch(module, every=1, sample=case["sample"]) as lab:
        outputs, end = module(given_x, state)
        _same_form((outputs, end), fused)
        end = end if isinstance(end, tuple) else (end,)
        if lengths is not None:
            outputs = pad_packed_sequence(outputs, module.batch_first)[0]
        outputs = outputs[:, None] if alone else outputs.transpose(0, 1) if module.batch_first else outputs
        end = tuple(each[:, None] if alone else each for each in end)
        _loss(outputs, end).backward()
        lab.step()
    found, grads = lab.records[-1].profiles[""], [each.grad.clone() for each in module.parameters()]
    module.zero_grad()

    done = unroll(module, x, start, lengths, masks[-1])
    torch.testing.assert_close(done.outputs[: len(outputs)], outputs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(done.end, end, rtol=1e-12, atol=1e-12)
    _loss(done.outputs[: len(outputs)], done.end).backward()
    for grad, each in zip(grads, module.parameters(), strict=True):
        wanted = torch.zeros_like(each) if each.grad is None else each.grad
        torch.testing.assert_close(grad, wanted, rtol=1e-10, atol=1e-12)
    for name, wanted in expected(done, case["sample"]).items():
        if wanted is not None:
            np.testing.assert_allclose(getattr(found, name), wanted, rtol=1e-10, atol=1e-14, err_msg=name)


def _loss(outputs: Tensor, end: tuple[Tensor, ...]) -> Tensor:
    return outputs.sin().sum() + sum((each * 0.7).sin().sum() for each in end)


def _same_form(ours: object, theirs: object) -> None:
    """A result looks like torch's own: types, shapes, strides, dtypes."""
    assert type(ours) is type(theirs)
    if isinstance(ours, Tensor):
        assert (ours.shape, ours.stride(), ours.dtype) == (theirs.shape, theirs.stride(), theirs.dtype)
    elif isinstance(ours, tuple):
        for a, b in zip(ours, theirs, strict=True):
            _same_form(a, b)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core, self.head = nn.GRU(2, 8, 3, dropout=0.25, batch_first=True), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.core(x)[0])


def train(net: Net, lab: Lab | None, steps: int = 4) -> list[Tensor]:
    """Return the random numbers after each step."""
    drawn = []
    for _ in range(steps):
        loss = net(torch.randn(4, 6, 2)).square().mean()
        loss.backward()
        if lab is not None:
            lab.step(loss=loss)
        drawn.append(torch.get_rng_state())
    return drawn


@quiet
def test_random_numbers_are_untouched_and_masks_have_the_same_chance_and_follow_from_the_seed(
    masks: list[list[Tensor]],
) -> None:
    def run(watched: bool) -> tuple[list[Tensor], list[Tensor]]:
        torch.manual_seed(3)
        net, before = Net(), len(masks)
        if not watched:
            return train(net, None), []
        with watch(net, every=2) as lab:
            drawn = train(net, lab)
        return drawn, [mask for own in masks[before:] for mask in own]

    (alone, _), (first, own), (_, again) = run(False), run(True), run(True)
    assert all(map(torch.equal, alone, first))
    assert len(own) == len(again) == 4  # two recorded steps, two masks each
    assert all(map(torch.equal, own, again))
    assert not any(torch.equal(a, b) for place, a in enumerate(own) for b in own[:place])
    values = torch.cat([each.flatten() for each in own])
    assert set(values.tolist()) == {0.0, float(torch.tensor(1 / 0.75))}
    assert (values == 0).double().mean().item() == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / len(values)) ** 0.5)


@quiet
def test_a_second_lab_of_the_same_program_draws_other_masks(masks: list[list[Tensor]]) -> None:
    net, x = Net(), torch.randn(4, 6, 2)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):  # as one lab for each epoch
        with watch(net, every=1) as lab:
            net(x).sum().backward()
            lab.step()
            optimizer.step()
    assert not torch.equal(masks[0][0], masks[1][0])


@quiet
def test_steps_that_are_not_recorded_are_the_fused_layer_alone(masks: list[list[Tensor]]) -> None:
    net, x = Net(), torch.randn(4, 6, 2)
    torch.manual_seed(1)
    wanted = net(x)
    with watch(net, every=2) as lab:
        lab.step()
        torch.manual_seed(1)
        assert torch.equal(net(x), wanted)
        lab.step()
        net.eval()
        net(x)
        net.train()
        with torch.no_grad():
            torch.manual_seed(1)
            assert torch.equal(net(x), wanted)
    assert masks == []


def test_it_is_said_once_and_everything_is_restored(masks: list[list[Tensor]]) -> None:
    net = Net()
    names, text = list(net.state_dict()), repr(net)
    with pytest.warns(WatchWarning) as caught:
        lab = watch(net, every=1)
    with lab, warnings.catch_warnings():
        warnings.simplefilter("error")
        train(net, lab)
        assert (list(net.state_dict()), repr(net)) == (names, text)
        for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):  # noqa: S301
            calls = len(masks)
            other(torch.randn(4, 6, 2))
            assert len(masks) == calls
    assert [str(each.message) for each in caught] == lab.notes == [SENTENCE.format("The module 'core'")]
    assert len(masks) == 4
    assert not net.core._forward_hooks
    assert not net.core._forward_pre_hooks


@quiet
def test_what_fails_leaves_the_fused_result(masks: list[list[Tensor]], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(one_by_one, "run_layer", broken)
    net, x = Net(), torch.randn(4, 6, 2)
    torch.manual_seed(1)
    wanted = net(x)
    with watch(net, every=1) as lab:
        torch.manual_seed(1)
        out = net(x)
        out.sum().backward()
        lab.step()
    assert torch.equal(out, wanted)
    assert "MemoryError: no room" in lab.notes[-1]
    assert lab.records == []


def test_a_module_without_dropout_between_its_layers_is_left_alone(masks: list[list[Tensor]]) -> None:
    net, x = nn.LSTM(2, 3, 2), torch.randn(5, 4, 2)
    wanted = net(x)[0]
    with watch(net, every=1) as lab:
        assert torch.equal(net(x)[0], wanted)
    assert lab.notes == masks == []


@quiet
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision(masks: list[list[Tensor]], dtype: torch.dtype) -> None:
    net, x = Net(), torch.randn(4, 6, 2)
    with watch(net, every=1) as lab, torch.autocast("cpu", dtype=dtype):
        net(x).float().square().mean().backward()
        lab.step()
    assert np.isfinite(lab.records[-1].profiles["core"].hidden).all()
    assert (lab.records[-1].profiles["core"].hidden > 0).all()


@quiet
@pytest.mark.parametrize("reentrant", [True, False])
def test_a_checkpointed_call_keeps_its_masks_and_is_not_recorded(masks: list[list[Tensor]], reentrant: bool) -> None:
    """Its repetition within the backward pass must have the masks of the first time."""

    def run(watched: bool) -> tuple[list[Tensor], Lab]:
        torch.manual_seed(0)
        net = Net()
        with watch(net, every=1 if watched else 10**9) as lab:
            if not watched:
                lab.step()  # the first step is recorded always
            x = torch.randn(4, 6, 2, requires_grad=True)
            checkpoint(net, x, use_reentrant=reentrant).square().mean().backward()
            lab.step()
        return [x.grad, *(each.grad for each in net.parameters())], lab

    (alone, _), (watched, lab) = run(False), run(True)
    assert all(map(torch.equal, alone, watched))
    assert masks == []
    assert any("those of a checkpointed call must stay" in note for note in lab.notes)
