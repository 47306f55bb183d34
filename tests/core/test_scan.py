"""The scans: gradcheck, chunks of any length, borders of segments, and buffers that serve one graph at a time."""

import copy

import pytest
import torch
from torch import Tensor

from rnncore.cells import CELLS
from rnncore.engine.cells import scan
from rnncore.engine.cells.definition import CellDefinition
from rnncore.engine.cells.scan import Key, Pool, Recursion, chunks, clip_rows_
from tests.support.unrolled import KINDS

T, B, I, H = 5, 3, 2, 4  # noqa: E741
parametrize_kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def definition(kind: tuple[str, str]) -> CellDefinition:
    return CELLS[kind[0]].load()(CELLS[kind[0]], H, kind[1])


def arguments(cell: str, width: int = I, seed: int = 0) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(T, B, width), *CELLS[cell].parameters(width, H).values()]
    return tuple(torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_() for s in shapes)


@parametrize_kinds
@pytest.mark.parametrize("width", [1, I, 20])
def test_gradcheck(kind: tuple[str, str], width: int) -> None:
    cell = definition(kind)

    def run(inputs: Tensor, *weights: Tensor) -> Tensor:
        return cell.scan(inputs, weights, Recursion(), None)

    assert torch.autograd.gradcheck(run, arguments(kind[0], width))


@parametrize_kinds
def test_chunks_change_nothing_but_the_order_of_sums(kind: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for cache in (2**30, 1, 3 * 9 * B * H * 8):
        monkeypatch.setattr(scan, "CACHE", cache)
        inputs, *weights = arguments(kind[0])
        states = definition(kind).scan(inputs, tuple(weights), Recursion(truncation=3, clip=0.5), None)
        results.append([states.detach(), *torch.autograd.grad(states.square().sum(), (inputs, *weights))])
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-12, atol=1e-14)


def test_chunks_cover_all_timesteps_once_and_fit_the_cache() -> None:
    for seq_len in (1, 2, 49, 50, 51, 400):
        for step in (1, 10_000, 40_000, 10**9):
            parts = chunks(seq_len, step)
            assert [t for part in parts for t in part] == list(range(seq_len))
            assert all(len(part) == 1 or len(part) * step <= scan.CACHE for part in parts)


def test_gradients_flow_within_segments_only() -> None:
    assert Recursion().flows(4) == [False, True, True, True, False]
    assert Recursion(truncation=3).flows(7) == [False, False, True, True, False, True, True, False]
    assert Recursion(truncation=1).flows(3) == [False] * 4
    assert Recursion(truncation=9).flows(2) == [False, True, False]


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_clipping_rows_keeps_directions_and_short_rows(scale: float) -> None:
    grad = scale * torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])  # per-sequence norms 15, 1.5 and 0
    clip_rows_(grad, 3 * scale)
    torch.testing.assert_close(grad, scale * torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]), rtol=1e-6, atol=0)


class Labelled:
    def __init__(self, key: Key) -> None:
        self.key = key


def test_the_pool_lends_buffers_to_one_graph_at_a_time_and_keeps_few_shapes() -> None:
    pool: Pool[Labelled] = Pool(Labelled)
    shapes = [torch.empty(t, 1, 1) for t in range(1, Pool.KEPT + 2)]
    first, second = pool.take(shapes[0]), pool.take(shapes[0])
    assert first is not second
    pool.give_back(first)
    assert pool.take(shapes[0].double()) is not first
    assert pool.take(shapes[0]) is first
    pool.give_back(first)
    for shape in shapes[1:]:
        pool.take(shape)
    assert pool.take(shapes[0]) is not first
    pool.give_back(second)
    assert pool.take(shapes[0]) is second


def test_a_copy_of_a_pool_is_empty() -> None:
    pool: Pool[Labelled] = Pool(Labelled)
    pool.give_back(buffers := pool.take(torch.empty(2, 1, 1)))
    assert copy.deepcopy(pool).take(torch.empty(2, 1, 1)) is not buffers
    assert pool.take(torch.empty(2, 1, 1)) is buffers
