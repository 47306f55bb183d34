"""The cells beside RNN, LSTM and GRU: gradients against formulas of the papers, and what must be true of each."""

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
from rnncore.engine.cells.antisymmetric import GAMMA, recurrent_matrix
from rnncore.engine.cells.definition import CellDefinition
from rnncore.engine.cells.lru import RING
from rnncore.engine.cells.minimal import Minimal, log_space_scan
from rnncore.engine.cells.recurrent import Recurrent, StateTape
from rnncore.engine.gradients import state_gradients
from rnncore.engine.instruments import flow_matrix
from rnncore.engine.instruments.jacobians import layers_of, network_jacobians
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer
from tests.support.cells_by_hand import (
    KINDS,
    STEPS,
    WITH_CELL_STATE,
    eigenvalues,
    grads_of,
    lru_output,
    unroll,
)
from tests.support.networks import SIZES, build
from tests.support.unrolled import relative_error

kinds = st.sampled_from(KINDS)
each_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)
FURTHER = [key for key, cell in CELLS.items() if cell.further]


def recorded(
    kind: tuple[str, str], sizes: tuple[int, ...], seed: int, **options: Any
) -> tuple[Recurrent, Tensor, Tensor, StateTape, list[Tensor]]:
    """Layers in float64, inputs, factors of the outputs in the loss; the tape of a backward pass, all else it gave."""
    B, T, F, H, L = sizes
    torch.manual_seed(seed)
    layers = Recurrent(kind[0], F, H, L, kind[1]).double()
    for name, value in options.items():
        setattr(layers, name, value)
    inputs, factors = torch.randn(B, T, F, dtype=torch.float64), torch.randn(B, T, H, dtype=torch.float64)
    tape, own = StateTape(), inputs.clone().requires_grad_()
    outputs = layers(own, tape)
    (outputs * factors).sum().backward()
    assert own.grad is not None
    return layers, inputs, factors, tape, [outputs.detach(), own.grad, *(p.grad for p in layers.parameters())]


def test_every_further_cell_has_a_formula_of_its_own_here() -> None:
    known = {(key, name) for key in FURTHER for name in CELLS[key].nonlinearities}
    assert known == set(KINDS)


@settings(max_examples=120, deadline=None)
@given(
    kind=kinds, sizes=SIZES, truncation=st.none() | st.integers(1, 9), clip=st.none() | st.floats(1e-3, 2),
    seed=st.integers(0, 2**31),
)  # fmt: skip
def test_states_and_all_gradients_are_those_of_the_papers_formula(
    kind: tuple[str, str], sizes: tuple[int, ...], truncation: int | None, clip: float | None, seed: int
) -> None:
    layers, inputs, factors, tape, found = recorded(kind, sizes, seed, truncation=truncation, recursion_clip=clip)
    weights = {name: value.clone().requires_grad_() for name, value in layers.state_dict().items()}
    own = inputs.clone().requires_grad_()
    outputs, states = unroll(kind, weights, own, sizes[-1], truncation, clip)
    (outputs * factors).sum().backward()
    expected = [outputs, own.grad, *(weights[name].grad for name, _ in layers.named_parameters())]
    for ours, theirs in zip(found, expected, strict=True):
        theirs = torch.zeros_like(ours) if theirs is None else theirs.detach()
        assert float((ours - theirs).norm()) <= 1e-10 * float(theirs.norm()) + 1e-15
    assert relative_error(torch.stack(tape.hidden), grads_of(states)) <= 1e-10
    reached = torch.stack([torch.stack([state[0] for state in layer]) for layer in states])
    assert relative_error(torch.stack(tape.states), reached) <= 1e-10
    assert (tape.cell is not None) == (kind[0] in WITH_CELL_STATE)
    if tape.cell is not None:
        assert relative_error(torch.stack(tape.cell), grads_of(states, 1)) <= 1e-10


@settings(max_examples=40, deadline=None)
@given(kind=kinds, sizes=SIZES, seed=st.integers(0, 2**31))
def test_jacobians_of_whole_networks_are_what_differentiation_finds(
    kind: tuple[str, str], sizes: tuple[int, ...], seed: int
) -> None:
    model, inputs = build(kind, sizes, seed)
    layers = layers_of(model, inputs)
    names = [cell.layer_weights(place) for cell in [model.recurrent] for place in range(sizes[-1])]
    stored = [{**weights, "weight_hh": model.recurrent.state_dict()[f"parametrizations.weight_hh_l{place}.original"]}
              if kind[0] == "orthogonal" else weights for place, weights in enumerate(names)]  # fmt: skip
    widths = [[each.shape[-1] for each in layer.states] for layer in layers]

    def step(row: Tensor, x: Tensor) -> Tensor:
        """All layers' states in one row, one timestep on."""
        after, rest = [], row
        for weights, own in zip(stored, widths, strict=True):
            *state, rest = rest.split([*own, len(rest) - sum(own)])
            new = STEPS[kind](weights, x[None], tuple(each[None] for each in state))
            after += [each[0] for each in new]
            x = lru_output(weights, x[None], new[0])[0] if kind[0] == "lru" else new[0][0]
        return torch.cat(after)

    row = torch.cat([each[0] for layer in layers for each in model.recurrent.definition.start(layer.inputs[0])])
    for t, jacobian in enumerate(network_jacobians(layers)):
        x = inputs[0, t]
        expected = torch.autograd.functional.jacobian(lambda each: step(each, x), row)  # noqa: B023
        torch.testing.assert_close(jacobian[0], expected, rtol=1e-9, atol=1e-12)
        row = step(row, x).detach()


@each_kind
def test_recording_does_not_change_a_bit(kind: tuple[str, str]) -> None:
    torch.manual_seed(3)
    layers = Recurrent(kind[0], 2, 5, 2, kind[1], dropout=0.4)
    layers.truncation, layers.recursion_clip = 4, 0.1
    inputs, grads = torch.randn(3, 9, 2), []
    for tape in (None, StateTape(), StateTape(cell=False)):
        torch.manual_seed(1)
        layers.zero_grad()
        outputs = layers(inputs, tape)
        outputs.square().sum().backward()
        grads.append([outputs.detach(), *(p.grad.clone() for p in layers.parameters() if p.grad is not None)])
    for others in grads[1:]:
        assert all(torch.equal(a, b) for a, b in zip(grads[0], others, strict=True))


@each_kind
def test_scans_states_and_gates_are_those_of_the_steps(kind: tuple[str, str]) -> None:
    model, inputs = build(kind, (3, 8, 2, 4, 2), 5)
    definition = model.recurrent.definition
    for below, states, weights in model.recurrent.layers(inputs):
        plain = CellDefinition.states(definition, below, weights)
        torch.testing.assert_close(plain[0], states)
        for ours, theirs in zip(definition.states(below, weights), plain, strict=True):
            torch.testing.assert_close(ours, theirs)
        if definition.entry.gates:
            expected = CellDefinition.gates(definition, below, states, weights)
            torch.testing.assert_close(definition.gates(below, states, weights), expected)


@pytest.mark.parametrize("cell", FURTHER)
def test_a_run_records_its_profile_exactly_and_is_the_same_again(cell: str) -> None:
    config = TrainConfig.model_validate(
        {"data": {"kind": "task", "seq_len": 10}, "model": {"cell": cell, "hidden_size": 4, "num_layers": 2},
         "steps": 6, "batch_size": 4, "eval_every": 3, "dtype": "float64"}
    )  # fmt: skip
    records = list(train(config))
    assert [each.train_loss for each in records] == [each.train_loss for each in train(config)]
    first, trainer = records[0], Trainer(config)
    batch = trainer.dataset.train_batch(1, 4, config.seed)
    inputs, targets = (torch.tensor(each, dtype=torch.float64) for each in (batch.inputs, batch.targets))
    weights = {name: value.detach() for name, value in trainer.model.recurrent.state_dict().items()}
    outputs, states = unroll((cell, "tanh"), weights, inputs.requires_grad_(), 2)
    ((trainer.model.readout(outputs[:, -1]) - targets) ** 2).mean(1).sum().backward()
    np.testing.assert_allclose(first.hidden_grad_norm, grads_of(states).norm(dim=-1).mean(-1), rtol=1e-6)
    assert first.snapshot is not None
    assert records[-1].diverged is None


# --- what must be true of each ------------------------------------------------------------------------------------


def last_step(model: SequenceModel, inputs: Tensor) -> Tensor:
    """dL/dh_t (T, B, W) of a one-layer model whose loss is at the last timestep."""
    return state_gradients(model, inputs, torch.randn(len(inputs), 1, dtype=inputs.dtype)).hidden[0]


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_indrnn_each_unit_multiplies_by_its_own_slope_and_weight(nonlinearity: str) -> None:
    model, inputs = build(("indrnn", nonlinearity), (3, 12, 2, 5, 1), 2)
    found = last_step(model, inputs)
    weights = model.recurrent.layer_weights(0)
    (h,) = model.recurrent.definition.states(inputs.transpose(0, 1), tuple(weights.values()))
    slopes = 1 - h * h if nonlinearity == "tanh" else (h > 0).double()
    for t in range(11):
        expected = found[-1] * (slopes[t + 1 :] * weights["weight_hh"]).prod(0)
        torch.testing.assert_close(found[t], expected.detach(), rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("cell", ["mingru", "minlstm"])
def test_minimal_cells_multiply_by_what_they_keep(cell: str) -> None:
    model, inputs = build((cell, "tanh"), (3, 12, 2, 5, 1), 2)
    found, weights = last_step(model, inputs), model.recurrent.layer_weights(0)
    gates = (inputs.transpose(0, 1) @ weights["weight_ih"].T + weights["bias_ih"]).sigmoid().detach()
    if cell == "mingru":
        kept = 1 - gates[..., :5]
    else:
        f, i, _ = gates.chunk(3, -1)
        kept = f / (f + i)
    for t in range(11):
        torch.testing.assert_close(found[t], found[-1] * kept[t + 1 :].prod(0), rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("cell", ["mingru", "minlstm"])
@pytest.mark.parametrize("seq_len", [1, 7, 300])
def test_the_parallel_form_in_log_space_is_the_sequential_one(cell: str, seq_len: int) -> None:
    torch.manual_seed(seq_len)
    for scale in (0.1, 1.0, 20.0):
        layers = Recurrent(cell, 3, 6).double()
        definition, inputs = layers.definition, scale * torch.randn(seq_len, 4, 3, dtype=torch.float64)
        assert isinstance(definition, Minimal)
        weights = tuple(layers.layer_weights(0).values())
        (expected,) = CellDefinition.states(definition, inputs, weights)
        torch.testing.assert_close(log_space_scan(*definition.log_terms(inputs, weights)), expected, rtol=1e-6, atol=0)


def test_lru_its_eigenvalues_lie_on_the_ring_and_carry_the_gradient() -> None:
    torch.manual_seed(4)
    model = SequenceModel(ModelConfig(cell="lru", hidden_size=40), 2, 1).double()
    found = eigenvalues(model.recurrent.layer_weights(0)).detach()
    assert RING[0] <= float(found.abs().min())
    assert float(found.abs().max()) <= RING[1]
    assert float(found.angle().abs().max()) > 2.5  # angles of all sizes
    model = SequenceModel(ModelConfig(cell="lru", hidden_size=7), 2, 1).double()
    gradients = torch.view_as_complex(last_step(model, torch.randn(3, 15, 2).double()).unflatten(-1, (7, 2)))
    conjugate = eigenvalues(model.recurrent.layer_weights(0)).conj().resolve_conj().detach()
    for t in range(15):  # dh_T/dh_t = lambda^(T - t); a gradient meets its conjugate
        torch.testing.assert_close(gradients[t], gradients[-1] * conjugate ** (14 - t), rtol=1e-11, atol=1e-300)


def test_lru_white_noise_gives_states_of_variance_1_at_the_start() -> None:
    torch.manual_seed(0)
    layers = Recurrent("lru", 3, 200)
    with torch.no_grad():
        (_, states, _), *_ = layers.layers(torch.randn(4, 3000, 3))
    power = states[1500:].unflatten(-1, (200, 2)).square().sum(-1).mean()
    assert 0.85 < float(power) < 1.15


def test_lru_a_hidden_size_counts_complex_units() -> None:
    model = SequenceModel(ModelConfig(cell="lru", hidden_size=5, num_layers=2), 2, 1)
    tape = StateTape()
    outputs = model.recurrent(torch.randn(3, 4, 2), tape)
    assert outputs.shape == (3, 4, 5)
    assert [each.shape for each in tape.states] == [(4, 3, 10)] * 2


def test_the_lstm_of_1997_keeps_what_is_in_its_second_state() -> None:
    model, inputs = build(("lstm1997", "tanh"), (3, 30, 2, 5, 1), 1)
    with torch.no_grad():
        model.recurrent.layer_weights(0)["weight_hh"].zero_()  # what is left is the direct path alone
    cell = state_gradients(model, inputs, torch.randn(3, 1, dtype=torch.float64)).cell
    assert cell is not None
    assert torch.equal(cell[0], cell[0, -1:].expand(30, -1, -1))  # dc_T/dc_t = 1, to the last bit


@pytest.mark.parametrize("cell", ["peephole", "coupled"])
def test_the_other_lstms_multiply_their_second_state_by_what_they_keep(cell: str) -> None:
    model, inputs = build((cell, "tanh"), (2, 9, 2, 4, 1), 1)
    weights = model.recurrent.layer_weights(0)
    with torch.no_grad():
        weights["weight_hh"].zero_()
        if cell == "peephole":
            weights["weight_ch"].zero_()
    found = state_gradients(model, inputs, torch.randn(2, 1, dtype=torch.float64)).cell
    assert found is not None
    gates = (inputs.transpose(0, 1) @ weights["weight_ih"].T + weights["bias_ih"] + weights["bias_hh"]).detach()
    kept = gates[..., 4:8].sigmoid() if cell == "peephole" else 1 - gates[..., :4].sigmoid()
    for t in range(8):
        torch.testing.assert_close(found[0, t], found[0, -1] * kept[t + 1 :].prod(0), rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("hidden_size", [3, 64])
def test_an_orthogonal_matrix_stays_so_while_it_learns(dtype: str, tolerance: float, hidden_size: int) -> None:
    config = TrainConfig.model_validate(
        {"data": {"kind": "task", "seq_len": 12}, "model": {"cell": "orthogonal", "hidden_size": hidden_size},
         "optimizer": {"learning_rate": 0.05, "weight_decay": 0.01}, "steps": 30, "dtype": dtype}
    )  # fmt: skip
    trainer = Trainer(config)
    first = trainer.model.recurrent.layer_weights(0)["weight_hh"].detach().clone()
    for record in trainer.records():
        matrix = trainer.model.recurrent.weight_hh_l0.detach()
        if record.step in (1, 10, 30):
            values = torch.linalg.svdvals(matrix.double())
            assert float((values - 1).abs().max()) <= tolerance
    assert float((matrix - first).norm()) > 0.1


def test_an_antisymmetric_matrix_neither_stretches_nor_shrinks() -> None:
    layers = Recurrent("antisymmetric", 2, 9).double()
    real = torch.linalg.eigvals(recurrent_matrix(layers.layer_weights(0)["weight_hh"].detach())).real
    torch.testing.assert_close(real, torch.full_like(real, -GAMMA), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", ["mingru", "minlstm", "coupled", "peephole"])
def test_chrono_biases_let_units_keep_what_they_are_meant_to(cell: str) -> None:
    config = TrainConfig.model_validate(
        {"data": {"kind": "task", "seq_len": 100}, "model": {"cell": cell, "hidden_size": 300},
         "init": {"chrono": True}}
    )  # fmt: skip
    weights = Trainer(config).model.recurrent.layer_weights(0)
    bias = sum(weights[name].detach() for name in CELLS[cell].biases).sigmoid()
    blocks = dict(zip(CELLS[cell].blocks, bias.chunk(len(CELLS[cell].blocks)), strict=True))
    kept = {"mingru": lambda: 1 - blocks["update"], "coupled": lambda: 1 - blocks["input"],
            "peephole": lambda: blocks["forget"],
            "minlstm": lambda: blocks["forget"] / (blocks["forget"] + blocks["input"])}[cell]()  # fmt: skip
    times = 1 / (1 - kept) - 1  # u of U(1, T - 1), kept = u / (1 + u)
    assert float(times.min()) > 1 - 1e-3
    assert float(times.max()) < 100
    assert 40 < float(times.mean()) < 60


@pytest.mark.parametrize("cell", FURTHER)
@pytest.mark.parametrize("scheme", ["orthogonal", "normal"])
def test_recurrent_weights_that_a_cell_draws_itself_are_not_offered(cell: str, scheme: str) -> None:
    fields = {"model": {"cell": cell}, "init": {"scheme": scheme}}
    if CELLS[cell].takes_schemes:
        TrainConfig.model_validate(fields)
        return
    why = "has none" if CELLS[cell].matrix is None else "draws its own"
    with pytest.raises(ValueError, match=f"the cell '{cell}' {why}; use 'default'"):
        TrainConfig.model_validate(fields)


@each_kind
def test_the_flow_matrix_ends_in_the_recorded_profile(kind: tuple[str, str]) -> None:
    model, inputs = build(kind, (3, 7, 2, 4, 2), 6)
    targets = torch.randn(3, 1, dtype=torch.float64)
    profile = state_gradients(model, inputs, targets).hidden[-1].norm(dim=-1).mean(-1)
    np.testing.assert_allclose(flow_matrix(model, inputs, targets)[0], profile, rtol=1e-9)


@pytest.mark.parametrize("cell", FURTHER)
def test_only_units_with_ends_can_be_saturated(cell: str) -> None:
    config = TrainConfig.model_validate(
        {"data": {"kind": "task", "seq_len": 8}, "model": {"cell": cell, "hidden_size": 6}, "mistake": "unscaled",
         "steps": 1}
    )  # fmt: skip
    (record,) = train(config)
    assert record.snapshot is not None
    (layer,) = record.snapshot["health"]["layers"]
    assert layer["size"] > 0
    assert layer["saturated"] == 0 or CELLS[cell].squashed
