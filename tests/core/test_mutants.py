"""What `make mutants` is told: the modules and the tests that it names exist."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_mutants_are_made_of_and_which_tests_have_to_notice_exist() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    for pattern in told["only_mutate"] + told["pytest_add_cli_args_test_selection"] + told["also_copy"]:
        assert list(ROOT.glob(pattern)), pattern
    arguments = told["pytest_add_cli_args"]
    for place, name in enumerate(arguments):
        if place and arguments[place - 1] == "--deselect":
            path, _, function = name.partition("::")
            assert f"def {function}(" in (ROOT / path).read_text("utf-8"), name
