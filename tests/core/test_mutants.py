"""What `make mutants` is told: the modules and the tests that it names exist, and what is new is part of it."""

import itertools
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
TOLD, ROOMS = TOOLS["mutmut"], TOOLS["mutants"]["rooms"]
FOLDERS = ("engine", "diagnosis", "data", "runs")


def options(name: str) -> list[str]:
    given = TOLD["pytest_add_cli_args"]
    return [value for option, value in itertools.pairwise(given) if option == name]


def test_what_mutants_are_made_of_and_which_tests_have_to_notice_exist() -> None:
    named = [pattern for room in ROOMS.values() for pattern in room["code"] + room["tests"] + room["without"]]
    for pattern in named + TOLD["do_not_mutate"] + TOLD["also_copy"]:
        assert list(ROOT.glob(pattern)), pattern
    for name in options("--deselect"):
        path, _, function = name.partition("::")
        assert f"def {function}(" in (ROOT / path).read_text("utf-8"), name


def test_every_module_of_the_rooms_is_mutated_unless_it_is_named() -> None:
    for folder in FOLDERS:
        mutated = {path for pattern in ROOMS[folder]["code"] for path in ROOT.glob(pattern)}
        assert mutated >= set((ROOT / "rnncore" / folder).rglob("*.py"))
