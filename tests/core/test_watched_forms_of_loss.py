"""Every instrument of watched modules, with every form of loss: what is read can be sent, kept and drawn."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dashboard.figures.panels import drawn
from rnncore import watch
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Reading
from rnncore.runs.watched_forms import WatchedReading

READ = [key for key, entry in ON_DEMAND.items() if entry.watched]
CELLS: dict[str, Callable[..., Any]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
LOSSES: dict[str, Callable[[Tensor, tuple[Tensor, ...]], Tensor]] = {
    "last step": lambda outputs, end: outputs[:, -1].sin().sum(),
    "every step": lambda outputs, end: outputs.sin().sum(),
    "one middle step": lambda outputs, end: outputs[:, (outputs.shape[1] - 1) // 2].sin().sum(),
    "two steps": lambda outputs, end: outputs[:, [0, -1]].sin().sum(),
    "final state": lambda outputs, end: end[0].sin().sum(),
    "last of the final states": lambda outputs, end: end[-1].sin().sum(),
    "nothing": lambda outputs, end: (outputs * 0).sum(),
    "what is not finite": lambda outputs, end: (outputs * float("inf")).sum(),
    "no output at all": lambda outputs, end: torch.zeros((), requires_grad=True) * 1.0,
}
SIZES = {  # sequences, timesteps, units, layers, directions
    "one of everything": (1, 2, 1, 1, 1),
    "a batch of one": (1, 7, 4, 1, 1),
    "two timesteps": (3, 2, 4, 1, 1),
    "one unit": (3, 7, 1, 2, 1),
    "one timestep": (2, 1, 3, 1, 1),
    "usual": (3, 7, 4, 2, 2),
}


def readings(cell: str, loss: str, size: str, optimizer: Any = torch.optim.Adam) -> list[Reading]:
    """All that is read of a module in a few training steps, of each direction; each question has one answer."""
    torch.manual_seed(0)
    B, T, H, layers, directions = SIZES[size]
    module = CELLS[cell](2, H, num_layers=layers, bidirectional=directions > 1, batch_first=True)
    optimizer = None if optimizer is None else optimizer(module.parameters(), lr=0.01)
    with watch(module, every=1) as lab:
        for key in READ:
            for reverse in range(directions):
                lab.ask(key, reverse=bool(reverse))
        for _ in range(10):
            outputs, end = module(torch.randn(B, T, 2))
            value = LOSSES[loss](outputs, end if isinstance(end, tuple) else (end,))
            module.zero_grad()
            value.backward()
            lab.step(value)
            if optimizer is not None:
                optimizer.step()
    asked = sorted(key for key in READ for _ in range(directions))
    assert sorted(ask.instrument for ask, _ in lab.readings) == asked, "no question waits for ever"
    return [reading for _, reading in lab.readings]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("cell", CELLS)
def test_what_is_read_passes_the_checks_of_what_is_sent_and_is_drawn(cell: str, loss: str, size: str) -> None:
    for found in readings(cell, loss, size):
        sent = WatchedReading.model_validate_json(WatchedReading.of(found).model_dump_json()).reading()
        assert "could not be read" not in sent.undefined
        pictures = drawn(sent, "light")["pictures"]
        assert bool(pictures) != bool(sent.undefined)
        usual = loss in ("last step", "every step", "one middle step", "two steps", "final state")
        if usual and size != "one timestep":
            assert not sent.undefined, found.instrument


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adadelta, None])
def test_so_does_what_is_read_with_any_optimiser_or_with_none(cell: str, optimizer: Any) -> None:
    for found in readings(cell, "last step", "usual", optimizer):
        sent = WatchedReading.model_validate_json(WatchedReading.of(found).model_dump_json()).reading()
        assert bool(sent.undefined) == (optimizer is None and sent.instrument == "adam")
