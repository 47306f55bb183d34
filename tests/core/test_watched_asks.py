"""Instruments that a watching program is asked for: updates, loops, what they cost, and what they leave as it is."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnncore import watch
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Reading
from rnncore.watching import asking

SEEN = [key for key, entry in ON_DEMAND.items() if entry.needs in ("states", "gradients")]


def close(found: np.ndarray, wanted: Any) -> None:
    np.testing.assert_allclose(found, np.asarray(wanted), rtol=1e-8, atol=1e-12)


OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, 0.01),
    "amsgrad": lambda p: torch.optim.AdamW(p, 0.01, amsgrad=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.01, lr_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, 0.01, momentum=0.5),
    "adadelta": lambda p: torch.optim.Adadelta(p, 0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_is_told_by_parameter_with_the_optimisers_own_rates(name: str) -> None:
    torch.manual_seed(0)
    model = nn.GRU(2, 3)
    optimizer = OPTIMIZERS[name](model.parameters())
    with watch(model, every=10**9) as lab:
        for step in range(3):
            if step == 1:
                lab.ask("adam")
            optimizer.zero_grad()
            model(torch.randn(5, 2, 2))[0].square().sum().backward()
            lab.step(optimizer=optimizer)
            before = {key: (each.detach().clone(), each.grad.clone()) for key, each in model.named_parameters()}
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
    ((_, reading),) = lab.readings
    assert (reading.step, len(lab.records)) == (3, 2)
    assert list(reading.panels[0].x.names) == list(before)
    close(reading.arrays["gradient_norm"], [float(grad.norm()) for _, grad in before.values()])
    np.testing.assert_allclose(
        reading.arrays["update_norm"],
        [float((each.detach() - before[key][0]).norm()) for key, each in model.named_parameters()], rtol=1e-5,
    )  # fmt: skip
    rates = reading.arrays["effective_learning_rate"]
    for (_, each), rate in zip(model.named_parameters(), rates, strict=True):
        state = optimizer.state[each]
        wanted = {
            "adam": lambda s: 0.01 / ((s["exp_avg_sq"] / (1 - 0.999**3)).sqrt() + 1e-8),
            "amsgrad": lambda s: 0.01 / ((s["max_exp_avg_sq"] / (1 - 0.999**3)).sqrt() + 1e-8),
            "rmsprop": lambda s: 0.01 / ((s["square_avg"] - s["grad_avg"] ** 2).sqrt() + 1e-8),
            "adagrad": lambda s: 0.01 / 1.2 / (s["sum"].sqrt() + 1e-10),
            "sgd": lambda _: torch.tensor(0.01),
            "adadelta": lambda _: torch.tensor(math.nan),
        }[name](state)
        np.testing.assert_allclose(rate, float(wanted.median()), rtol=1e-4)
    if name == "adadelta":
        assert reading.notes[-2] == "By what this optimiser multiplies a gradient is not known here."


class Loop(nn.Module):
    """A cell in a loop that may do more with its state than hand it on."""

    def __init__(self, cell: nn.Module, way: str = "") -> None:
        super().__init__()
        self.cell, self.way = cell, way

    def forward(self, x: Tensor) -> Tensor:
        state, said = None, []
        for each in x.unbind(0):
            state = self.cell(each, state)
            said.append(state[0] if isinstance(state, tuple) else state)
            if self.way == "changed":
                state = state * 2 if isinstance(state, Tensor) else (state[0] * 2, state[1])
            if self.way == "cell" and isinstance(state, tuple):
                said.append(state[1])
        return torch.stack(said)


@pytest.mark.parametrize(
    ("cell", "layer"), [(nn.LSTMCell, nn.LSTM), (nn.GRUCell, nn.GRU), (nn.RNNCell, nn.RNN)], ids=["lstm", "gru", "rnn"]
)
@pytest.mark.parametrize("key", SEEN)
def test_a_cell_in_a_loop_is_read_as_the_layer_that_does_the_same(cell: Any, layer: Any, key: str) -> None:
    torch.manual_seed(0)
    one, whole = Loop(cell(2, 3).double()), layer(2, 3).double()
    whole.load_state_dict({f"{name}_l0": each for name, each in one.cell.state_dict().items()})
    x, found = torch.randn(6, 3, 2).double(), []
    for model, name in ((one, "cell"), (whole, "")):
        with watch(model, every=1) as lab:
            lab.ask(key, name)
            answer = model(x)
            (answer[0] if isinstance(answer, tuple) else answer).square().sum().backward()
            lab.step()
        found.append(lab.readings[-1][1])
        assert found[-1].arrays, found[-1].undefined
        again = lab.inspect(key, x, loss=lambda y: (y[0] if isinstance(y, tuple) else y).square().sum())
        for own, values in again.arrays.items():
            close(values, found[-1].arrays[own])
    for own, values in found[0].arrays.items():
        close(values, found[1].arrays[own])


class Pieces(nn.Module):
    """A module that is called for one piece of the sequence after another."""

    def __init__(self, whole: nn.RNNBase, cuts: list[int]) -> None:
        super().__init__()
        self.whole, self.cuts = whole, cuts

    def forward(self, x: Tensor) -> Tensor:
        state, found = None, []
        for piece in x.split(self.cuts):
            outputs, state = self.whole(piece, state)
            found.append(outputs)
        return torch.cat([*found, *(state if isinstance(state, tuple) else (state,))])


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("cuts", [[1] * 6, [2, 3, 1]], ids=str)
def test_calls_that_hand_on_their_state_are_read_as_one_sequence(layer: Any, cuts: list[int]) -> None:
    torch.manual_seed(0)
    whole = layer(2, 3, 2).double()
    x, found = torch.randn(6, 3, 2).double(), []
    for model in (Pieces(whole, cuts), Pieces(whole, [6])):
        with watch(model, every=1) as lab:
            for key in SEEN:
                lab.ask(key)
            model(x).square().sum().backward()
            lab.step()
            again = lab.inspect("flow", x, loss=lambda y: y.square().sum())
        found.append({ask.instrument: reading for ask, reading in lab.readings} | {"again": again})
    for key, reading in found[0].items():
        assert reading.arrays, reading.undefined
        for own, values in reading.arrays.items():
            close(values, found[1][key].arrays[own])


@pytest.mark.parametrize("detached", [False, True])
def test_of_calls_of_other_sequences_the_last_is_read_and_that_is_said(detached: bool) -> None:
    torch.manual_seed(0)
    model, inputs = nn.GRU(2, 3).double(), torch.randn(3, 5, 2, 2).double()
    found = []
    for batches in (inputs, inputs[2:]):
        with watch(model, every=1) as lab:
            lab.ask("flow")
            state, loss = None, torch.zeros(()).double()
            for x in batches:
                outputs, end = model(x, state)
                loss, state = loss + outputs.square().sum(), end.detach() if detached else None
            loss.backward()
            lab.step()
        found.append(lab.readings[-1][1])
    assert found[0].notes[0] == "Of the 3 calls of the module in this step, this is of the last."
    if not detached:
        close(found[0].arrays["log10_gradient"], found[1].arrays["log10_gradient"])


@pytest.mark.parametrize(("way", "cell"), [("changed", nn.GRUCell), ("cell", nn.LSTMCell)])
def test_a_loop_that_does_more_with_its_states_is_said_not_to_be_defined(way: str, cell: Any) -> None:
    model = Loop(cell(2, 3), way)
    with watch(model, every=1) as lab:
        lab.ask("flow")
        model(torch.randn(6, 3, 2)).square().sum().backward()
        lab.step()
    assert lab.readings[-1][1].undefined.startswith("Not defined for a loop that changes the state between its calls")


class Model(nn.Module):
    """Two modules, dropout, and a read-out."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(3, 5, 2, batch_first=True, bidirectional=True, dropout=0.5)
        self.decoder, self.drop, self.head = nn.GRU(10, 4, batch_first=True), nn.Dropout(0.3), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.head(self.drop(self.decoder(self.encoder(x)[0])[0]))
        return answer


def train(ask: bool) -> tuple[list[Tensor], Tensor, Any]:
    torch.manual_seed(0)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    with watch(model, every=10**9) as lab:
        for step in range(8):
            if ask and step == 2:
                for key in (*SEEN, "adam"):
                    lab.ask(key, "encoder", reverse=True)
                    lab.ask(key, "decoder")
            optimizer.zero_grad()
            model(torch.randn(4, 6, 3)).square().mean().backward()
            lab.step(optimizer=optimizer)
            if ask and step == 4:
                lab.inspect("flow", torch.zeros(4, 6, 3), module="decoder", loss=lambda y: y.sum())
                lab.inspect("lyapunov", torch.zeros(4, 6, 3))
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return [each.detach() for each in model.parameters()], torch.get_rng_state(), lab


def test_training_stays_the_same_to_the_last_bit_and_each_is_read_once() -> None:
    plain, asked = train(False), train(True)
    assert all(map(torch.equal, plain[0], asked[0]))
    assert torch.equal(plain[1], asked[1])
    assert len(plain[2].records) == 1
    read = {(ask.module, ask.instrument): reading for ask, reading in asked[2].readings}
    assert len(read) == len(asked[2].readings) == 2 * len(SEEN) + 2
    assert all(reading.arrays and reading.step > 2 for reading in read.values())


def test_readings_that_take_long_are_paid_back_before_a_step_is_recorded_for_another(monkeypatch: Any) -> None:
    now = [0.0]
    monkeypatch.setattr(asking.time, "perf_counter", lambda: now[0])

    def slow(instrument: str, seen: Any) -> Reading:
        now[0] += 2.0
        return Reading(instrument=instrument, step=seen.step)

    monkeypatch.setattr(asking, "read_seen", slow)
    model = nn.GRU(2, 3)
    with watch(model, every=10**9, budget=0.1) as lab:
        for step in range(60):
            if step == 0:
                lab.ask("flow")
                lab.ask("unit")
            model(torch.randn(5, 2, 2))[0].sum().backward()
            lab.step()
            now[0] += 1.0
    assert [reading.step for _, reading in lab.readings] == [1, 22]


def test_what_never_gets_a_gradient_is_answered_in_the_end() -> None:
    model = nn.ModuleDict({"a": nn.GRU(2, 3), "b": nn.GRU(2, 3)})
    with watch(model, every=1) as lab:
        lab.ask("flow", "b")
        lab.ask("adam", "a")
        for _ in range(4):
            model["a"](torch.randn(5, 2, 2))[0].sum().backward()
            lab.step()
    told = {ask.instrument: reading.undefined for ask, reading in lab.readings}
    assert told["flow"] == "Not defined: no gradient has come back to the module."
    assert told["adam"].startswith("Not defined here: no optimiser of torch's has made an update")


@pytest.mark.parametrize(
    ("key", "options", "words"),
    [
        (
            "cliff",
            {},
            "instrument: 'cliff': not read of a model that is watched: it takes the loss at weights that",
        ),
        ("x", {}, "instrument: 'x' is not allowed; allowed: 'flow', "),
        ("flow", {"module": "x"}, "module: 'x' is not watched; allowed: ''"),
        ("flow", {"reverse": True}, "reverse: the module '' has one direction"),
        ("unit", {"unit": 4}, "unit: 4 is not allowed; allowed: a whole number from 1 to 3"),
        ("unit", {"layer": 0}, "layer: 0 is not allowed; allowed: a whole number from 1 to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(key: str, options: dict[str, Any], words: str) -> None:
    with watch(nn.GRU(2, 3)) as lab:
        for ask in (lab.ask, lambda *a, **k: lab.inspect(a[0], torch.zeros(2, 2, 2), **k)):
            with pytest.raises(ValueError, match="^" + words.replace("(", "\\(")):
                ask(key, **options)
