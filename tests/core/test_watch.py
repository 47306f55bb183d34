"""`rnncore.watch` as people write it."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

import rnncore
from rnncore.watching.lab import Lab


class Net(nn.Module):
    def __init__(self, cell: type[nn.RNNBase] = nn.LSTM, **options) -> None:
        super().__init__()
        self.core = cell(2, 4, batch_first=True, **options)
        self.head = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.core(x)[0][:, -1])


def train(net: nn.Module, lab: Lab | None, steps: int = 6, clip: float | None = None) -> list[torch.Tensor]:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    seen = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = net(torch.randn(3, 6, 2)).pow(2).mean()
        loss.backward()
        if lab is not None:
            lab.step(loss=loss, optimizer=optimizer)
        if clip is not None:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        seen += [loss.detach(), *(each.grad.clone() for each in net.parameters())]
    return seen


def test_watch_stays_a_function_after_its_room_is_imported() -> None:
    import rnncore.watching.lab

    assert callable(rnncore.watch)
    assert rnncore.watch is rnncore.watch


def test_every_nth_step_is_recorded_from_the_first() -> None:
    net = Net()
    with rnncore.watch(net, every=5) as lab:
        train(net, lab, steps=12)
    assert [each.step for each in lab.records] == [1, 6, 11]
    found = lab.records[-1].profiles["core"]
    assert found.hidden.shape == found.cell.shape == found.direct.shape == (1, 6)
    assert np.all(found.direct[0, :-1] == 0)
    assert np.all(found.hidden > 0)


def test_a_record_holds_the_norms_of_gradient_and_update() -> None:
    net = Net(nn.GRU)
    with rnncore.watch(net, every=1) as lab:
        grads = train(net, lab, steps=1, clip=1e-3)[1:]
    record = lab.records[0]
    before = record.grad_norm
    assert before == pytest.approx(torch.stack([g.norm() for g in grads]).norm().item() * before / 1e-3, rel=1e-3)
    assert record.clipped_norm == pytest.approx(1e-3, rel=1e-3)
    assert record.clip_coef == pytest.approx(1e-3 / before, rel=1e-3)
    assert record.update_norm == pytest.approx(1e-4, rel=1e-3)
    assert record.learning_rate == 0.1
    assert record.loss > 0


def test_training_is_the_same_to_the_last_bit_and_everything_is_restored() -> None:
    def run(watched: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = Net(num_layers=2, dropout=0.3)
        names, text = list(net.state_dict()), repr(net)
        if not watched:
            return train(net, None)
        with rnncore.watch(net, every=2) as lab:
            assert repr(net) == text
            assert list(net.state_dict()) == names
            seen = train(net, lab)
            copy = pickle.loads(pickle.dumps(net))  # noqa: S301
            assert torch.equal(copy.core.weight_hh_l0, net.core.weight_hh_l0)
        assert not net.core._forward_hooks
        assert not net.core._forward_pre_hooks
        return [*seen, torch.rand(1)]

    plain, watched = [*run(False), torch.rand(1)], run(True)
    assert all(torch.equal(a, b) for a, b in zip(plain, watched, strict=True))


def test_a_loss_that_is_no_number_is_named() -> None:
    with (
        rnncore.watch(Net()) as lab,
        pytest.raises(ValueError, match=r"^loss: a tensor of shape \(3,\) is not a single"),
    ):
        lab.step(loss=torch.zeros(3))


@pytest.mark.parametrize(
    ("options", "field"), [({"every": 0}, "every"), ({"sample": 0}, "sample"), ({"budget": 0.0}, "budget")]
)
def test_what_is_out_of_range_is_named(options: dict, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        rnncore.watch(Net(), **options)
