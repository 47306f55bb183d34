"""What is said of exponents, over cells and seeds, against disturbances that are followed and gradients of autograd."""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.instruments.lyapunov import first_directions
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.chaos import PARTS, expected, spectrum_of
from rnncore.engine.readings.probe import Probe
from rnncore.engine.train import Trainer
from rnncore.flossing import extent
from rnncore.words import figure
from tests.support.networks import build

pytestmark = pytest.mark.usefixtures("one_thread")

CELLS = ["rnn", "lstm", "gru", "coupled", "slstm", "indrnn"]
GAINS = {"rnn": (0.4, 1.7, 2.0), "gru": (0.5, 4.0), "lstm": (0.5, 5.0)}
CASES = [(cell, gain, seed) for cell in CELLS for gain in GAINS.get(cell, (0.6,)) for seed in range(3)]
T, H = 240, 6
TINY = 1e-7


def network(cell: str, gain: float, seed: int) -> tuple[SequenceModel, Tensor]:
    """Return a network whose recurrent weights are `gain` times torch's own, and a long sequence of weak inputs."""
    model, inputs = build((cell, "tanh"), (2, T, 1, H, 1), seed)
    with torch.no_grad():
        for name, weight in model.recurrent.layer_weights(0).items():
            weight.mul_(gain / 1.7 * (2.0 if name.startswith("weight_hh") else 1.0))
    return model, 0.1 * inputs


def followed(model: SequenceModel, inputs: Tensor) -> float:
    """Return the mean logarithm per timestep by which a small disturbance of the state grows (Benettin et al. 1980).

    Two copies of the network run side by side; after each timestep the second is moved towards the first again.
    """
    definition, weights = model.recurrent.definition, tuple(model.recurrent.layer_weights(0).values())
    below = inputs.transpose(0, 1)
    state = definition.start(below[0])
    sizes = [each.shape[-1] for each in state]
    apart = TINY * torch.nn.functional.normalize(torch.randn(len(below[0]), sum(sizes), dtype=torch.float64), dim=-1)
    total = torch.zeros(len(below[0]), dtype=torch.float64)
    with torch.no_grad():
        for x in below:
            other = tuple((torch.cat(state, -1) + apart).split(sizes, -1))
            other, state = (definition.step(x, each, weights).state for each in (other, state))
            apart = torch.cat(other, -1) - torch.cat(state, -1)
            length = apart.norm(dim=-1)
            total += (length / TINY).log()
            apart = TINY * apart / length[:, None]
    return float(total.mean()) / len(below)


@pytest.mark.parametrize(("cell", "gain", "seed"), CASES)
def test_the_disturbance_that_lasts_longest_grows_or_shrinks_as_is_said(cell: str, gain: float, seed: int) -> None:
    model, inputs = network(cell, gain, seed)
    found, own = spectrum_of(model, inputs, 1), followed(model, inputs)
    sentence = found.said[0]
    told = re.fullmatch(
        r"The largest exponent is (-?[\d.]+): in the long run a small disturbance (?:grows by a factor of ([\d.]+)|"
        r"shrinks by a factor of ([\d.]+)|changes by less than 2 %) per timestep\.", sentence,
    )  # fmt: skip
    assert told, sentence
    exponent, grows, shrinks = told.groups()
    assert float(exponent) == pytest.approx(own, abs=0.03), "of one that began anywhere"
    if grows:
        assert math.log(float(grows)) == pytest.approx(own, abs=0.03)
        assert float(grows) >= 1.02
    elif shrinks:
        assert -math.log(float(shrinks)) == pytest.approx(own, abs=0.03)
        assert float(shrinks) >= 1.02
    else:
        assert abs(math.expm1(own)) < 0.05


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("timesteps", [2, 7, 40])
@pytest.mark.parametrize("seed", range(3))
def test_over_a_short_sequence_the_disturbance_that_lasts_longest_is_told(cell: str, timesteps: int, seed: int) -> None:
    """Against the singular values of the whole Jacobian, by autograd."""
    model, inputs = build((cell, "tanh"), (3, timesteps, 2, 5, 1), seed)
    definition, weights = model.recurrent.definition, tuple(model.recurrent.layer_weights(0).values())
    logs = []
    for sequence in inputs.unsqueeze(1):
        start = definition.start(sequence[:, 0])
        sizes = [each.shape[-1] for each in start]

        def last(flat: Tensor, sequence: Tensor = sequence, sizes: list[int] = sizes) -> Tensor:
            state = tuple(flat[None].split(sizes, -1))
            for x in sequence.unbind(1):
                state = definition.step(x, state, weights).state
            return torch.cat(state, -1)[0]

        whole = torch.autograd.functional.jacobian(last, torch.cat(start, -1)[0])
        logs.append(float(torch.linalg.matrix_norm(whole, 2).log()) / timesteps)
    found = spectrum_of(model, inputs, 1)
    assert found.arrays["longest"][0] == pytest.approx(np.mean(logs), abs=1e-9)
    assert found.arrays["longest"][0] >= found.arrays["exponent"][0] - 1e-9
    apart = abs(found.arrays["longest"][0] - found.arrays["exponent"][0]) > 0.01
    assert len(found.said) == 1 + apart
    if apart:
        longest = float(np.mean(logs))
        does = "grows" if longest > 0 else "shrinks"
        assert found.said[1].startswith(f"Over these {timesteps} timesteps the one that lasts longest ")
        assert f" {does} by a factor of {figure(math.exp(abs(longest)), 3)} " in found.said[1] or abs(longest) < 0.02


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("seed", range(4))
def test_over_longer_sequences_both_come_closer(cell: str, seed: int) -> None:
    apart = []
    for timesteps in (20, 400):
        model, inputs = build((cell, "tanh"), (4, timesteps, 2, 6, 1), seed)
        found = spectrum_of(model, inputs, 1).arrays
        apart.append(found["longest"][0] - found["exponent"][0])
    assert 0 <= apart[1] < 0.4 * apart[0]


def gradient_back(model: SequenceModel, inputs: Tensor) -> np.ndarray[Any, Any]:
    """Return the mean length of the gradient of a loss at the last timestep by all numbers of each state, (T,)."""
    definition, weights = model.recurrent.definition, tuple(model.recurrent.layer_weights(0).values())
    below = inputs.transpose(0, 1)
    states = [tuple(each.requires_grad_() for each in definition.start(below[0]))]
    for x in below:
        states.append(tuple(each.clone() for each in definition.step(x, states[-1], weights).state))
    loss = (states[-1][0] * torch.randn_like(states[-1][0])).sum()
    flat = [part for state in states[1:] for part in state]
    found = torch.autograd.grad(loss, flat, allow_unused=True)
    parts = [torch.zeros_like(part) if each is None else each for part, each in zip(flat, found, strict=True)]
    gradients = torch.stack(parts).unflatten(0, (T, -1))  # (T, parts, B, H)
    return np.asarray(gradients.square().sum((1, 3)).sqrt().log().mean(1).exp())


@pytest.mark.parametrize(("cell", "gain", "seed"), CASES)
def test_what_one_loss_sends_back_vanishes_below_0_explodes_above_and_can_keep_its_length_near_it(
    cell: str, gain: float, seed: int
) -> None:
    """What chaos theory expects: e^lambda per step back, of which the dashed line is made.

    Near 0 it can be less: a saturated LSTM has units that keep what they hold for ever, and that no loss reaches.
    """
    model, inputs = network(cell, gain, seed)
    first = float(spectrum_of(model, inputs, 1).arrays["exponent"][0])
    norms = gradient_back(model, inputs)
    rate = math.log(norms[0] / norms[-1]) / (T - 1)
    assert rate < first + 0.04
    if abs(first) > 0.1:
        assert rate == pytest.approx(first, abs=0.04)
        assert (norms[0] / norms[-1] < 1e-6) if first < 0 else (norms[0] / norms[-1] > 1e6)
    line = expected(norms, first)
    assert np.log(line[0] / line[-1]) / (T - 1) == pytest.approx(first)


def test_the_cases_are_of_all_three_kinds() -> None:
    exponents = [float(spectrum_of(*network(*case), 1).arrays["exponent"][0]) for case in CASES]
    assert sum(each > 0.02 for each in exponents) >= 3
    assert sum(each < -0.1 for each in exponents) >= 3


@pytest.mark.parametrize("seed", range(3))
def test_near_0_a_part_keeps_its_length(seed: int) -> None:
    model, inputs = build(("rnn", "tanh"), (2, T, 1, H, 1), seed)
    with torch.no_grad():
        for name, weight in model.recurrent.layer_weights(0).items():
            weight.copy_(torch.linalg.qr(weight)[0] if name == "weight_hh" else 0 * weight)
    reading = spectrum_of(model, 0 * inputs, 1)
    assert "changes by less than 2 % per timestep" in reading.said[0]
    norms = gradient_back(model, 0 * inputs)
    np.testing.assert_allclose(norms, norms[-1], rtol=1e-6)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_what_is_wiped_out_is_gone_after_the_sequence(cell: str) -> None:
    model, inputs = network(cell, 1.0, 0)
    with torch.no_grad():
        for name, weight in model.recurrent.layer_weights(0).items():
            if name == "weight_hh":
                weight.zero_()
            if name == "bias_ih" and cell != "rnn":
                weight[H : 2 * H] = -1e4  # the gate that keeps is shut
    (sentence,) = spectrum_of(model, inputs, 1).said
    assert sentence == "Every disturbance is wiped out within the sequence: the largest exponent is minus infinity."
    definition, weights = model.recurrent.definition, tuple(model.recurrent.layer_weights(0).values())
    below, ends = inputs.transpose(0, 1), []
    for start in (0.0, 0.1):
        state = tuple(each + start for each in definition.start(below[0]))
        for x in below[:3]:
            state = definition.step(x, state, weights).state
        ends.append(torch.cat(state, -1))
    assert torch.equal(*ends)


def config_of(cell: str, readout: str, seed: int, **fields: Any) -> TrainConfig:
    task = {"task": "delayed_recall", "delay": 3} if readout == "every_step" else {"task": "adding"}
    return TrainConfig.model_validate(
        {
            "data": {"kind": "task", "seq_len": 20, **task},
            "model": {"cell": cell, "hidden_size": 5, "readout": readout},
            "batch_size": 5, "steps": 20, "seed": seed,
        }
        | fields
    )  # fmt: skip


def read(config: TrainConfig, step: int) -> Any:
    return Inspection(config, load_dataset(config.data)).read("lyapunov", step)


@pytest.mark.parametrize("readout", ["last", "mean", "every_step", "attention"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("seed", range(3))
def test_the_measured_gradient_changes_by_this_factor_and_where_all_timesteps_have_a_part_it_is_said(
    readout: str, cell: str, seed: int
) -> None:
    reading = read(config_of(cell, readout, seed), 4)
    logs = np.log(reading.arrays["gradient"])
    lags = np.arange(len(logs) - 1, -1, -1)
    (fitted, _), *_ = np.linalg.lstsq(np.stack([lags, np.ones_like(lags)], 1), logs, rcond=None)
    assert next(each for each in reading.said if "measured" in each) == (
        f"The measured gradient changes by a factor of {math.exp(fitted):.3g} per step back in time: the slope of the "
        "line that fits its logarithm best."
    )
    assert (PARTS in reading.said) == (readout != "last")


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("seed", range(3))
def test_flossing_brought_the_exponents_from_here_to_there(cell: str, seed: int) -> None:
    flossing = {"exponents": 2, "steps": 8, "learning_rate": 0.03}
    config = config_of(cell, "every_step", seed, flossing=flossing)
    sentence = read(config, 1).said[-1]
    trainer = Trainer(config)
    inputs = Probe(trainer, 1).batch().inputs.double()
    sequences, timesteps = extent(config.model, 20)
    sizes = [mean_square(trainer.model, inputs[:sequences, :timesteps], 2)]
    trainer.floss()
    sizes.append(mean_square(trainer.model, inputs[:sequences, :timesteps], 2))
    assert sentence == (
        "The flossing before this step (8 updates) brought the root mean square of the first 2 exponents from "
        f"{sizes[0]:.3g} to {sizes[1]:.3g}."
    )


def mean_square(model: SequenceModel, inputs: Tensor, count: int) -> float:
    """Return the root mean square of the first exponents, with numpy's QR and Jacobians of autograd."""
    definition = model.recurrent.definition
    weights = tuple(each.detach().double() for each in model.recurrent.layer_weights(0).values())
    total = np.zeros(count)
    for sequence in inputs:
        state = definition.start(sequence[:1])
        q = first_directions(sum(each.shape[-1] for each in state), count).numpy()
        for x in sequence:

            def step(*state: Tensor, x: Tensor = x) -> Tensor:
                return torch.cat(definition.step(x[None], state, weights).state, -1)[0]

            parts = torch.autograd.functional.jacobian(step, state)
            q, r = np.linalg.qr(torch.cat([part[:, 0] for part in parts], -1).numpy() @ q)
            total += np.log(np.abs(np.diag(r)))
            state = definition.step(x[None], state, weights).state
    return float(np.sqrt(np.square(total / inputs.shape[0] / inputs.shape[1]).mean()))


@pytest.mark.parametrize("seed", range(3))
def test_a_course_goes_from_the_first_to_the_last_step_that_have_one(seed: int) -> None:
    config = config_of("rnn", "last", seed)
    inspection = Inspection(config, load_dataset(config.data))
    course = inspection.follow("lyapunov", 9)
    ends = [float(inspection.read("lyapunov", step).arrays["exponent"][0]) for step in (1, 9)]
    words = f"The largest exponent goes from {ends[0]:.3f} at step 1 to {ends[1]:.3f} at step 9."
    assert course.said == (words,)
    assert inspection.follow("lyapunov", 1).said == (), "one step goes nowhere"
