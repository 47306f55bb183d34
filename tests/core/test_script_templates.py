"""The templates of scripts: texts never become code, new entries need no new code, or end in one sentence."""

import ast
import csv
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore import TrainConfig
from rnncore import script as room
from rnncore.cells import CELLS
from rnncore.choices import CLIP_METHODS, INITIALIZATIONS, LOSSES, OPTIMIZERS, READOUTS, SCHEDULES
from rnncore.errors import ConfigError
from rnncore.registry import Registry
from rnncore.script import script_files, script_of
from rnncore.script.rendering import literal

HOSTILE = [
    '"]; import os; os.system("x") #',
    "'''\nimport os\nos.system(1)\n'''",
    '"""\nos.system(1)',
    "{{ 7 * 7 }} {% raw %} {# os.system #}",
    "a\\",
    "\u2028os.system(1)\x85\x0cos.system(1)",
]


def config_of(**fields: Any) -> TrainConfig:
    return TrainConfig.model_validate({"data": {"kind": "task", "seq_len": 10}, "model": {"hidden_size": 4}} | fields)


@given(st.text(st.characters()))
def test_a_text_is_written_as_one_line_that_means_the_text(text: str) -> None:
    written = literal(text)

    assert ast.literal_eval(written) == text
    assert len(written.splitlines()) == 1
    written.encode()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_a_template_is_told_stays_a_text(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    make = room.facts
    told = ("column", "seq_len", "val_fraction", "horizon")
    monkeypatch.setattr(room, "facts", lambda *given: make(*given) | dict.fromkeys(told, text))
    script = script_of(config_of(data={"kind": "bundled", "window": 8}))

    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }
    assert [values[name.upper()] for name in told] == [text] * 4
    assert "system" not in {node.attr for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_an_upload_stand_neither_in_its_script_nor_beside_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.csv"
    with file.open("w", newline="") as handle:
        csv.writer(handle).writerows([[text, "b"], *([day % 9, day % 7] for day in range(100))])
    data = {"kind": "upload", "files": [{"file": str(file), "name": text}], "window": 8}
    config = config_of(data=data)

    script = script_of(config)

    assert "os.system" not in script
    assert str(7 * 7) not in script
    assert b"os.system" not in script_files(config)["data.npz"]
    ast.parse(script)


def add(monkeypatch: pytest.MonkeyPatch, registry: Registry[Any], key: str, like: str, **facts: Any) -> None:
    """Register an entry for one test."""
    monkeypatch.setitem(registry._entries, key, replace(registry[like], key=key, **facts))


def test_an_optimizer_and_a_loss_of_torch_need_no_code_here(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, OPTIMIZERS, "nadam", "adam", torch_class="NAdam")
    add(monkeypatch, LOSSES, "smooth", "mae", torch_function="smooth_l1_loss", noun="smooth absolute error")

    script = script_of(config_of(optimizer={"name": "nadam"}, loss="smooth"))

    assert "optimizer = torch.optim.NAdam(model.parameters(), lr=LEARNING_RATE)\n" in script
    assert '"""Return the smooth absolute error."""\n    return F.smooth_l1_loss(outputs, targets)\n' in script


@pytest.mark.parametrize(
    ("registry", "like", "facts", "fields"),
    [
        (CELLS, "gru", {"torch_cell": None}, {"model": {"cell": "toy"}}),
        (READOUTS, "mean", {}, {"model": {"readout": "toy"}}),
        (INITIALIZATIONS, "normal", {}, {"init": {"scheme": "toy"}}),
        (SCHEDULES, "linear", {}, {"schedule": {"name": "toy"}}),
        (CLIP_METHODS, "norm", {}, {"clip": {"method": "toy"}}),
    ],
)
def test_an_entry_without_code_for_scripts_ends_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, registry: Registry[Any], like: str, facts: dict[str, Any], fields: dict[str, Any]
) -> None:
    add(monkeypatch, registry, "toy", like, **facts)

    with pytest.raises(ConfigError) as refused:
        script_of(config_of(**fields))

    sentence = f"This run cannot be written as a script: there is no code for the {registry.kind} 'toy'."
    assert str(refused.value) == sentence


def test_an_installed_package_has_the_templates() -> None:
    root = Path(__file__).parents[2]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["rnncore"]

    packed = {file for pattern in patterns for file in (root / "rnncore").glob(pattern)}

    assert {file for file in (root / "rnncore" / "script" / "templates").rglob("*") if file.is_file()} <= packed
