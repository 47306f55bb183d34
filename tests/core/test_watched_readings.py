"""Instruments of watched modules against cells that are unrolled under autograd, in float64, over random shapes."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from rnncore import watch
from rnncore.engine.instruments import from_torch, lyapunov_spectrum
from rnncore.engine.instruments.sensitivity import state_sensitivity
from tests.support.unrolled_modules import _step, unroll

KINDS = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "tanh": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="tanh", **options),
    "relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
}


def lstm(**changes: Any) -> dict[str, Any]:
    """An LSTM that is given a state, of which all that it returns is used."""
    options = {"num_layers": 2, "bias": True, "batch_first": True, "bidirectional": True, "dropout": 0.0}
    case = {"kind": "lstm", "hidden": 3, "T": 5, "B": 3, "lengths": None, "start": True, "used": "all", "seed": 1}
    return case | {"options": options} | changes


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    layers = draw(st.integers(1, 3))
    T, B = draw(st.integers(2, 6)), draw(st.integers(1, 3))
    return {
        "kind": draw(st.sampled_from(sorted(KINDS))), "hidden": draw(st.integers(1, 4)), "T": T, "B": B,
        "options": {
            "num_layers": layers,
            "bias": draw(st.booleans()),
            "batch_first": draw(st.booleans()),
            "bidirectional": draw(st.booleans()),
            "dropout": draw(st.sampled_from([0.0, 0.5])) if layers > 1 else 0.0,
        },
        "lengths": draw(st.one_of(st.none(), st.lists(st.integers(2, T), min_size=B, max_size=B))),
        "start": draw(st.booleans()), "used": draw(st.sampled_from(["all", "last", "outputs", "end"])),
        "seed": draw(st.integers(0, 99)),
    }  # fmt: skip


def loss_of(outputs: Tensor, end: tuple[Tensor, ...], used: str, seed: int) -> Tensor:
    """A loss of outputs (T, B, D W) and of the final h and c."""
    generator = torch.Generator().manual_seed(seed)
    parts = {"all": (outputs, *end), "outputs": (outputs,), "last": (outputs[-1],), "end": end}[used]
    return sum((each * torch.randn(each.shape, generator=generator, dtype=each.dtype)).sin().sum() for each in parts)


class Watched:
    """A module in one training step, and the same unrolled, with all that comes back."""

    def __init__(self, case: dict[str, Any], *asks: tuple[str, dict[str, Any]]) -> None:
        torch.manual_seed(case["seed"])
        module = self.module = KINDS[case["kind"]](2, case["hidden"], **case["options"]).double()
        T, B = case["T"], case["B"]
        lengths = None if case["lengths"] is None else torch.tensor(case["lengths"])
        x = self.x = torch.randn(T, B, 2, dtype=torch.float64)
        rows = module.num_layers * (2 if module.bidirectional else 1)
        states = 2 if case["kind"] == "lstm" else 1
        start = tuple(torch.randn(rows, B, case["hidden"]).double() for _ in range(states)) if case["start"] else None
        given_x = x.transpose(0, 1) if module.batch_first else x
        if lengths is not None:
            given_x = pack_padded_sequence(given_x, lengths, module.batch_first, enforce_sorted=False)
        state = None if start is None else start if states > 1 else start[0]
        torch.manual_seed(1)
        with watch(module, every=1) as lab:
            for name, chosen in asks:
                lab.ask(name, **chosen)
            outputs, end = module(given_x, state)
            outputs = nn.utils.rnn.pad_packed_sequence(outputs)[0] if lengths is not None else outputs
            outputs = outputs.transpose(0, 1) if module.batch_first and lengths is None else outputs
            loss_of(outputs, end if isinstance(end, tuple) else (end,), case["used"], case["seed"]).backward()
            lab.step()
        self.readings = [reading for _, reading in lab.readings]
        torch.manual_seed(1)
        width = None if lengths is None else int(lengths.max())
        done = self.done = unroll(module, x[:width], start, lengths)
        module.zero_grad()
        loss_of(done.outputs, done.end, case["used"], case["seed"]).backward(retain_graph=True)
        self.lengths, self.T = lengths, len(done.hidden[0])
        self.longest = torch.arange(B) if lengths is None else torch.nonzero(lengths == lengths.max())[:, 0]

    def below(self, t: int) -> Tensor:
        """What the top layer reads at a timestep, without dropout."""
        D = 2 if self.module.bidirectional else 1
        first = (self.module.num_layers - 2) * D
        if first < 0:
            return self.x[t]
        return torch.cat([self.done.seen[first + d][t] for d in range(D)], -1).detach()

    def gradient(self, row: int) -> Tensor:
        """The gradient (T, B, H) by the states of one layer and direction."""
        return torch.stack([grad_of(each) for each in self.done.hidden[row]])


def grad_of(tensor: Tensor) -> Tensor:
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


def of_top(case: dict[str, Any], reverse: bool) -> int:
    both = case["options"]["bidirectional"]
    return (case["options"]["num_layers"] - 1) * (1 + both) + reverse


def log10(values: Any) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log10(np.asarray(values))


def close(found: np.ndarray, wanted: Any) -> None:
    np.testing.assert_allclose(found, np.asarray(wanted), rtol=1e-8, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(cases(), st.booleans())
@example(lstm(), True)
@example(lstm(lengths=[5, 2, 5]), False)
def test_flow_is_what_autograd_brings_back_from_each_output(case: dict[str, Any], reverse: bool) -> None:
    reverse = reverse and case["options"]["bidirectional"]
    watched = Watched(case, ("flow", {"reverse": reverse}))
    (reading,), row, done = watched.readings, of_top(case, reverse), watched.done
    T, rows = watched.T, watched.longest
    ended = 0 if reverse else T - 1  # where the final state stands, of the longest sequences
    wanted = []
    for tau in range(T):
        entering = (done.seen[row][tau] * grad_of(done.seen[row][tau])).sum()
        if tau == ended:  # the unrolled module makes h_n of the states themselves
            entering = entering + (done.ends[row] * grad_of(done.ends[row])).sum()
            if len(done.end) > 1 and case["used"] in ("all", "end"):
                seeds = torch.autograd.grad(
                    loss_of(done.outputs, done.end, case["used"], case["seed"]), done.end[1], retain_graph=True
                )[0][row]
                entering = entering + (done.end[1][row] * seeds.detach()).sum()
        grads = torch.autograd.grad(entering, done.hidden[row], retain_graph=True, allow_unused=True)
        norms = [0.0 if each is None else float(each[rows].norm(dim=-1).mean()) for each in grads]
        wanted.append(norms)
    wanted = log10(wanted)
    kept = np.isfinite(wanted).any(1)
    if not kept.any():
        assert reading.undefined or not np.isfinite(reading.arrays["log10_gradient"]).any()
        return
    assert set(np.flatnonzero(kept) + 1) <= set(reading.arrays["tau"])
    found = dict(zip(reading.arrays["tau"], np.atleast_2d(reading.arrays["log10_gradient"]), strict=True))
    for tau in np.flatnonzero(kept) + 1:
        large = wanted[tau - 1] > -12
        close(found[tau][large], wanted[tau - 1][large])
        assert (found[tau][~large] < -10).all()


@settings(max_examples=30, deadline=None)
@given(cases())
@example(lstm())
@example(lstm(lengths=[5, 2, 4]))
def test_contributions_are_the_gradients_by_a_copy_of_the_matrix_for_each_timestep(case: dict[str, Any]) -> None:
    case["options"]["dropout"] = 0.0
    watched = Watched(case, ("contributions", {}))
    (reading,), row, module, done = watched.readings, of_top(case, False), watched.module, watched.done
    end = f"_l{case['options']['num_layers'] - 1}"
    copies = [getattr(module, f"weight_hh{end}").detach().clone().requires_grad_() for _ in range(watched.T)]
    state = tuple(each.detach() for each in done.start[row])
    entering: Any = 0.0
    for t, weight in enumerate(copies):
        own = {name: getattr(module, name + end, None) for name in ("weight_ih", "bias_ih", "bias_hh")}
        proxy = SimpleNamespace(
            **{f"{key}{end}": each for key, each in own.items()}, **{f"weight_hh{end}": weight}, mode=module.mode,
            proj_size=0,
        )  # fmt: skip
        new = _step(proxy, end, watched.below(t), state)  # type: ignore[arg-type]
        within = torch.ones(len(new[0]), 1) if watched.lengths is None else (t < watched.lengths)[:, None].double()
        state = tuple(torch.where(within > 0, a, b) for a, b in zip(new, state, strict=True))
        entering = entering + (new[0] * within * grad_of(done.seen[row][t])).sum()
    entering = entering + (state[0] * grad_of(done.ends[row])).sum()
    if len(state) > 1 and case["used"] in ("all", "end"):
        loss = loss_of(done.outputs, done.end, case["used"], case["seed"])
        entering = entering + (state[1] * torch.autograd.grad(loss, done.end[1])[0][row]).sum()
    parts = torch.stack(torch.autograd.grad(entering, copies)).flatten(1)
    whole = getattr(module, f"weight_hh{end}").grad.flatten()
    close(parts.sum(0), whole)
    close(reading.arrays["norm"], parts.norm(dim=1))
    large = parts.norm(dim=1) > 1e-9 * whole.norm()
    if whole.norm() > 1e-9:
        cosines = parts @ whole / (parts.norm(dim=1) * whole.norm())
        np.testing.assert_allclose(reading.arrays["cosine"][large.numpy()], cosines[large], atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(cases(), st.booleans(), st.data())
def test_the_parts_of_a_unit_add_up_to_autograds_gradient_in_every_layer(
    case: dict[str, Any], reverse: bool, data: st.DataObject
) -> None:
    reverse = reverse and case["options"]["bidirectional"]
    layer = data.draw(st.integers(1, case["options"]["num_layers"]))
    unit = data.draw(st.integers(1, case["hidden"]))
    watched = Watched(case, ("unit", {"reverse": reverse, "layer": layer, "unit": unit}))
    (reading,) = watched.readings
    row = (layer - 1) * (1 + case["options"]["bidirectional"]) + reverse
    first = int(watched.longest[0])
    close(reading.arrays["gradient"], watched.gradient(row)[:, first, unit - 1])
    close(reading.arrays["state"], torch.stack(watched.done.hidden[row]).detach()[:, first, unit - 1])
    parts = [reading.arrays[name] for name in ("direct", "through_itself", "through_others", "through_cell")
             if name in reading.arrays]  # fmt: skip
    close(sum(parts), reading.arrays["gradient"])  # type: ignore[arg-type]
    assert reading.chosen == {"layer": layer, "unit": unit}


@settings(max_examples=30, deadline=None)
@given(cases(), st.booleans())
@example(lstm(), False)
@example(lstm(kind="tanh"), True)
def test_half_lives_states_and_gradients_of_units_are_those_of_the_step(case: dict[str, Any], reverse: bool) -> None:
    case["options"]["dropout"] = 0.0
    reverse = reverse and case["options"]["bidirectional"]
    watched = Watched(case, ("memory", {"reverse": reverse}))
    (reading,), row, done, rows = watched.readings, of_top(case, reverse), watched.done, watched.longest
    order = reading.arrays["unit"].astype(int) - 1
    states = torch.stack(done.hidden[row]).detach()[:, rows]  # (T, B, H)
    close(reading.arrays["state"], states[:, 0].T[order])
    mean = watched.gradient(row)[:, rows].abs().mean(1).numpy()
    found, wanted = reading.arrays["log10_gradient"], log10(mean.T[order])
    close(found[wanted > -12], wanted[wanted > -12])
    module, end = watched.module, f"_l{case['options']['num_layers'] - 1}" + ("_reverse" if reverse else "")
    before = (
        torch.cat([states[1:], done.start[row][0].detach()[None, rows]])
        if reverse
        else torch.cat([done.start[row][0].detach()[None, rows], states[:-1]])
    )
    below = torch.stack([watched.below(t) for t in range(watched.T)])[:, rows]
    a = nn.functional.linear(below, getattr(module, f"weight_ih{end}"), getattr(module, f"bias_ih{end}", None))
    b = nn.functional.linear(before, getattr(module, f"weight_hh{end}"), getattr(module, f"bias_hh{end}", None))
    if case["kind"] in ("lstm", "gru"):
        kept = (a + b).chunk(4 if case["kind"] == "lstm" else 3, -1)[1].sigmoid()
    else:
        slopes = (states > 0).double() if case["kind"] == "relu" else 1 - states**2
        kept = slopes * getattr(module, f"weight_hh{end}").diagonal().abs()
    rates = kept.detach().log()
    rates = rates[:-1] if reverse and bool(rates[-1].isneginf().all()) else rates
    rates = rates[1:] if not reverse and bool(rates[0].isneginf().all()) and len(rates) > 1 else rates
    means = rates.mean((0, 1)).numpy()
    with np.errstate(divide="ignore"):
        lives = np.where(means < 0, math.log(2) / np.abs(means), np.inf)
    np.testing.assert_allclose(reading.arrays["half_life"], lives[order], rtol=1e-8)


@settings(max_examples=15, deadline=None)
@given(cases())
def test_exponents_and_sensitivity_are_those_of_the_same_layers_as_a_network(case: dict[str, Any]) -> None:
    case["options"] |= {"dropout": 0.0, "bidirectional": False, "bias": True}
    watched = Watched(case, ("lyapunov", {}), ("sensitivity", {}))
    chaos, sensitivity = watched.readings
    seen, model = watched.x.transpose(0, 1)[watched.longest, : watched.T], from_torch(watched.module)
    close(chaos.arrays["exponent"], lyapunov_spectrum(model, seen[:4]))
    close(sensitivity.arrays["sensitivity"], state_sensitivity(model, seen)[0])
    norms = watched.gradient(of_top(case, False))[:, watched.longest].norm(dim=-1).mean(1)
    for reading in watched.readings:
        if "gradient" in reading.arrays:
            close(reading.arrays["gradient"], norms)


def test_exponents_of_a_reverse_direction_are_those_of_its_weights_on_the_sequence_turned_round() -> None:
    torch.manual_seed(0)
    both, one = nn.GRU(2, 3, bidirectional=True).double(), nn.GRU(2, 3).double()
    one.load_state_dict({name: getattr(both, f"{name}_reverse") for name, _ in one.named_parameters()})
    x = torch.randn(7, 2, 2).double()
    with watch(both) as lab:
        found = lab.inspect("lyapunov", x, reverse=True).arrays["exponent"]
        close(found, lyapunov_spectrum(from_torch(one), x.flip(0).transpose(0, 1)))
        with pytest.raises(ValueError, match="leaves no such choice"):
            lab.inspect("lyapunov", x, unit=1)
