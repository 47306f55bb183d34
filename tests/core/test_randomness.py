"""Streams of random numbers."""

import torch

from rnncore.engine.randomness import DROPOUT, INITIALIZATION, seeded, stream_seed


def test_every_part_of_the_key_makes_another_stream() -> None:
    keys = [
        (seed, purpose, step) for seed in (0, 1, 2**31 - 1) for purpose in (INITIALIZATION, DROPOUT) for step in (0, 1)
    ]
    first = set()
    for key in keys:
        with seeded(stream_seed(*key), "cpu"):
            first.add(float(torch.rand(1, dtype=torch.float64)))
    assert len(first) == len(keys)
    assert all(0 <= stream_seed(*key) < 2**32 for key in keys)


def test_seeded_gives_the_same_numbers_and_gives_the_state_back() -> None:
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    with seeded(7, "cpu"):
        first = torch.rand(2)
    assert torch.equal(torch.rand(2), expected)
    with seeded(7, "cpu"):
        assert torch.equal(torch.rand(2), first)


def test_a_stream_that_has_no_steps_is_that_of_step_0() -> None:
    assert stream_seed(3, DROPOUT) == stream_seed(3, DROPOUT, 0) != stream_seed(3, DROPOUT, 1)
