"""`verify`: what it covers, that it passes, and that it notices a wrong gradient."""

import pytest
import torch

from rnncore.cells import CELLS
from rnncore.engine import verify as module
from rnncore.engine.gradients import StateGradients, state_gradients
from rnncore.engine.verify import Check, verify

KINDS = sum(len(cell.nonlinearities) for cell in CELLS.values())


def test_every_kind_and_precision_is_checked_and_exact() -> None:
    checks = list(verify(seed=0))
    assert all(check.passed for check in checks)
    names = " ".join(check.name for check in checks)
    for word in ("RNN (tanh)", "RNN (relu)", *(cell.title for cell in CELLS.values()), "float64", "float32"):
        assert word in names
    assert [check.tolerance for check in checks] == [1e-10] * KINDS + [1e-4] * KINDS


def test_a_seed_draws_the_same_cases_and_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    first, again, other = list(verify(3, seed=1)), list(verify(3, seed=1)), list(verify(3, seed=2))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("part", ["hidden", "cell"])
def test_a_gradient_that_is_off_by_a_millionth_fails(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object) -> StateGradients:
        right = state_gradients(*arguments)
        values = {"hidden": right.hidden, "direct": right.direct, "cell": right.cell}
        if values[part] is not None:
            values[part] = values[part] * (1 + 1e-6)
        return StateGradients(**values)

    monkeypatch.setattr(module, "state_gradients", wrong)
    lstm = list(verify(2, seed=0))[1]
    assert "LSTM" in lstm.name
    assert not lstm.passed
    assert lstm.relative_error == pytest.approx(1e-6, rel=1e-3)


def test_nan_does_not_pass() -> None:
    assert not Check("", float("nan"), 1e-10).passed
