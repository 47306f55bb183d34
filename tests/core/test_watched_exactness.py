"""Watched profiles against cells that are unrolled with retain_grad, in float64, over random shapes and settings."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncore import watch
from tests.support.unrolled_modules import expected, unroll

KINDS = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "tanh": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="tanh", **options),
    "relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
}


@st.composite
def cases(draw: st.DrawFn, fewest: int = 1, most: int = 4) -> dict:
    kind = draw(st.sampled_from(sorted(KINDS)))
    layers = draw(st.integers(fewest, most))
    hidden = draw(st.integers(1, 5))
    options = {
        "num_layers": layers,
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.5])) if layers > 1 else 0.0,
    }
    if kind == "lstm" and hidden > 1 and draw(st.booleans()):
        options["proj_size"] = draw(st.integers(1, hidden - 1))
    batch = draw(st.integers(1, 4))
    steps = draw(st.integers(1, 7))
    lengths = draw(st.one_of(st.none(), st.lists(st.integers(1, steps), min_size=batch, max_size=batch)))
    return {
        "kind": kind, "sizes": (draw(st.integers(1, 3)), hidden), "options": options, "batch": batch, "steps": steps,
        "lengths": lengths, "start": draw(st.booleans()), "sample": draw(st.sampled_from([None, None, 2])),
        "used": draw(st.sets(st.sampled_from(["outputs", "h", "c"]), min_size=1)), "seed": draw(st.integers(0, 99)),
    }  # fmt: skip


def _loss(outputs: torch.Tensor, end: tuple[torch.Tensor, ...], used: set[str], seed: int) -> torch.Tensor:
    """A loss of (T, B, D W) outputs, h_n and c_n, each where it is `used`."""
    generator = torch.Generator().manual_seed(seed)
    parts = [("outputs", outputs), ("h", end[0]), *((("c", end[1]),) if len(end) > 1 else ())]
    chosen = [each for name, each in parts if name in used] or [outputs]
    return sum((each * torch.randn(each.shape, generator=generator, dtype=each.dtype)).sin().sum() for each in chosen)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_profiles_are_those_of_unrolled_cells(case: dict) -> None:
    check(case)


@settings(max_examples=12, deadline=None)
@given(cases(fewest=5, most=8))
def test_profiles_of_five_to_eight_layers_are_those_of_unrolled_cells(case: dict) -> None:
    check(case)


def check(case: dict) -> None:
    torch.manual_seed(case["seed"])
    module = KINDS[case["kind"]](*case["sizes"], **case["options"]).double()
    T, B = case["steps"], case["batch"]
    lengths = None if case["lengths"] is None else torch.tensor(case["lengths"])
    x = torch.randn(T, B, case["sizes"][0], dtype=torch.float64)
    rows = module.num_layers * (2 if module.bidirectional else 1)
    width = module.proj_size or module.hidden_size
    sizes = (width, module.hidden_size) if case["kind"] == "lstm" else (width,)
    start = tuple(torch.randn(rows, B, size, dtype=torch.float64) for size in sizes) if case["start"] else None

    given_x = x.transpose(0, 1) if module.batch_first else x
    if lengths is not None:
        given_x = pack_padded_sequence(given_x, lengths, module.batch_first, enforce_sorted=False)
    state = None if start is None else start if len(start) > 1 else start[0]
    torch.manual_seed(1)
    with watch(module, every=1, sample=case["sample"]) as lab:
        outputs, end = module(given_x, state)
        end = end if isinstance(end, tuple) else (end,)
        if lengths is not None:
            outputs = pad_packed_sequence(outputs, module.batch_first)[0]
        outputs = outputs.transpose(0, 1) if module.batch_first else outputs
        loss = _loss(outputs, end, case["used"], case["seed"])
        loss.backward()
        lab.step(loss=loss)
    found = lab.records[-1].profiles[""]

    torch.manual_seed(1)
    done = unroll(module, x, start, lengths)
    theirs = done.outputs[: len(outputs)]
    torch.testing.assert_close(theirs, outputs, rtol=1e-12, atol=1e-12)
    _loss(theirs, done.end, case["used"], case["seed"]).backward()
    for name, wanted in expected(done, case["sample"]).items():
        got = getattr(found, name)
        if wanted is None:
            assert got is None
        else:
            assert got.shape == wanted.shape, name
            np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-14, err_msg=name)
