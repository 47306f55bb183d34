"""A cell that only says what one step does: trained and recorded as exactly as by a scan of its own."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from rnncore import train
from rnncore.cells import CELLS, Cell, Gate, Shapes
from rnncore.config import ModelConfig, TrainConfig
from rnncore.engine.cells.definition import CellDefinition, Step, Weights
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.recurrent import Recurrent, StateTape
from rnncore.engine.gradients import state_gradients
from rnncore.engine.model import SequenceModel
from rnncore.engine.verify import reference_gradients, verify
from tests.support.registered import registered
from tests.support.unrolled import KINDS, relative_error, unroll

kinds = st.sampled_from(KINDS)
sizes = st.fixed_dictionaries(
    {name: st.integers(1, most) for name, most in {"B": 5, "T": 12, "I": 4, "H": 7, "layers": 3}.items()}
)


def without_scan(layers: Recurrent) -> Recurrent:
    """Let layers know of their cell only what one step does."""
    whole = type(layers.definition)
    plain = type("Plain", (whole,), {"scan": CellDefinition.scan, "gates": CellDefinition.gates})
    layers.definition = plain(layers.entry, layers.hidden_size, layers.definition.nonlinearity)
    return layers


def both_ways(kind: tuple[str, str], size: dict[str, int], **settings: Any) -> tuple[Recurrent, Recurrent]:
    """The same layers with their fast scan and without."""
    fast, plain = (Recurrent(kind[0], size["I"], size["H"], size["layers"], kind[1]).double() for _ in range(2))
    plain.load_state_dict(fast.state_dict())
    for layers in (fast, without_scan(plain)):
        for name, value in settings.items():
            setattr(layers, name, value)
    return fast, plain


def run(layers: Recurrent, inputs: Tensor, factors: Tensor) -> tuple[StateTape, list[Tensor]]:
    """One recorded pass; return the tape, and outputs, gradients of inputs and parameters."""
    tape, inputs = StateTape(), inputs.clone().requires_grad_()
    layers.zero_grad()
    outputs = layers(inputs, tape)
    (outputs * factors).sum().backward()
    assert inputs.grad is not None
    return tape, [outputs.detach(), inputs.grad, *(p.grad.clone() for p in layers.parameters() if p.grad is not None)]


def example(size: dict[str, int]) -> tuple[Tensor, Tensor]:
    B, T = size["B"], size["T"]
    return torch.randn(B, T, size["I"], dtype=torch.float64), torch.randn(B, T, size["H"], dtype=torch.float64)


@settings(max_examples=60, deadline=None)
@given(
    kind=kinds, size=sizes, truncation=st.none() | st.integers(1, 12), clip=st.none() | st.floats(1e-3, 2),
    seed=st.integers(0, 2**31),
)  # fmt: skip
def test_steps_under_autograd_are_the_scan(
    kind: tuple[str, str], size: dict[str, int], truncation: int | None, clip: float | None, seed: int
) -> None:
    torch.manual_seed(seed)
    fast, plain = both_ways(kind, size, truncation=truncation, recursion_clip=clip)
    inputs, factors = example(size)
    (expected, numbers), (tape, others) = run(fast, inputs, factors), run(plain, inputs, factors)
    for ours, theirs in zip(others, numbers, strict=True):
        assert relative_error(ours, theirs) <= 1e-10
    for name in ("hidden", "direct", "states"):
        assert relative_error(torch.stack(getattr(tape, name)), torch.stack(getattr(expected, name))) <= 1e-10
    assert (tape.cell is None) == (expected.cell is None) == (kind[0] != "lstm")
    if tape.cell is not None and expected.cell is not None:
        assert relative_error(torch.stack(tape.cell), torch.stack(expected.cell)) <= 1e-10


@settings(max_examples=30, deadline=None)
@given(kind=kinds, size=sizes, truncation=st.none() | st.integers(1, 12), seed=st.integers(0, 2**31))
def test_steps_under_autograd_are_torchs_cells(
    kind: tuple[str, str], size: dict[str, int], truncation: int | None, seed: int
) -> None:
    torch.manual_seed(seed)
    _, plain = both_ways(kind, size, truncation=truncation)
    inputs, factors = example(size)
    tape, _ = run(plain, inputs, factors)
    reference = unroll(plain.state_dict(), kind, inputs, truncation=truncation)
    (reference.outputs * factors).sum().backward()
    assert relative_error(torch.stack(tape.hidden), reference.hidden_grads()) <= 1e-10
    if tape.cell is not None:
        assert relative_error(torch.stack(tape.cell), reference.cell_grads()) <= 1e-10


SIZE = {"B": 3, "T": 9, "I": 2, "H": 5, "layers": 2}
parametrize_kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


@parametrize_kinds
@pytest.mark.parametrize("change", [{}, {"truncation": 4, "recursion_clip": 0.1}], ids=str)
def test_recording_does_not_change_a_bit(kind: tuple[str, str], change: dict[str, Any]) -> None:
    _, plain = both_ways(kind, SIZE, dropout=0.4, **change)
    inputs, factors = example(SIZE)
    grads = []
    for tape in (None, StateTape(), StateTape(cell=False)):
        torch.manual_seed(1)
        plain.zero_grad()
        outputs = plain(inputs, tape)
        (outputs * factors).sum().backward()
        grads.append([outputs.detach(), *(p.grad.clone() for p in plain.parameters() if p.grad is not None)])
    for others in grads[1:]:
        assert all(torch.equal(a, b) for a, b in zip(grads[0], others, strict=True))


def test_a_clip_that_is_never_reached_does_not_change_a_bit() -> None:
    _, plain = both_ways(("lstm", "tanh"), SIZE)
    inputs, factors = example(SIZE)
    _, free = run(plain, inputs, factors)
    plain.recursion_clip = 1e20
    _, clipped = run(plain, inputs, factors)
    assert all(torch.equal(a, b) for a, b in zip(free, clipped, strict=True))


def test_a_second_backward_pass_writes_a_tape_anew() -> None:
    _, plain = both_ways(("lstm", "tanh"), SIZE)
    inputs, factors = example(SIZE)
    tape = StateTape()
    loss = (plain(inputs, tape) * factors).sum()
    loss.backward(retain_graph=True)
    first = tape.hidden + tape.direct + (tape.cell or [])
    kept = [each.clone() for each in first]
    (2 * loss).backward()
    second = tape.hidden + tape.direct + (tape.cell or [])
    assert all(torch.equal(a, b) and torch.equal(c, 2 * a) for a, b, c in zip(first, kept, second, strict=True))


@parametrize_kinds
def test_without_gradients_the_outputs_are_the_same(kind: tuple[str, str]) -> None:
    fast, plain = both_ways(kind, SIZE)
    inputs, _ = example(SIZE)
    with torch.no_grad():
        tape = StateTape()
        torch.testing.assert_close(plain(inputs, tape), fast(inputs), rtol=1e-12, atol=1e-14)
        if fast.entry.gates:
            torch.testing.assert_close(plain.gates(inputs), fast.gates(inputs))


@pytest.mark.parametrize("readout", ["last", "mean", "attention", "every_step"])
@pytest.mark.parametrize("ragged", [False, True])
def test_every_readout_gets_exact_gradients(readout: str, ragged: bool) -> None:
    torch.manual_seed(0)
    model = SequenceModel(ModelConfig(cell="gru", hidden_size=4, num_layers=2, readout=readout), 2, 1).double()
    without_scan(model.recurrent)
    inputs = torch.randn(3, 7, 2, dtype=torch.float64)
    targets = torch.randn(*((3, 7, 1) if readout == "every_step" else (3, 1)), dtype=torch.float64)
    lengths = torch.tensor([7, 2, 5]) if ragged else None
    found = state_gradients(model, inputs, targets, "mse", lengths)
    expected = reference_gradients(model, inputs, targets, lengths)
    assert relative_error(found.hidden, expected.hidden) <= 1e-12
    assert torch.equal(found.direct[0, -1], found.hidden[0, -1])


# --- a cell whose state is not what the layer above sees -----------------------------------------------------------


def diagonal(blocks: int, input_size: int, hidden_size: int) -> Shapes:
    return {"decay": (2 * hidden_size,), "weight_ih": (2 * hidden_size, input_size),
            "weight_out": (hidden_size, 2 * hidden_size), "skip": (hidden_size, input_size)}  # fmt: skip


class Diagonal(CellDefinition):
    """h_t = decay * h_{t-1} + W x_t, twice as wide as what the layer above sees: C tanh(h_t) + D x_t."""

    def start(self, inputs: Tensor) -> State:
        return (inputs.new_zeros(len(inputs), 2 * self.hidden_size),)

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        decay, w_ih, _, _ = weights
        h = decay.sigmoid() * state[0] + F.linear(inputs, w_ih)
        return Step((h,), (decay.sigmoid().expand_as(h)[:, : self.hidden_size],))

    def outputs(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        _, _, w_out, skip = weights
        return F.linear(states.tanh(), w_out) + F.linear(inputs, skip)


@pytest.fixture
def diagonal_cell() -> Iterator[Cell]:
    entry = Cell(
        key="diagonal", title="Diagonal", help="Units that do not see one another.", phrase="a diagonal network",
        blocks=("hidden",), layout=diagonal, matrix=None, biases=(), gates=(Gate("d", "decay"),),
        implementation=f"{__name__}:Diagonal",
    )  # fmt: skip
    with registered(CELLS, entry):
        yield entry


def test_a_wide_state_is_recorded_whole(diagonal_cell: Cell) -> None:
    torch.manual_seed(0)
    model = SequenceModel(ModelConfig(cell="diagonal", hidden_size=3, num_layers=2), 2, 1).double()
    inputs = torch.randn(4, 6, 2, dtype=torch.float64)
    found = state_gradients(model, inputs, torch.randn(4, 1, dtype=torch.float64))
    assert found.hidden.shape == (2, 6, 4, 6)
    decay = model.recurrent.layer_weights(1)["decay"].detach().sigmoid()
    expected = torch.stack([found.hidden[1, -1] * decay ** (5 - t) for t in range(6)])  # dh_T/dh_t = decay^(T-t)
    torch.testing.assert_close(found.hidden[1], expected, rtol=1e-12, atol=0)
    assert not found.direct[1, :-1].any()
    torch.testing.assert_close(found.direct[1, -1], found.hidden[1, -1])


def test_a_cell_without_a_matrix_trains_and_is_shown(diagonal_cell: Cell) -> None:
    config = TrainConfig.model_validate(
        {"data": {"kind": "task", "seq_len": 8}, "model": {"cell": "diagonal", "hidden_size": 4, "num_layers": 2},
         "steps": 30, "batch_size": 8, "truncation": 5, "clip": {"method": "recursion", "threshold": 0.01},
         "init": {"scheme": "default"}}
    )  # fmt: skip
    records = list(train(config))
    assert records[-1].train_loss < records[0].train_loss
    assert records[0].hidden_grad_norm is not None
    assert (records[0].hidden_grad_norm[1] > 0).tolist() == [False] * 3 + [True] * 5
    assert records[0].snapshot is not None
    assert records[0].snapshot.gates is not None
    np.testing.assert_array_less(0, records[0].snapshot.gates.mean)
    assert records[0].snapshot.sigma_max is None


def test_verify_covers_every_registered_cell(diagonal_cell: Cell) -> None:
    checks = list(verify(seed=3))
    assert sum("Diagonal" in check.name for check in checks) == 2
    assert all(check.passed for check in checks)
