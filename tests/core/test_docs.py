"""README and docs/: what they link to and name exists, their examples run, and the README stays short."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
MOST_LINES = 130
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:rnncore|dashboard|tests|benchmarks|docs|\.ci|\.streamlit)/[\w./*-]*)`")
COMMAND = re.compile(r"python -m rnncore ([a-z]+)(?: (list|show|export|prune)\b)?")


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in FENCED.findall(page.read_text("utf-8")) if name == language]


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    missing = [link for link in links if not (page.parent / link.partition("#")[0]).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_folders_that_are_named_exist(page: Path) -> None:
    names = PATH.findall(page.read_text("utf-8"))
    assert [name for name in names if not any(ROOT.glob(name.rstrip("/")))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_in_examples_is_json(page: Path) -> None:
    for text in blocks(page, "json"):
        json.loads(text)
    for shell in blocks(page, "sh"):
        for body in re.findall(r"(?:-d|echo) '(\{.*?\})'", shell, re.DOTALL):
            json.loads(body)


def test_every_page_of_the_docs_is_in_the_readme() -> None:
    linked = {(ROOT / link).name for link in LINK.findall(README.read_text("utf-8"))}
    assert {page.name for page in PAGES} - linked == {"README.md"}


def test_commands_that_are_named_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from rnncore.__main__ import main

    named = {match for page in PAGES for match in COMMAND.findall(page.read_text("utf-8"))}
    assert {"train", "tasks", "verify", "runs"} <= {command for command, _ in named}
    for words in named:
        with pytest.raises(SystemExit) as ended:
            main([*filter(None, words), "--help"])
        assert ended.value.code == 0, words
    assert "usage" in capsys.readouterr().out


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    said = {"watch": "'my model' is being watched", "train": "torch.Size([1, 50, 8, 32])"}
    examples = blocks(README, "python")
    assert len(examples) == len(said)
    env = os.environ | {"RNNLAB_DATA_DIR": str(tmp_path)}
    for code, words in zip(examples, said.values(), strict=True):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout + done.stderr


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    (shell,) = (text for text in blocks(README, "sh") if "-m rnncore" in text)
    here = shell.replace("/tmp/", f"{tmp_path}/").replace(".venv/bin/python", f'"{sys.executable}"')
    done = subprocess.run(["sh", "-e", "-c", here], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "run").iterdir())
