"""Jacobians of cells and of whole networks: closed forms against automatic differentiation, on random shapes."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rnncore.cells import CELLS as REGISTRY
from rnncore.engine.cells.definition import CellDefinition
from rnncore.engine.instruments.jacobians import NotDefinedError, layers_of, network_jacobians
from tests.support.networks import SIZES, build
from tests.support.toy_cell import KEY, toy_cell
from tests.support.unrolled import CELLS, KINDS


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(KINDS), sizes=SIZES, seed=st.integers(0, 2**31))
def test_closed_forms_are_what_differentiation_finds(kind: tuple[str, str], sizes: tuple[int, ...], seed: int) -> None:
    model, inputs = build(kind, sizes, seed)
    for layer in layers_of(model, inputs):
        part = slice(0, inputs.shape[1])
        before = tuple(each.flatten(0, 1) for each in layer.before)
        found = layer.jacobian(part)
        expected = CellDefinition.jacobian(layer.definition, layer.inputs.flatten(0, 1), before, layer.weights)
        torch.testing.assert_close(found.by_state, expected.by_state, rtol=1e-11, atol=1e-12)
        torch.testing.assert_close(found.by_input, expected.by_input, rtol=1e-11, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(cell=st.sampled_from(list(REGISTRY)), sizes=SIZES, seed=st.integers(0, 2**31))
def test_products_with_many_vectors_are_those_with_the_matrices(cell: str, sizes: tuple[int, ...], seed: int) -> None:
    model, inputs = build((cell, "tanh"), sizes, seed)
    for layer in layers_of(model, inputs):
        T, B, width = layer.inputs.shape
        before = tuple(each.flatten(0, 1) for each in layer.before)
        expected = CellDefinition.jacobian(layer.definition, layer.inputs.flatten(0, 1), before, layer.weights)
        by_state, by_input = (each.view(T, B, layer.size, -1) for each in expected)
        steps = layer.steps(slice(0, T))
        for t in range(T):
            rows, columns = torch.randn(B, 5, layer.size).double(), torch.randn(B, layer.size, 5).double()
            below = torch.randn(B, width, 5).double()
            forth = by_state[t] @ columns
            torch.testing.assert_close(steps.forth(t, columns), forth, rtol=1e-10, atol=1e-11)
            with_inputs = forth + by_input[t] @ below
            torch.testing.assert_close(steps.forth(t, columns, below), with_inputs, rtol=1e-10, atol=1e-11)
            found = torch.cat([torch.zeros_like(rows), rows], 1)
            steps.back(t, found[:, 5:])
            assert not found[:, :5].any()
            torch.testing.assert_close(found[:, 5:], rows @ by_state[t], rtol=1e-10, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(KINDS), sizes=SIZES, seed=st.integers(0, 2**31))
def test_the_jacobian_of_a_network_is_that_of_stacked_cells_of_torch(
    kind: tuple[str, str], sizes: tuple[int, ...], seed: int
) -> None:
    model, inputs = build(kind, sizes, seed)
    _, _, _, H, L = sizes
    cells = []
    for layer in range(L):
        weights = model.recurrent.layer_weights(layer)
        options = {"nonlinearity": kind[1]} if kind[0] == "rnn" else {}
        cell = CELLS[kind[0]](weights["weight_ih"].shape[1], H, dtype=torch.float64, **options)
        cell.load_state_dict(weights)
        cells.append(cell)

    def step(row: Tensor, x: Tensor) -> Tensor:
        """All layers' states in one row, one timestep on."""
        after = []
        for cell, own in zip(cells, row.split(row.numel() // L), strict=True):
            if isinstance(cell, nn.LSTMCell):
                h, c = cell(x[None], (own[None, :H], own[None, H:]))
                after += [h[0], c[0]]
            else:
                h = cell(x[None], own[None])
                after.append(h[0])
            x = h[0]
        return torch.cat(after)

    jacobians = list(network_jacobians(layers_of(model, inputs)))
    assert len(jacobians) == inputs.shape[1]
    row = torch.zeros(jacobians[0].shape[-1], dtype=torch.float64)
    for t, x in enumerate(inputs[0]):  # the first sequence
        expected = torch.autograd.functional.jacobian(lambda each: step(each, x), row)  # noqa: B023
        torch.testing.assert_close(jacobians[t][0], expected, rtol=1e-10, atol=1e-12)
        row = step(row, x).detach()


def test_a_cell_from_outside_has_its_jacobian_without_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with toy_cell(tmp_path, monkeypatch):
        model, inputs = build((KEY, "tanh"), (2, 5, 2, 3, 1), 0)
        weight, bias = model.recurrent.layer_weights(0).values()
        kept = 1 - (inputs @ weight[:3].T + bias[:3]).sigmoid()  # h_t = (1 - z_t) h_{t-1} + ..., z_t not of h_{t-1}
        for t, jacobian in enumerate(network_jacobians(layers_of(model, inputs))):
            torch.testing.assert_close(jacobian, kept[:, t].diag_embed().detach())


@pytest.mark.parametrize("shape", [(0, 5, 2), (3, 1, 2), (3, 0, 2)])
def test_nothing_is_said_where_nothing_is_defined(shape: tuple[int, ...]) -> None:
    model, _ = build(("rnn", "tanh"), (1, 2, 2, 3, 1), 0)
    with pytest.raises(NotDefinedError, match=f"not defined for {shape[0]} sequences of {shape[1]} timesteps"):
        layers_of(model, torch.zeros(shape, dtype=torch.float64))
