"""What `make mutants` is told: the modules and the tests that it names exist, and what is new is part of it."""

import itertools
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOLD = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
ROOMS = ("engine", "diagnosis", "data", "runs")


def options(name: str) -> list[str]:
    given = TOLD["pytest_add_cli_args"]
    return [value for option, value in itertools.pairwise(given) if option == name]


def test_what_mutants_are_made_of_and_which_tests_have_to_notice_exist() -> None:
    selection = TOLD["pytest_add_cli_args_test_selection"]
    for pattern in TOLD["only_mutate"] + TOLD["do_not_mutate"] + selection + TOLD["also_copy"] + options("--ignore"):
        assert list(ROOT.glob(pattern)), pattern
    for name in options("--deselect"):
        path, _, function = name.partition("::")
        assert f"def {function}(" in (ROOT / path).read_text("utf-8"), name


def test_every_module_of_the_rooms_is_mutated_unless_it_is_named() -> None:
    for room in ROOMS:
        for path in (ROOT / "rnncore" / room).rglob("*.py"):
            assert any(fnmatch(path.relative_to(ROOT).as_posix(), pattern) for pattern in TOLD["only_mutate"]), path
