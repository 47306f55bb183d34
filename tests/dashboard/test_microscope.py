"""The microscope: its arithmetic in JavaScript is the engine's, in float64, and its page is there."""

import json
import os
import random
import re
import shutil
import subprocess
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.lessons import LESSONS
from rnncore.config import ModelConfig
from rnncore.engine.gradients import state_gradients
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel
from tests.support.server import ROOT

SCRIPT = ROOT / "tests" / "javascript" / "compute_micro.js"
BLOCKS = {"rnn": "h", "lstm": "ifgo", "gru": "rzn"}
NETWORKS = 60


def computed(nets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the microscope computes of some networks."""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node is not here")
        pytest.skip("node is not here, in which the microscope's arithmetic runs without a page")
    done = subprocess.run([node, str(SCRIPT)], input=json.dumps(nets), capture_output=True, text=True, check=True)
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def drawn(seed: int) -> tuple[SequenceModel, torch.Tensor, torch.Tensor, dict[str, Any]]:
    """Return a network of random kind and size: as the engine has it, its one sequence, and as the microscope does."""
    draw = random.Random(seed)
    cell, nonlinearity = draw.choice([("rnn", "tanh"), ("rnn", "relu"), ("lstm", "tanh"), ("gru", "tanh")])
    hidden, steps, inputs, outputs = draw.randint(1, 4), draw.randint(2, 8), draw.randint(1, 3), draw.randint(1, 2)
    every = draw.random() < 0.5
    torch.manual_seed(seed)
    readout = "every_step" if every else "last"
    config = ModelConfig(cell=cell, nonlinearity=nonlinearity, hidden_size=hidden, readout=readout)
    model = SequenceModel(config, inputs, outputs).double()
    x = torch.randn(1, steps, inputs, dtype=torch.float64)
    wanted = torch.randn(1, steps, outputs, dtype=torch.float64)
    net = {
        "cell": cell,
        "nonlinearity": nonlinearity,
        "hidden": hidden,
        "every": every,
        "inputs": x[0].tolist(),
        "targets": wanted[0].tolist(),
        "weights": as_matrices(cell, dict(model.recurrent.state_dict()))
        | {"Wy": model.readout.weight.tolist(), "by": model.readout.bias[:, None].tolist()},
    }
    return model, x, wanted if every else wanted[:, -1], net


def as_matrices(cell: str, stacked: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return torch.nn's stacked parameters block by block. The two biases of a block are one, but for the GRU's n."""
    w_ih, w_hh, b_ih, b_hh = (
        stacked[f"{name}_l0"].chunk(len(BLOCKS[cell])) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    found: dict[str, Any] = {}
    for place, block in enumerate(BLOCKS[cell]):
        apart = cell == "gru" and block == "n"
        found[f"Wx_{block}"], found[f"Wh_{block}"] = w_ih[place].tolist(), w_hh[place].tolist()
        found[f"b_{block}"] = (b_ih[place] if apart else b_ih[place] + b_hh[place])[:, None].tolist()
        if apart:
            found["b_hn"] = b_hh[place][:, None].tolist()
    return found


def test_every_number_is_the_engines() -> None:
    networks = [drawn(seed) for seed in range(NETWORKS)]
    for (model, x, wanted, net), answer in zip(networks, computed([each[3] for each in networks]), strict=True):
        loss = batch_loss("mse", model(x), wanted)
        parameters = dict(model.named_parameters())
        grads = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))
        stacked = {name.removeprefix("recurrent."): grad for name, grad in grads.items()}
        expected = state_gradients(model, x, wanted)
        assert answer["loss"] == pytest.approx(float(loss.detach()), rel=1e-12)
        close(answer["hidden"], expected.hidden[0, :, 0])
        close([answer["profile"]], expected.hidden[0, :, 0].norm(dim=1)[None])
        if expected.cell is not None:
            close(answer["cell"], expected.cell[0, :, 0])
        for name, rows in as_matrices(net["cell"], stacked).items():
            twice = name.startswith("b_") and not (net["cell"] == "gru" and name in ("b_n", "b_hn"))  # b_ih + b_hh
            close([answer["weights"][name]], torch.tensor(rows, dtype=torch.float64).reshape(1, -1) / (1 + twice))
        close([answer["weights"]["Wy"]], grads["readout.weight"].reshape(1, -1))


def close(numbers: list[list[float]], expected: torch.Tensor) -> None:
    torch.testing.assert_close(torch.tensor(numbers, dtype=torch.float64), expected, rtol=1e-10, atol=1e-14)


def test_the_page_says_what_it_is() -> None:
    app = AppTest.from_file(str(ROOT / "dashboard" / "screens" / "microscope.py"), default_timeout=60).run()
    assert not app.exception
    assert app.header[0].value == "Microscope"


def test_lessons_lead_to_networks_that_are_there() -> None:
    source = (ROOT / "dashboard" / "static" / "micro_starts.js").read_text("utf-8")
    starts = set(re.findall(r"^  (\w+): \{$", source[source.index("const STARTS") :], re.MULTILINE))
    assert {"vanishing", "kept"} < starts
    assert {lesson.microscope for lesson in LESSONS.values()} - {""} <= starts
