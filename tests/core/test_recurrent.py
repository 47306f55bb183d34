"""Recurrent layers: torch.nn's parameters and outputs, total state gradients of unrolled cells, one trajectory."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncore.engine.cells.recurrent import Recurrent, StateTape
from tests.support.unrolled import KINDS, LAYERS, relative_error, unroll

parametrize_kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def layers_and_inputs(
    kind: tuple[str, str], num_layers: int = 2, dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[Recurrent, Tensor, Tensor]:
    """Return layers of 5 units, inputs (3, 9, 2) and factors (3, 9, 5) that make a loss of the outputs."""
    torch.manual_seed(seed)
    layers = Recurrent(kind[0], 2, 5, num_layers, kind[1]).to(dtype)
    return layers, torch.randn(3, 9, 2, dtype=dtype), torch.randn(3, 9, 5, dtype=dtype)


def parameter_grads(module: nn.Module) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in module.parameters() if parameter.grad is not None]


@parametrize_kinds
def test_the_same_seed_gives_torch_nns_parameters(kind: tuple[str, str]) -> None:
    torch.manual_seed(3)
    ours = Recurrent(kind[0], 2, 5, num_layers=2)
    torch.manual_seed(3)
    theirs = LAYERS[kind[0]](2, 5, num_layers=2)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


@parametrize_kinds
@pytest.mark.parametrize("grad", [True, False])
def test_a_state_dict_loads_strictly_both_ways_and_gives_the_same_outputs(kind: tuple[str, str], grad: bool) -> None:
    ours, inputs, _ = layers_and_inputs(kind, dtype=torch.float32)
    options = {"nonlinearity": kind[1]} if kind[0] == "rnn" else {}
    theirs = LAYERS[kind[0]](2, 5, num_layers=2, batch_first=True, **options)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    with torch.set_grad_enabled(grad):
        torch.testing.assert_close(ours(inputs), theirs(inputs)[0])


@parametrize_kinds
@pytest.mark.parametrize("num_layers", [1, 3])
def test_the_tape_and_the_parameters_get_the_gradients_of_unrolled_cells(
    kind: tuple[str, str], num_layers: int
) -> None:
    layers, inputs, factors = layers_and_inputs(kind, num_layers)
    inputs.requires_grad_()
    tape = StateTape()
    outputs = layers(inputs, tape)
    (outputs * factors).sum().backward()
    d_inputs, inputs.grad = inputs.grad, None

    reference = unroll(layers.state_dict(), kind, inputs)
    (reference.outputs * factors).sum().backward()
    assert relative_error(outputs, reference.outputs) <= 1e-13
    assert relative_error(torch.stack(tape.hidden), reference.hidden_grads()) <= 1e-13
    assert relative_error(d_inputs, inputs.grad) <= 1e-13
    expected = [parameter.grad for step in reference.steps for parameter in step.parameters()]
    for actual, wanted in zip(parameter_grads(layers), expected, strict=True):
        assert relative_error(actual, wanted) <= 1e-13
    for states, hs in zip(tape.states, reference.hidden, strict=True):
        assert relative_error(states, torch.stack(hs)) <= 1e-13
        assert not states.requires_grad
    torch.testing.assert_close(tape.direct[-1], factors.transpose(0, 1))
    if kind[0] == "lstm":
        assert relative_error(torch.stack(tape.cell), reference.cell_grads()) <= 1e-13
    else:
        assert tape.cell is None


@parametrize_kinds
def test_the_direct_part_is_the_total_without_what_comes_through_later_timesteps(kind: tuple[str, str]) -> None:
    """With segments of one step nothing comes through time: there the total of the lower layer is its direct part."""
    layers, inputs, factors = layers_and_inputs(kind)
    tape, cut = StateTape(), StateTape()
    (layers(inputs, tape) * factors).sum().backward()
    layers.truncation = 1
    (layers(inputs, cut) * factors).sum().backward()
    torch.testing.assert_close(cut.hidden[1], tape.direct[1])
    for one in (tape, cut):
        through_time = one.hidden[0] - one.direct[0]
        assert torch.equal(through_time[-1], torch.zeros(3, 5, dtype=torch.float64))
    assert torch.equal(cut.hidden[0], cut.direct[0])


@parametrize_kinds
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_recording_changes_no_bit_of_outputs_or_gradients(kind: tuple[str, str], dtype: torch.dtype) -> None:
    layers, inputs, factors = layers_and_inputs(kind, dtype=dtype)
    results = []
    for tape in (None, StateTape(), StateTape(cell=False), None):
        layers.zero_grad()
        outputs = layers(inputs, tape)
        (outputs * factors).sum().backward()
        results.append([outputs.detach(), *parameter_grads(layers)])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@parametrize_kinds
def test_dropout_between_layers_is_torchs_and_its_gradient_exact(kind: tuple[str, str]) -> None:
    layers, inputs, factors = layers_and_inputs(kind, num_layers=3)
    layers.dropout = 0.4
    tape = StateTape()
    torch.manual_seed(1)
    outputs = layers(inputs, tape)
    (outputs * factors).sum().backward()
    torch.manual_seed(1)
    masks = [F.dropout(torch.ones(9, 3, 5, dtype=torch.float64), 0.4) for _ in range(2)]
    reference = unroll(layers.state_dict(), kind, inputs, masks)
    (reference.outputs * factors).sum().backward()
    assert relative_error(outputs, reference.outputs) <= 1e-13
    assert relative_error(torch.stack(tape.hidden), reference.hidden_grads()) <= 1e-13
    layers.eval()
    torch.testing.assert_close(layers(inputs), unroll(layers.state_dict(), kind, inputs).outputs)


@parametrize_kinds
@pytest.mark.parametrize("truncation", [1, 4, 9, 20])
def test_truncation_cuts_at_borders_counted_from_the_end(kind: tuple[str, str], truncation: int) -> None:
    layers, inputs, factors = layers_and_inputs(kind)
    layers.truncation = truncation
    tape = StateTape()
    (layers(inputs, tape) * factors).sum().backward()
    reference = unroll(layers.state_dict(), kind, inputs, truncation=truncation)
    (reference.outputs * factors).sum().backward()
    assert relative_error(torch.stack(tape.hidden), reference.hidden_grads()) <= 1e-13
    expected = [parameter.grad for step in reference.steps for parameter in step.parameters()]
    for actual, wanted in zip(parameter_grads(layers), expected, strict=True):
        assert relative_error(actual, wanted) <= 1e-13


@parametrize_kinds
def test_beyond_the_cut_a_last_step_loss_has_exactly_no_gradient(kind: tuple[str, str]) -> None:
    layers, inputs, factors = layers_and_inputs(kind)
    layers.truncation = 4
    tape = StateTape()
    (layers(inputs, tape)[:, -1] * factors[:, -1]).sum().backward()
    for hidden in tape.hidden:
        alive = hidden.abs().sum((1, 2)) > 0
        assert alive.tolist() == [False] * 5 + [True] * 4


@parametrize_kinds
def test_recursion_clip_bounds_each_sequences_gradient_inside_the_recursion(kind: tuple[str, str]) -> None:
    layers, inputs, factors = layers_and_inputs(kind)
    layers.recursion_clip = 1.5
    tape = StateTape()
    (layers(inputs, tape) * factors).sum().backward()
    reference = unroll(layers.state_dict(), kind, inputs, clip=1.5)
    (reference.outputs * factors).sum().backward()
    hidden = torch.stack(tape.hidden)
    norms = hidden.norm(dim=-1) * len(inputs)
    assert norms.max() <= 1.5 * (1 + 1e-12)
    assert 0 < (norms < 1.4).sum() < norms.numel()
    assert relative_error(hidden, reference.hidden_grads()) <= 1e-13
    expected = [parameter.grad for step in reference.steps for parameter in step.parameters()]
    for actual, wanted in zip(parameter_grads(layers), expected, strict=True):
        assert relative_error(actual, wanted) <= 1e-13


@parametrize_kinds
def test_an_unreachable_recursion_clip_changes_no_bit(kind: tuple[str, str]) -> None:
    layers, inputs, factors = layers_and_inputs(kind, dtype=torch.float32)
    results = []
    for clip in (None, 1e30):
        layers.recursion_clip = clip
        layers.zero_grad()
        (layers(inputs) * factors).sum().backward()
        results.append(parameter_grads(layers))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@parametrize_kinds
def test_graphs_that_live_at_the_same_time_do_not_disturb_one_another(kind: tuple[str, str]) -> None:
    layers, inputs, factors = layers_and_inputs(kind)
    alone = torch.autograd.grad((layers(inputs) * factors).sum(), list(layers.parameters()))
    first, second = layers(inputs), layers(2 * inputs)
    torch.autograd.grad((second * factors).sum(), list(layers.parameters()))
    layers(3 * inputs)
    together = torch.autograd.grad((first * factors).sum(), list(layers.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


@parametrize_kinds
def test_a_graph_that_is_kept_can_be_used_twice(kind: tuple[str, str]) -> None:
    layers, inputs, factors = layers_and_inputs(kind)
    parameters = list(layers.parameters())
    outputs = layers(inputs)
    once = torch.autograd.grad((outputs * factors).sum(), parameters, retain_graph=True)
    layers(2 * inputs).sum().backward()
    twice = torch.autograd.grad((outputs * factors).sum(), parameters)
    assert all(torch.equal(a, b) for a, b in zip(once, twice, strict=True))


@parametrize_kinds
@pytest.mark.parametrize(("B", "T", "width"), [(1, 1, 1), (4, 1, 3), (1, 6, 1)])
def test_the_smallest_shapes_work(kind: tuple[str, str], B: int, T: int, width: int) -> None:
    torch.manual_seed(0)
    layers = Recurrent(kind[0], width, 1, 2, kind[1]).double()
    inputs = torch.randn(B, T, width, dtype=torch.float64)
    tape = StateTape()
    layers(inputs, tape).sum().backward()
    reference = unroll(layers.state_dict(), kind, inputs)
    reference.outputs.sum().backward()
    assert relative_error(torch.stack(tape.hidden), reference.hidden_grads()) <= 1e-13


def test_a_tape_serves_one_pass_after_another() -> None:
    layers, inputs, factors = layers_and_inputs(("lstm", "tanh"))
    tape = StateTape()
    (layers(inputs, tape) * factors).sum().backward()
    before = copy.deepcopy((tape.hidden, tape.cell))
    kept = tape.hidden[0]
    (layers(2 * inputs, tape) * factors).sum().backward()
    assert len(tape.hidden) == 2
    assert torch.equal(kept, before[0][0])  # what was recorded belongs to whoever took it
    (layers(inputs, tape) * factors).sum().backward()
    assert all(torch.equal(a, b) for a, b in zip(tape.hidden + tape.cell, before[0] + before[1], strict=True))


def test_frozen_layers_still_record() -> None:
    layers, inputs, factors = layers_and_inputs(("gru", "tanh"))
    tape, frozen = StateTape(), StateTape()
    (layers(inputs, tape) * factors).sum().backward()
    layers.requires_grad_(False)
    (layers(inputs.requires_grad_(), frozen) * factors).sum().backward()
    assert all(torch.equal(a, b) for a, b in zip(tape.hidden, frozen.hidden, strict=True))


@parametrize_kinds
def test_no_two_gradients_share_memory(kind: tuple[str, str]) -> None:
    """Both biases have the same gradient; clipping one in place must not clip the other."""
    layers, inputs, factors = layers_and_inputs(kind)
    (layers(inputs) * factors).sum().backward()
    pointers = [parameter.grad.untyped_storage().data_ptr() for parameter in layers.parameters()]
    assert len(set(pointers)) == len(pointers)


def test_a_copy_of_layers_trains_on_its_own() -> None:
    layers, inputs, factors = layers_and_inputs(("lstm", "tanh"))
    (layers(inputs) * factors).sum().backward()
    twin = copy.deepcopy(layers)
    twin.zero_grad()
    (twin(inputs) * factors).sum().backward()
    assert all(torch.equal(a, b) for a, b in zip(parameter_grads(layers), parameter_grads(twin), strict=True))
