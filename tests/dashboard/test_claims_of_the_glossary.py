"""What the glossary claims of the terms that instruments name, over cells and seeds."""

import inspect
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dashboard.lessons.glossary import TERMS
from rnncore.config import ClipConfig, OptimizerConfig, TrainConfig
from rnncore.engine.clipping import Clipping, clip_gradients
from rnncore.engine.flat import FlatParameters, exact_norm
from rnncore.engine.flossing import floss
from rnncore.engine.instruments import flow_matrix, step_contributions
from rnncore.engine.instruments.sensitivity import state_sensitivity
from rnncore.engine.model import SequenceModel
from rnncore.engine.optimizers import make_optimizer
from rnncore.engine.readings.probe import Probe
from rnncore.engine.readings.updates import effective_rates
from rnncore.engine.train import Trainer
from rnncore.on_demand import ON_DEMAND
from tests.support.networks import build

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = range(3)


def test_every_term_that_a_card_names_is_there() -> None:
    named = {term for entry in ON_DEMAND.values() for term in entry.terms}
    assert named <= set(TERMS) | {"Cosine of two vectors", "Eigenvalue"}


@pytest.mark.parametrize("seed", SEEDS)
def test_adam_hardly_minds_how_long_a_gradient_is_and_sgd_does(seed: int) -> None:
    """`Adam`, `Effective learning rate`: eta over the usual size of the gradient, so that a tiny one moves as far."""
    moved: dict[tuple[str, float], list[float]] = {}
    for name in ("adam", "sgd"):
        for size in (1.0, 1e-4):
            torch.manual_seed(seed)
            weight = torch.nn.Parameter(torch.randn(50, dtype=torch.float64))
            optimizer = make_optimizer([weight], OptimizerConfig(name=name, learning_rate=0.01))
            lengths = []
            for _ in range(5):
                before, weight.grad = weight.detach().clone(), size * torch.randn(50, dtype=torch.float64)
                optimizer.step()
                lengths.append(float((weight.detach() - before).norm()))
            moved[name, size] = lengths
    np.testing.assert_allclose(moved["adam", 1e-4], moved["adam", 1.0], rtol=0.01)
    np.testing.assert_allclose(np.array(moved["sgd", 1e-4]) * 1e4, moved["sgd", 1.0], rtol=1e-3)


def config_of(seed: int, **fields: object) -> TrainConfig:
    plain = {
        "data": {"kind": "task", "task": "adding", "seq_len": 10}, "model": {"hidden_size": 5}, "steps": 9,
        "batch_size": 4, "seed": seed, "profile_every": 1, "clip": {"method": "off"},
    }  # fmt: skip
    return TrainConfig.model_validate(plain | fields)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_update_over_gradient_is_the_learning_rate_with_plain_sgd_alone(cell: str, seed: int) -> None:
    """`Update norm`, `Effective learning rate`."""
    model = {"cell": cell, "hidden_size": 5}
    plain = config_of(seed, model=model, optimizer={"name": "sgd", "learning_rate": 0.02})
    for record in Trainer(plain).records():
        assert record.update_norm / record.grad_norm == pytest.approx(0.02, rel=1e-3)
    for other in (
        {"optimizer": {"name": "adam", "learning_rate": 0.02}},
        {"clip": {"method": "norm", "threshold": 1e-4}},
    ):
        for record in Trainer(TrainConfig.model_validate(plain.model_dump() | other)).records():
            assert abs(record.update_norm / record.grad_norm / 0.02 - 1) > 0.1
    trainer = Trainer(plain)
    next(trainer.records())
    assert torch.equal(effective_rates(trainer, 0.02), torch.full_like(trainer.parameters.weights, 0.02))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_how_the_optimiser_steps_changes_nothing_about_how_gradients_go_back(cell: str, seed: int) -> None:
    """The card `adam`: at the same weights the profile is the same whatever the optimiser, and only updates differ."""
    firsts = []
    for name in ("adam", "sgd", "rmsprop"):
        config = config_of(
            seed, model={"cell": cell, "hidden_size": 5}, optimizer={"name": name, "learning_rate": 0.01}
        )
        firsts.append(next(Trainer(config).records()))
    for record in firsts[1:]:
        np.testing.assert_array_equal(record.hidden_grad_norm, firsts[0].hidden_grad_norm)
    assert len({record.update_norm for record in firsts}) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_clipping_by_norm_keeps_the_direction_by_value_turns_it_and_neither_lengthens(seed: int) -> None:
    """`Clipping`."""
    for method, threshold in (("norm", 0.5), ("value", 0.05), ("norm", 1e9), ("value", 1e9)):
        torch.manual_seed(seed)
        flat = FlatParameters(SequenceModel(config_of(0).model, 2, 1))
        gradient = torch.randn_like(flat.gradients)
        flat.gradients.copy_(gradient)
        norm = exact_norm(gradient)
        coefficient = clip_gradients(flat, norm, Clipping(ClipConfig(method=method, threshold=threshold), threshold))
        cosine = float(torch.nn.functional.cosine_similarity(flat.gradients, gradient, dim=0))
        assert exact_norm(flat.gradients) <= norm * (1 + 1e-6)
        assert coefficient <= 1
        assert (cosine < 0.999) == (method == "value" and threshold < 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_direct_path_through_a_cell_state_is_the_product_of_forget_gates(seed: int) -> None:
    """`Cell state`, `Forget gate`: d c_T / d c_0 with all h held."""
    model, inputs = build(("lstm", "tanh"), (1, 6, 2, 4, 1), seed)
    definition, weights = model.recurrent.definition, tuple(model.recurrent.layer_weights(0).values())
    below = inputs.transpose(0, 1)
    h, c = definition.start(below[0])
    c = first = (c + 0.3).requires_grad_()
    product = torch.ones_like(c)
    w_ih, w_hh, b_ih, b_hh = weights
    for x in below:
        held = h.detach()
        product = product * (x @ w_ih.T + held @ w_hh.T + b_ih + b_hh)[:, 4:8].sigmoid().detach()
        h, c = definition.step(x, (held, c), weights).state
    (found,) = torch.autograd.grad(c.sum(), first)
    torch.testing.assert_close(found, product)
    for bias, gate in ((0, 0.5), (2, 0.88)):
        assert 1 / (1 + math.exp(-bias)) == pytest.approx(gate, abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_rows_and_contributions_add_up(cell: str, seed: int) -> None:
    """`Gradient-flow matrix`, `Contribution of a timestep`, `State gradient`: of one sequence, in one direction."""
    model, inputs = build((cell, "tanh"), (1, 6, 2, 1, 1), seed, "every_step")  # one unit: vectors are numbers
    targets = torch.randn(1, 6, 1, dtype=torch.float64)
    own = flow_matrix(model, inputs, targets)
    definition, weights = model.recurrent.definition, tuple(model.recurrent.layer_weights(0).values())
    state, states = definition.start(inputs[:, 0]), []
    for x in inputs.transpose(0, 1):
        state = tuple(each.clone() for each in definition.step(x, state, weights).state)
        states.append(state[0])
    losses = (model.readout(torch.stack(states, 1)) - targets).square().mean((0, 2)) / 6
    rows = [torch.autograd.grad(loss, states, retain_graph=True, allow_unused=True) for loss in losses]
    signs = np.array([[0.0 if each is None else float(each) for each in row] for row in rows])
    np.testing.assert_allclose(own, np.abs(signs), rtol=1e-9, atol=1e-15)
    whole = torch.autograd.grad(losses.sum(), states, retain_graph=True)
    np.testing.assert_allclose(signs.sum(0), [float(each) for each in whole], rtol=1e-9)
    matrix = model.recurrent.layer_weights(0)["weight_hh"]
    (gradient,) = torch.autograd.grad(losses.sum(), matrix)
    parts = step_contributions(model, inputs, targets).sum(0).reshape(gradient.shape)
    np.testing.assert_allclose(parts, gradient.numpy(), rtol=1e-9, atol=1e-15)


def recalling(cell: str, memory: float, seed: int) -> tuple[SequenceModel, Tensor]:
    """Return a network whose units keep `memory` of what they hold per timestep, and no connection between units."""
    model, inputs = build((cell, "tanh"), (8, 150, 1, 4, 1), seed)
    gate = math.log(memory / (1 - memory))
    with torch.no_grad():
        for name, weight in model.recurrent.layer_weights(0).items():
            if name == "weight_hh":
                weight.zero_()
                if cell == "rnn":
                    weight.copy_(memory * torch.eye(4, dtype=torch.float64))
            elif name == "weight_ih":
                weight.mul_(1e-2)
            else:
                weight.zero_()
                if cell != "rnn" and name == "bias_ih":
                    weight[4:8] = gate
    return model, inputs


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_longer_the_memory_the_more_states_move_with_the_same_step(cell: str, seed: int) -> None:
    """`Parameter sensitivity`, and the card: though no gradient explodes; a GRU holds it down."""
    sensitivities, moves = [], []
    for memory in (0.5, 0.8, 0.95, 0.99):
        model, inputs = recalling(cell, memory, seed)
        sensitivities.append(float(state_sensitivity(model, inputs)[0][-1]))
        before, distances = model.recurrent(inputs)[:, -1].detach(), []
        generator = torch.Generator().manual_seed(seed)
        start = [each.detach().clone() for each in model.recurrent.parameters()]
        for _ in range(16):
            with torch.no_grad():
                for parameter, own in zip(model.recurrent.parameters(), start, strict=True):
                    parameter.copy_(own + 1e-6 * torch.randn(own.shape, generator=generator, dtype=torch.float64))
                distances.append(float((model.recurrent(inputs)[:, -1] - before).square().sum(-1).mean()))
        moves.append(math.sqrt(np.mean(distances)))
    if cell == "gru":
        assert max(sensitivities) < 2 * sensitivities[0], "it takes in less the more it keeps"
        assert max(moves) < 2 * moves[0]
        return
    assert sensitivities == sorted(sensitivities)
    assert moves == sorted(moves)
    assert sensitivities[-1] > 30 * sensitivities[0]
    assert moves[-1] > 5 * moves[0]


def test_flossing_looks_at_no_target() -> None:
    """`Gradient flossing`."""
    assert not [name for name in inspect.signature(floss).parameters if "target" in name or "label" in name]


@pytest.mark.parametrize("seed", SEEDS)
def test_twins_begin_with_the_same_weights_and_see_the_same_batches(seed: int) -> None:
    """`Twins`."""
    one, other = (Trainer(config_of(seed, clip={"method": method})) for method in ("off", "norm"))
    assert torch.equal(one.parameters.weights, other.parameters.weights)
    for step in (1, 4, 9):
        for mine, theirs in zip(Probe(one, step).batch()[:2], Probe(other, step).batch()[:2], strict=True):
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_eigenvalues_stretch_without_turning_and_come_in_pairs(seed: int) -> None:
    """`Eigenvalue`, `Spectral radius`."""
    generator = np.random.default_rng(seed)
    matrix = generator.standard_normal((5, 5))
    values, vectors = np.linalg.eig(matrix)
    np.testing.assert_allclose(matrix @ vectors, values * vectors, atol=1e-12)
    np.testing.assert_allclose(np.sort_complex(values), np.sort_complex(values.conj()), atol=1e-12)
    vector, logs = generator.standard_normal(5), []
    for _ in range(4000):
        vector = matrix @ vector
        logs.append(math.log(np.linalg.norm(vector)))
        vector /= np.linalg.norm(vector)
    assert math.exp(np.mean(logs)) == pytest.approx(np.abs(values).max(), rel=0.01)
