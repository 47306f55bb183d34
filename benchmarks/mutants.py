"""Mutation testing of what must not be wrong: small faults are put into the code, and the tests have to notice them.

`python -m benchmarks.mutants [MODULE ...] [--each 8] [--minutes 20]`. mutmut makes and runs the mutants, here of a
sample of each module of the rooms that pyproject.toml names, or of the modules that fit a pattern such as
`rnncore.runs.*`; `--each 0` takes all. The rooms share the minutes. In each its own tests run once, to find out which
code each test runs, then for one mutant after the other, taken from all modules in turn: the quickest tests of the
function, `TESTS_S` seconds of them. A mutant that changes nothing anybody could see stands in equivalent_mutants.toml
with the reason, and does not count.
"""

import argparse
import fnmatch
import os
import random
import re
import shutil
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from multiprocessing import get_context, set_start_method
from pathlib import Path
from typing import Any

import libcst as cst
import mutmut.__main__ as tool
import pytest
from mutmut.mutation import file_mutation, mutators
from mutmut.runners.harness import PytestRunner
from mutmut.stats import status_by_exit_code

from benchmarks.timing import table

ROOT = Path(__file__).parents[1]
LOG = ROOT / "mutants" / "log.txt"
BOUND = 0.85  # killed of those that count
KILLED = ("killed", "timeout", "segfault")
EVERY = "*"
STRICT = re.compile(r",\s*(strict=\w+)?(?=\))")
TESTS_S = 15.0  # of tests of one function, as long as they take with the code as it is
COLLECTING = 0.6  # of a room's time at most: tests that have not begun by then do not take part

Change = tuple[str, str, str]  # function, the line as it was, the line as it is in the mutant


@dataclass(frozen=True)
class Room:
    """Code in which mutants are made, and the folders and files of tests that have to notice them."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Tried:
    """What became of a mutant."""

    status: str
    change: Change


# --- which mutants ----------------------------------------------------------------------------------------------------


def rooms(patterns: Sequence[str]) -> list[Room]:
    """Return the rooms that pyproject.toml names, each with those of its files whose module fits a pattern."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    found = []
    for name, room in told["mutants"]["rooms"].items():
        mutated = _files(room["code"]) - _files(told["mutmut"]["do_not_mutate"])
        fitting = [file for file in mutated if any(fnmatch.fnmatch(_module(file), pattern) for pattern in patterns)]
        tests = _files(room["tests"]) - _files(room["without"])
        found.append(Room(name, tuple(sorted(fitting)), tuple(sorted(tests))))
    return [room for room in found if room.files]


def _files(patterns: Sequence[str]) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)}


def _module(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def other_text(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """Put letters around a text. mutmut also changes its case, which SQL does not mind and sentences repeat."""
    if isinstance(node, cst.SimpleString) and len(node.quote) == 1:
        begin = len(node.prefix) + 1
        yield node.with_changes(value=f"{node.value[:begin]}XX{node.value[begin:-1]}XX{node.value[-1]}")


def other_extreme(node: cst.Call) -> Iterator[cst.Call]:
    """Take the smallest for the largest and the other way about."""
    other = {"max": "min", "min": "max"}.get(node.func.value if isinstance(node.func, cst.Name) else "")
    if other:
        yield node.with_changes(func=cst.Name(other))


def set_operators() -> None:
    """Adapt what mutmut does to what is worth doing here."""
    kept = [each for each in mutators.mutation_operators if each[1] is not mutators.operator_string]
    mutators.mutation_operators[:] = [*kept, (cst.BaseString, other_text), (cst.Call, other_extreme)]


def make_sample(each: int, seed: int) -> None:
    """Have mutmut make a sample of the mutants of a module only: with all of them its code would be far slower."""
    make = file_mutation.create_mutations

    def made(filename: str, *more: Any) -> Any:
        module, mutations, *rest = make(filename, *more)
        random.Random(f"{seed} {filename}").shuffle(mutations)
        return module, list(islice(filter(changes_something, mutations), each or None)), *rest

    file_mutation.create_mutations = made
    skip = file_mutation.MutationVisitor._skip_node_and_children
    file_mutation.MutationVisitor._skip_node_and_children = lambda self, node: is_for_the_log(node) or skip(self, node)


def is_for_the_log(node: cst.CSTNode) -> bool:
    """Tell whether code only writes to the log, whose words are free."""
    called = node.func if isinstance(node, cst.Call) else None
    return isinstance(called, cst.Attribute) and isinstance(called.value, cst.Name) and called.value.value == "logger"


def changes_something(mutation: file_mutation.Mutation) -> bool:
    """Tell whether a mutant is worth a trial: in a function, and more than zip's `strict`, which holds anyway."""
    function = mutation.contained_by_top_level_function
    if function is None:
        return False
    changed = file_mutation.deep_replace(function, mutation.original_node, mutation.mutated_node)
    before, after = (STRICT.sub("", cst.Module([each]).code) for each in (function, changed))
    return before != after


def take_turns(seed: int) -> None:
    """Have mutmut try one mutant of each module, then a second one of each: no module is left out when time is up."""
    turn: dict[str, int] = {}
    for path, module in tool.collect_source_file_mutation_data(mutant_names=())[1].items():
        names = sorted(module.exit_code_by_key)
        random.Random(f"{seed} {path}").shuffle(names)
        turn |= {name: number for number, name in enumerate(names)}
    tool.estimated_worst_case_time = turn.__getitem__  # by which it puts them in order


# --- which tests ------------------------------------------------------------------------------------------------------


class Bound:
    """A plugin of pytest: tests that fail, or have not begun when the time for collecting is over, are left out."""

    def __init__(self, until: float) -> None:
        self.until, self.left_out = until, 0
        self.failed: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Skip."""
        if time.monotonic() > self.until:
            self.left_out += 1
            pytest.skip("the time for collecting is over")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what fails with the code as it is: it would seem to notice every mutant."""
        if report.failed:
            self.failed.add(report.nodeid)


def keep_quick_tests(failed: set[str]) -> None:
    """Drop tests that failed, and the slowest of each function, which would take most of the time of all."""
    seconds, tests = tool.state().duration_by_test, tool.state().tests_by_mangled_function_name
    for name, own in tests.items():
        chosen = in_turn([test for test in own if test in seconds and test not in failed], seconds)
        total = list(accumulate(seconds[test] for test in chosen))
        tests[name] = {test for test, taken in zip(chosen, total, strict=True) if taken <= TESTS_S}


def in_turn(tests: list[str], seconds: Mapping[str, float]) -> list[str]:
    """Return tests in the order of their worth: the quickest case of each, then the second quickest of each, ..."""
    cases = Counter[str]()
    turn: dict[str, int] = {}
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        function = test.partition("[")[0]
        turn[test] = cases[function]
        cases[function] += 1
    return sorted(turn, key=lambda test: (turn[test], seconds[test]))


def try_all(children: int, bound: Bound) -> None:
    """Run the tests once, for which code each runs, then for each mutant."""
    collect, runner_of, execute = tool.collect_or_load_stats, tool.get_mutant_runner, PytestRunner.execute_pytest

    def bounded(self: PytestRunner, params: list[str], plugins: Sequence[object] = ()) -> int:
        code = int(execute(self, [each for each in params if each != "-x"], plugins=[*plugins, bound]))
        return 0 if code == pytest.ExitCode.TESTS_FAILED else code

    def collected(*arguments: Any, **more: Any) -> Any:
        PytestRunner.execute_pytest = bounded
        found = collect(*arguments, **more)
        PytestRunner.execute_pytest = execute
        keep_quick_tests(bound.failed)
        return found

    def runner(*arguments: Any) -> Any:
        made = runner_of(*arguments)
        made.run_clean_tests = lambda tests: 0  # they have just passed
        return made

    tool.collect_or_load_stats, tool.get_mutant_runner = collected, runner
    tool.run_forced_fail_test = lambda runner: None  # that mutants can be killed is seen in the table
    tool._run((), children)


# --- one room ---------------------------------------------------------------------------------------------------------


def try_room(room: Room, each: int, seed: int, seconds: float, children: int) -> list[Tried]:
    """Try a room's mutants for some time, in this process, of which mutmut takes possession."""
    until = time.monotonic() + seconds
    set_start_method("fork", force=True)  # so that the processes which make the mutants know what is said here
    shutil.rmtree(LOG.parent, ignore_errors=True)
    LOG.parent.mkdir()
    with LOG.open("w") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    config = tool.config()
    os.environ.setdefault("RNNLAB_TEST_FAULTS", "3")  # positions of `test_faults.py`
    config.only_mutate, config.pytest_add_cli_args_test_selection = list(room.files), list(room.tests)
    set_operators()
    make_sample(each, seed)
    tool.set_mutant_under_test("mutant_generation")
    tool.copy_src_dir()
    tool.copy_also_copy_files()
    tool.setup_source_paths()
    tool.create_mutants(children)
    take_turns(seed)
    bound = Bound(time.monotonic() + COLLECTING * (until - time.monotonic()))
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(1.0, until - time.monotonic()))
    try:
        try_all(children, bound)
    except (KeyboardInterrupt, SystemExit) as error:
        print(f"stopped: {error!r}")
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(f"\ntests left out: {bound.left_out}; that failed: {sorted(bound.failed)}", flush=True)
    return outcomes(late=("not checked", *("no tests",) * bool(bound.left_out)))


def outcomes(late: Sequence[str]) -> list[Tried]:
    """Return what became of each mutant. late: what is said of one for which there was no time."""
    found = []
    for _, module in sorted(tool.collect_source_file_mutation_data(mutant_names=())[1].items()):
        for name, code in module.exit_code_by_key.items():
            status = status_by_exit_code[code]
            if status in late:
                found.append(Tried("late", ("", "", "")))
            elif status in KILLED:
                found.append(Tried("killed", ("", "", "")))
            else:
                found.append(Tried(status, change_of(name, module.path)))
    return found


def change_of(name: str, path: Path | str) -> Change:
    """Return what a mutant changes."""
    module, _, mangled = name.rpartition(".")
    function = mangled.rpartition("__mutmut_")[0].removeprefix("x").removeprefix("_").strip("ǁ").replace("ǁ", ".")
    lines = tool.get_diff_for_mutant(name, path=path).splitlines()[2:]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return f"{module}.{function}", before, after


def interrupt(signum: int, frame: object) -> None:
    """End the trial as Ctrl-C does."""
    raise KeyboardInterrupt


# --- what became of them ----------------------------------------------------------------------------------------------


def equivalents() -> dict[Change, str]:
    """Return the changes that nobody could see, with the reason."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent_mutants.toml").read_text("utf-8"))["mutant"]
    return {(each["function"], each["was"], each.get("becomes", "")): each["why"] for each in listed}


def judged(tried: list[Tried]) -> list[Tried]:
    """Call those equivalent that are known to be."""
    known = equivalents()
    return [
        replace(one, status="equivalent") if {one.change, (one.change[0], EVERY, "")} & known.keys() else one
        for one in tried
    ]


def rate(tried: list[Tried]) -> float:
    """Return the part of the mutants that count which was killed."""
    found = Counter(one.status for one in tried)
    counting = len(tried) - found["late"] - found["equivalent"]
    return found["killed"] / max(1, counting)


def row(name: str, tried: list[Tried]) -> list[str]:
    """Return a row of the table."""
    found = Counter(one.status for one in tried)
    survived = len(tried) - found["late"] - found["equivalent"] - found["killed"]
    numbers = (len(tried) - found["late"], found["killed"], found["equivalent"], survived, found["late"])
    return [name, *map(str, numbers), f"{rate(tried):.1%}"]


def report(results: dict[str, list[Tried]]) -> int:
    """Print the table and the survivors; return the status of the command."""
    everything = [one for tried in results.values() for one in tried]
    heads = ["room", "tried", "killed", "equivalent", "survived", "not tried", "killed of those that count"]
    print(table(heads, [*(row(name, tried) for name, tried in results.items()), row("all", everything)]))
    for one in everything:
        if one.status not in ("late", "killed", "equivalent"):
            function, before, after = one.change
            print(f"\n{function} ({one.status})\n  was     {before}\n  becomes {after}")
    killed = rate(everything)
    print(f"\n{killed:.1%} of the mutants that count were killed; at least {BOUND:.0%} must be.")
    return int(killed < BOUND)


def main() -> int:
    """Try the sample; return 1 if too few are killed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=["*"], metavar="MODULE")
    parser.add_argument("--each", type=int, default=8, help="mutants of a module, 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--children", type=int, default=(os.cpu_count() or 1) + 1, help="mutants tried at a time")
    args = parser.parse_args()
    os.chdir(ROOT)
    until, chosen, results = time.monotonic() + 60 * args.minutes, rooms(args.modules), {}
    for number, room in enumerate(chosen):
        share = (until - time.monotonic()) / (len(chosen) - number)
        with ProcessPoolExecutor(1, get_context("spawn")) as process:  # mutmut knows one room in a process
            arguments = (room, args.each, args.seed, share, args.children)
            results[room.name] = judged(process.submit(try_room, *arguments).result())
        print(*row(room.name, results[room.name]), sep="  ", flush=True)
    print()
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
