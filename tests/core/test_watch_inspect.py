"""An instrument of a watched model, read in the program that trains it: the exponents of what its module reads."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import rnncore
from rnncore.engine.instruments import from_torch, lyapunov_spectrum


class Model(nn.Module):
    """Symbols, embedded, dropped, and read by a module that is called as `call` says."""

    def __init__(self, recurrent: nn.Module, call: Any = None) -> None:
        super().__init__()
        self.embed, self.drop, self.recurrent = nn.Embedding(5, 3), nn.Dropout(0.5), recurrent
        self.head, self.call = nn.Linear(4, 5), call or (lambda module, x: module(x))

    def forward(self, symbols: Tensor) -> Any:
        return self.head(self.call(self.recurrent, self.drop(self.embed(symbols)))[0])


SYMBOLS = torch.arange(24).view(2, 12) % 5


@pytest.mark.parametrize(
    "recurrent",
    [nn.RNN(3, 4, batch_first=True), nn.LSTM(3, 4, num_layers=2, batch_first=True), nn.GRU(3, 4, batch_first=True)],
    ids=lambda module: type(module).__name__,
)
def test_the_exponents_are_those_on_what_the_module_reads_and_training_is_left_as_it_is(recurrent: nn.Module) -> None:
    model = Model(recurrent)
    expected = lyapunov_spectrum(from_torch(recurrent), model.embed(SYMBOLS).detach())  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with rnncore.watch(model, every=1) as lab:
        random = torch.get_rng_state()
        reading = lab.inspect("lyapunov", SYMBOLS)
        assert torch.equal(torch.get_rng_state(), random)
        model(SYMBOLS).sum().backward()
        lab.step(1.0)
        assert lab.inspect("lyapunov", SYMBOLS).step == 2
        assert set(lab.records[0].profiles) == {"recurrent"}
    np.testing.assert_array_equal(reading.arrays["exponent"], expected)
    assert reading.said[0].startswith(f"The largest exponent is {expected[0]:.3f}")
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_time_may_come_first_and_a_state_that_is_given_is_said_to_be_left_out() -> None:
    torch.manual_seed(1)
    recurrent = nn.GRU(3, 4)
    start = torch.ones(1, 12, 4)
    model = Model(recurrent, lambda module, x: module(x, start))
    with rnncore.watch(model) as lab:
        reading = lab.inspect("lyapunov", SYMBOLS)  # (T, B): two timesteps of twelve sequences
    seen = model.embed(SYMBOLS).detach().transpose(0, 1)
    np.testing.assert_array_equal(reading.arrays["exponent"], lyapunov_spectrum(from_torch(recurrent), seen[:4]))
    assert reading.notes == (
        "Averaged over the first 4 of 12 sequences.",
        "It begins at a state of zeros, not at the one that the module is given.",
    )


def packed(module: nn.Module, x: Tensor) -> Any:
    done = module(nn.utils.rnn.pack_padded_sequence(x, [12, 9], batch_first=True))
    return nn.utils.rnn.pad_packed_sequence(done[0], batch_first=True)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(
    ("recurrent", "call", "why"),
    [
        (nn.LSTM(3, 5, batch_first=True, proj_size=4), None, "Not defined for modules with projections"),
        (nn.GRU(3, 4, batch_first=True), lambda _, x: (x.new_zeros(2, 12, 4),), "Not defined: the model does not call"),
        (nn.GRU(3, 4, batch_first=True), lambda module, x: module(x[:, :1]), "Not defined for 2 sequences of 1 timest"),
    ],
)
def test_where_it_has_no_value_it_says_why(recurrent: nn.Module, call: Any, why: str) -> None:
    with rnncore.watch(Model(recurrent, call)) as lab:
        assert lab.inspect("lyapunov", SYMBOLS).undefined.startswith(why)


def test_of_packed_sequences_the_longest_are_read() -> None:
    recurrent = nn.GRU(3, 4, batch_first=True)
    model = Model(recurrent, packed)
    with rnncore.watch(model) as lab:
        reading = lab.inspect("lyapunov", SYMBOLS)
    expected = lyapunov_spectrum(from_torch(recurrent), model.embed(SYMBOLS[:1]).detach())
    np.testing.assert_array_equal(reading.arrays["exponent"], expected)
    assert reading.notes == ("Of the longest sequence of the 2 in the batch, of 12 timesteps.",)


def test_what_cannot_be_asked_is_refused() -> None:
    with rnncore.watch(Model(nn.GRU(3, 4, batch_first=True))) as lab:
        with pytest.raises(ValueError, match=r"loss: 'flow' takes the gradients that arrive at the network's outputs"):
            lab.inspect("flow", SYMBOLS)
        with pytest.raises(ValueError, match=r"instrument: 'adam' takes the update that the optimiser makes; lab.ask"):
            lab.inspect("adam")
        with pytest.raises(ValueError, match=r"loss: a tensor of shape \(2, 12, 5\) is not a single number"):
            lab.inspect("flow", SYMBOLS, loss=lambda answer: answer)
        with pytest.raises(ValueError, match=r"module: 'x' is not watched; allowed: 'recurrent'"):
            lab.inspect("lyapunov", SYMBOLS, module="x")
