"""What a plain install brings suffices: the core needs no package of the app, and says what the app needs."""

import ast
import fnmatch
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Stands in the way of what a plain install does not bring, as if it were not there.
WITHOUT_APP = """
import sys
for name in ("streamlit", "starlette", "uvicorn", "pandas", "segno", "latex2mathml", "httptools"):
    sys.modules[name] = None
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_APP + code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!;\[ ]", text)[0].lower() for text in requirements}


def imported(package: str) -> Iterator[tuple[str, str]]:
    """Yield (file, top-level module) of each import of another package."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module or ""]
            for module in modules:
                yield path.relative_to(ROOT).as_posix(), module.partition(".")[0]


def test_the_core_imports_nothing_that_its_install_does_not_bring() -> None:
    declared = names(PROJECT["project"]["dependencies"]) | {"pydantic-core", "annotated-types"}  # pydantic's own
    for extra, requirements in PROJECT["project"]["optional-dependencies"].items():
        declared |= set() if extra == "app" else names(requirements)
    of_module = {module: {name.lower() for name in found} for module, found in packages_distributions().items()}
    unknown = {
        (file, module)
        for file, module in imported("rnncore")
        if module not in sys.stdlib_module_names
        and module != "rnncore"
        and not ({module.lower().replace("_", "-")} | of_module.get(module, set())) & declared
    }
    assert not unknown


def test_every_module_of_the_core_can_be_imported_without_the_app() -> None:
    modules = [
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for path in sorted((ROOT / "rnncore").rglob("*.py"))
        if path.name != "__main__.py"
    ]
    optional = ("ray", "lightning", "transformers", "IPython")
    code = (
        "import importlib\n"
        f"for name in {modules!r}:\n"
        "    try:\n        importlib.import_module(name)\n    except ModuleNotFoundError as error:\n"
        f"        assert error.name.partition('.')[0] in {optional!r}, (name, error)\n"
        "assert 'plotly' not in sys.modules\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_without_the_app_the_command_says_in_one_sentence_what_to_install() -> None:
    done = run("from rnncore.__main__ import rnnlab\nsys.argv[0] = 'rnnlab'\nsys.exit(rnnlab())")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rnnlab: the app is not installed here: pip install 'rnn-gradient-lab[app]' brings it\n"


@pytest.mark.parametrize("command", ["train", "study", "diagnose", "predict", "verify", "tasks", "runs", "settings"])
def test_the_command_does_what_the_module_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from rnncore.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main([command, "--help"], prog="rnnlab")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: rnnlab {command}")


def test_the_extras_name_the_versions_that_are_tested() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==(\S+?)(?:;.*)?$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    pinned |= dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "requirements-ray.txt").read_text(), re.MULTILINE))
    for text in PROJECT["project"]["optional-dependencies"]["app"] + PROJECT["project"]["optional-dependencies"]["ray"]:
        name, _, version = text.partition(";")[0].strip().partition("==")
        assert pinned[name] == version, text
    every = [text for extra in PROJECT["project"]["optional-dependencies"].values() for text in extra]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+==[\w.]+(; .*)?", text) for text in every)
    assert names(PROJECT["project"]["dependencies"]) <= set(pinned)


def test_every_file_that_is_no_module_goes_into_the_package() -> None:
    globs = PROJECT["tool"]["setuptools"]["package-data"]
    listed = subprocess.run(["git", "ls-files", "rnncore", "dashboard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this copy of the source is no clone")
    for name in (name for name in listed.stdout.splitlines() if not name.endswith(".py")):
        package, _, rest = name.partition("/")
        assert any(fnmatch.fnmatch(rest, pattern.replace("**/", "*")) for pattern in globs[package]), name


def test_continuous_integration_tries_the_wheel() -> None:
    assert "bash .ci/wheel" in (ROOT / ".ci/run").read_text(encoding="utf-8")
