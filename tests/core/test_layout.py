"""The tests themselves: short modules that open with a sentence, stand in a room, and import from no other test."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOMS = ("browser", "core", "dashboard", "data", "runs", "support")
MODULES = sorted(TESTS.rglob("*.py"))
MOST_LINES = 400


def name(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_opens_with_a_sentence(path: Path) -> None:
    lead = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]
    assert lead[:1].isupper() or lead[:1] in "`'", lead
    assert lead.endswith("."), lead


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_imports_from_a_test_module(path: Path) -> None:
    """What two of them need stands in tests/support/ or in a conftest.py."""
    imported: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported += [f"{'.' * node.level}{node.module or ''}"]
    local = [module for module in imported if module.startswith((".", "tests", "test_"))]
    assert [module for module in local if not module.startswith("tests.support")] == []


def test_every_test_stands_in_a_room() -> None:
    places = {path.relative_to(TESTS).parts[0] for path in MODULES}
    assert places == {*ROOMS, "__init__.py", "conftest.py"}
