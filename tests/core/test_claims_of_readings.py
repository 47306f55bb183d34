"""Every sentence of a reading, over cells, shapes and seeds, against the same numbers worked out another way."""

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.losses import batch_loss
from rnncore.engine.readings.probe import Probe
from rnncore.engine.train import Trainer
from rnncore.reading import Reading
from tests.support.stepped import Stepped

pytestmark = pytest.mark.usefixtures("one_thread")

Numbers = NDArray[np.float64]
KINDS = ["rnn", "lstm", "gru", "coupled", "indrnn", "minlstm", "slstm", "lru"]
SHAPES = [(7, 3, 1, "every_step"), (9, 4, 2, "last"), (12, 2, 1, "every_step")]  # T, H, layers, read-out
NUMBER = r"(-?[\d.,]+(?:e[+-]?\d+)?)"


def cases(*kinds: str) -> list[Any]:
    """Return a cell, a shape and a seed each: every cell with every seed, the shapes in turn."""
    return [
        pytest.param(kind, SHAPES[(place + seed) % len(SHAPES)], seed, id=f"{kind}-{seed}")
        for place, kind in enumerate(kinds or KINDS)
        for seed in range(3)
    ]


def config_of(cell: str, shape: tuple[int, int, int, str], seed: int, **fields: Any) -> TrainConfig:
    T, H, layers, readout = shape
    data = {"kind": "task", "task": "delayed_recall" if readout == "every_step" else "adding", "seq_len": T}
    return TrainConfig.model_validate(
        {
            "data": data | ({"delay": 2} if readout == "every_step" else {}),
            "model": {"cell": cell, "hidden_size": H, "num_layers": layers, "readout": readout},
            "optimizer": {"learning_rate": 0.02}, "batch_size": 3, "steps": 40, "seed": seed,
        }
        | fields
    )  # fmt: skip


STEP = 15


def read(key: str, config: TrainConfig, step: int = STEP) -> Reading:
    return Inspection(config, load_dataset(config.data)).read(key, step)


def said(pattern: str, sentence: str) -> list[float]:
    """Return the numbers in a sentence that is as it should be."""
    found = re.fullmatch(pattern, sentence)
    assert found, sentence
    return [float(each.replace(",", "")) for each in found.groups() if each is not None]


def near(told: float, worked_out: float, digits: int = 3) -> bool:
    """Tell whether a number is another one as a sentence gives it, give or take what float32 loses."""
    return abs(told - worked_out) <= (0.51 * 10 ** (1 - digits) + 1e-3) * abs(worked_out) + 1e-9


@pytest.mark.parametrize(("cell", "shape", "seed"), cases())
def test_so_many_steps_back_a_loss_teaches_less_than_a_hundredth(
    cell: str, shape: tuple[int, int, int, str], seed: int
) -> None:
    config = config_of(cell, shape, seed)
    run = Stepped(config, STEP)
    T, lags = shape[0], []
    for place, loss in enumerate(run.losses):
        tau = T if len(run.losses) == 1 else place + 1
        back = [float(run.gradient(loss, t).norm(dim=-1).mean()) for t in range(tau, 0, -1)]
        if len(back) > 1:
            lags.append(next((lag for lag, size in enumerate(back) if size < back[0] / 100), math.inf))
    (sentence,) = read("flow", config).said
    if "every earlier state" in sentence:
        assert sum(map(math.isinf, lags)) > len(lags) / 2
        assert sentence.startswith("The loss" if len(lags) == 1 else "Most losses")
        return
    (lag,) = said(rf"(?:Typically a|The) loss teaches the states? {NUMBER} steps? before it less than a hundredth as "
                  r"strongly as its own state\.", sentence)  # fmt: skip
    assert sum(each <= lag for each in lags) >= len(lags) / 2 > sum(each < lag for each in lags)


@pytest.mark.parametrize(
    ("cell", "shape", "seed"), cases(*(cell for cell in KINDS if CELLS[cell].matrix and not CELLS[cell].orthogonal))
)
def test_the_last_timesteps_alone_give_nine_tenths_and_as_many_pull_against_it(
    cell: str, shape: tuple[int, int, int, str], seed: int
) -> None:
    config, T = config_of(cell, shape, seed), shape[0]
    run = Stepped(config, STEP, CELLS[cell].matrix)
    parts = np.stack([part.numpy().ravel() for part in torch.autograd.grad(sum(run.losses).mean(), run.copies)])
    whole = parts.sum(0)
    along = parts @ whole / np.linalg.norm(whole)
    first, second = read("contributions", config).said
    those = rf"the last {NUMBER} of {T} timesteps alone give|only all {NUMBER} timesteps together give"
    numbers = said(
        rf"Timestep {NUMBER} adds most; (?:{those}|the last timestep alone gives) at least nine tenths of the gradient "
        r"of the recurrent matrix, measured along it\.", first,
    )  # fmt: skip
    assert int(numbers[0]) - 1 == np.linalg.norm(parts, axis=1).argmax()
    last = int(numbers[1]) if len(numbers) > 1 else 1
    sums = np.cumsum(along[::-1]) / np.linalg.norm(whole)
    assert sums[last - 1] >= 0.9 - 1e-4
    assert (sums[: last - 1] < 0.9 + 1e-4).all()
    against = int((along < -1e-7 * np.abs(along).max()).sum())
    words = "None of the" if not against else f"{against} of"
    assert second == f"{words} {T} timesteps {'pulls' if against == 1 else 'pull'} against it."


@pytest.mark.parametrize(("cell", "shape", "seed"), cases("rnn", "lstm", "gru"))
def test_the_longest_memory_is_half_gone_then_and_as_many_units_reach_the_delay(
    cell: str, shape: tuple[int, int, int, str], seed: int
) -> None:
    config, (T, H, _, _) = config_of(cell, shape, seed), shape
    run, kept = Stepped(config, STEP), []
    w_ih, w_hh, *biases = run.weights
    for t in range(T):
        h = run.states[t][0]
        entering = run.below[t] @ w_ih.T + h @ w_hh.T + sum(biases)
        if cell == "rnn":
            kept.append((1 - entering.tanh().square()) * w_hh.diagonal().abs())
        else:  # the forget gate is the second block, and z of a GRU the second of its three
            kept.append(entering[:, H : 2 * H].sigmoid())
    lives = math.log(0.5) / torch.stack(kept).log().mean((0, 1)).detach().numpy()
    first, *more = read("memory", config).said
    (longest,) = said(rf"By itself, and on average, the unit with the longest memory has lost half of what it holds "
                      rf"after {NUMBER} timesteps?\.", first)  # fmt: skip
    assert near(longest, lives.max())
    assert len(more) == (shape[3] == "every_step")  # the other task has no delay
    for sentence in more:
        enough = int((lives >= 2).sum())
        words = "None of the" if not enough else f"{enough} of"
        has = "has" if enough == 1 else "have"
        assert sentence == f"{words} {H} units {has} a half-life of at least the task's delay of 2."


@pytest.mark.parametrize(("cell", "shape", "seed"), cases())
def test_the_gradient_by_a_unit_arrives_along_the_way_that_is_named(
    cell: str, shape: tuple[int, int, int, str], seed: int
) -> None:
    config, T = config_of(cell, shape, seed), shape[0]
    run = Stepped(config, STEP)
    total = sum(loss[0] for loss in run.losses)
    by_state = [
        torch.cat(
            [
                torch.zeros_like(each) if found is None else found
                for each, found in zip(state, torch.autograd.grad(total, state, retain_graph=True, allow_unused=True),
                                       strict=True)
            ], -1,
        )[0]
        for state in run.states[1:]
    ]  # fmt: skip
    W = run.states[1][0].shape[-1]
    gradients = torch.stack(by_state)[:, :W]
    unit = int(gradients.square().sum(0).argmax())
    amounts = {"through itself": 0.0, "through other units": 0.0, "through its cell state and others'": 0.0}
    direct = torch.stack(by_state)[:, unit].clone()
    for t in range(1, T):
        ways = by_state[t] * run.jacobians(t)[:, unit]
        direct[t - 1] -= ways.sum()
        amounts["through itself"] += abs(float(ways[unit]))
        amounts["through other units"] += abs(float(ways[:W].sum() - ways[unit]))
        amounts["through its cell state and others'"] += abs(float(ways[W:].sum()))
    amounts["straight from the loss or the layer above"] = float(direct.abs().sum())
    way = max(amounts, key=lambda name: amounts[name])
    first, second = read("unit", config).said
    assert first == f"Unit {unit + 1} has the largest gradient over the sequence."
    (share,) = said(rf"The largest part of it comes {way}: {NUMBER} % of all that arrives, signs aside\.", second)
    assert abs(share - 100 * amounts[way] / sum(amounts.values())) < 0.6


@pytest.mark.parametrize(("cell", "shape", "seed"), cases())
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_gradients_and_updates_differ_by_these_factors(
    cell: str, shape: tuple[int, int, int, str], seed: int, optimizer: str
) -> None:
    config = config_of(cell, shape, seed, optimizer={"name": optimizer, "learning_rate": 0.01})
    run = Stepped(config, STEP)
    sum(run.losses).mean().backward()
    gradients = {name: float(each.grad.norm()) for name, each in run.model.named_parameters() if each.grad is not None}
    before = {name: each.detach().clone() for name, each in run.trainer.model.named_parameters()}
    next(run.trainer.records())
    updates = {
        name: float((each.detach() - before[name]).norm()) for name, each in run.trainer.model.named_parameters()
    }
    (sentence,) = read("adam", config).said
    told = said(rf"The lengths of the parameters' gradients differ by up to a factor of {NUMBER}, those of their "
                rf"updates by up to {NUMBER}\.", sentence)  # fmt: skip
    moved = [name for name in gradients if gradients[name] > 0 and updates[name] > 0]
    for spread, lengths in zip(told, (gradients, updates), strict=True):
        sizes = [lengths[name] for name in moved]
        assert near(spread, max(sizes) / min(sizes))


@pytest.mark.parametrize(("cell", "shape", "seed"), cases())
@pytest.mark.parametrize("method", ["norm", "value", "off"])
def test_the_loss_after_both_steps_is_that_after_doing_them(
    cell: str, shape: tuple[int, int, int, str], seed: int, method: str
) -> None:
    clip = {"method": method} | ({} if method == "off" else {"threshold": 1e-3})
    rate = 30.0
    config = config_of(cell, shape, seed, optimizer={"name": "sgd", "learning_rate": rate}, clip=clip, dtype="float64")
    trainer = Trainer(config)
    probe = Probe(trainer, 1)
    batch = probe.batch()

    def loss() -> torch.Tensor:
        return batch_loss(probe.loss, trainer.model(batch.inputs), batch.targets, None)

    wanted = [each for each in trainer.model.parameters() if each.requires_grad]
    now = loss()
    gradients = torch.autograd.grad(now, wanted)
    norm = math.sqrt(sum(float(each.square().sum()) for each in gradients))
    cut = [each.clamp(-1e-3, 1e-3) for each in gradients]
    short = {
        "norm": 1e-3 / norm,
        "value": math.sqrt(sum(float(each.square().sum()) for each in cut)) / norm,
        "off": 1 / norm,
    }

    def after(share: float) -> float:
        with torch.no_grad():
            for parameter, gradient in zip(wanted, gradients, strict=True):
                parameter.sub_(rate * share * gradient)
            found = float(loss())
            for parameter, gradient in zip(wanted, gradients, strict=True):
                parameter.add_(rate * share * gradient)
        return found

    reading = read("cliff", config, 1)
    step = {
        "norm": "the clipped step", "value": "a step along it as short as the clipped one",
        "off": "the step clipped at norm 1" if norm > 1 else "",
    }[method]  # fmt: skip
    becomes = "(be [^ ]+?|be (?:lower|higher) by [^ ]+?|change by less than a millionth of that)"
    tail = rf", and after {step} it would {becomes}" if step else ""
    told = re.fullmatch(
        rf"The loss of this batch is {NUMBER}; after the whole step along −g it would {becomes}{tail}\.",
        reading.said[0],
    )
    assert told, reading.said
    own, *others = told.groups()
    assert near(float(own.replace(",", "")), now.item())
    for words, later in zip(others, [after(1.0), *([after(short[method])] if step else [])], strict=True):
        less = now.item() - later
        if "by" not in words:
            assert near(float(words.removeprefix("be ").replace(",", "")), later)
        elif "millionth" in words:
            assert 0 < abs(less) < 1e-6 * now.item()
        else:
            assert float(words.split()[-1]) == pytest.approx(abs(less), rel=0.06)
            assert ("lower" in words) == (less > 0)
    assert after(1e-7) < now.item()
    assert any("turns the gradient" in note for note in reading.notes) == (method == "value")


@pytest.mark.parametrize(("cell", "shape", "seed"), cases("rnn", "lstm", "gru", "indrnn", "lru"))
def test_the_last_state_depends_on_the_parameters_about_so_many_times_as_strongly(
    cell: str, shape: tuple[int, int, int, str], seed: int
) -> None:
    config = config_of(cell, shape, seed)
    run = Stepped(config, STEP)
    parameters = [each for each in run.model.recurrent.parameters() if each.requires_grad]
    exact = []
    for t in (1, shape[0]):
        total = 0.0
        for number in run.states[t][0].flatten():
            found = torch.autograd.grad(number, parameters, retain_graph=True, allow_unused=True)
            total += sum(float(each.square().sum()) for each in found if each is not None)
        exact.append(total / 3)
    reading = read("sensitivity", config)
    sentence = reading.said[0].replace("about as large as that", "about 1 times that")
    (told,) = said(rf"E‖∂h/∂θ‖² of the last state is about {NUMBER} times that of the first state\.", sentence)
    values, errors = reading.arrays["sensitivity"], reading.arrays["standard_error"]
    ratio = values[-1] / values[0]
    assert near(told, ratio, 2)
    count = sum(each.numel() for each in parameters)
    if count <= 16:  # these are taken exactly
        assert ratio == pytest.approx(exact[1] / exact[0], rel=1e-3)
    else:
        for place, own in ((0, exact[0]), (-1, exact[1])):
            assert abs(values[place] - own) < 4 * errors[place] + 1e-3 * own


@pytest.mark.parametrize(("cell", "seed"), list(itertools.product(["rnn", "lstm"], range(3))))
def test_the_plane_goes_from_one_loss_to_another(cell: str, seed: int) -> None:
    config = config_of(cell, SHAPES[0], seed, clip={"method": "norm", "threshold": 1e-3})
    reading = read("plane", config, 6)
    low, high = said(rf"At these points of the plane the loss goes from {NUMBER} to {NUMBER}\.", reading.said[0])
    losses = [float(loss) for loss in np.ravel(reading.arrays["loss"])]
    assert near(low, min(losses))
    assert near(high, max(losses))
    assert low <= 10 ** reading.arrays["own_log10_loss"][-1] * 1.01
