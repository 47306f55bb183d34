"""Mutation testing of what must not be wrong: small faults are put into the code, and the tests have to notice them.

`python -m benchmarks.mutants [PATTERN ...] [--each 8] [--minutes 20] [--tests PATH ...]`. mutmut makes and runs the
mutants of the modules that pyproject.toml names, here of those that fit a pattern such as `rnncore.runs.*`; of each
module a sample (`--each 0`: all). All tests that pyproject.toml names have to notice, or those in some paths, such as
`tests/data`; of the tests of a function the quickest, `TESTS_S` seconds of them. A mutant that changes nothing anybody
could see stands in equivalent_mutants.toml with the reason, and does not count.
"""

import argparse
import fnmatch
import random
import shutil
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import libcst as cst
import mutmut.__main__ as tool
from mutmut.mutation import mutators
from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[1]
BOUND = 0.85  # killed of those that count
KILLED = ("killed", "timeout", "segfault")
LEFT_OUT = 34  # mutmut's code for a mutant that is not to be tried
EVERY = "*"
TESTS_S = 15.0  # of tests of one function, as long as they take with the code as it is

Change = tuple[str, str, str]  # function, the line as it was, the line as it is in the mutant


# --- which mutants ----------------------------------------------------------------------------------------------------


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


def files_of(patterns: list[str]) -> list[str]:
    """Return the files that pyproject.toml names whose mutants can fit a pattern: to make others takes long."""
    found = []
    for path in sorted(path for room in tool.config().source_paths for path in (ROOT / room).rglob("*.py")):
        file = path.relative_to(ROOT)
        module = ".".join(file.with_suffix("").parts)
        fits = any(fnmatch.fnmatch(f"{module}.", like) or like.startswith(f"{module}.") for like in patterns)
        if fits and tool.config().should_mutate(file):
            found.append(file.as_posix())
    return found


def choose(patterns: list[str], each: int, seed: int, children: int) -> None:
    """Make all mutants, and have mutmut leave out those that are not in the sample."""
    tool.config().only_mutate = files_of(patterns)
    tool.set_mutant_under_test("mutant_generation")
    tool.copy_src_dir()
    tool.copy_also_copy_files()
    tool.setup_source_paths()
    with tool.CatchOutput():
        tool.create_mutants(children)
    for module in modules():
        names = [name for name in module.exit_code_by_key if any(fnmatch.fnmatch(name, like) for like in patterns)]
        if each and len(names) > each:
            names = random.Random(f"{seed} {module.path}").sample(sorted(names), each)
        for name in module.exit_code_by_key:
            module.exit_code_by_key[name] = None if name in names else LEFT_OUT
        module.save()


def keep_quick_tests() -> None:
    """Drop the slowest tests of each function: they would take most of the time for each mutant that lives."""
    seconds, tests = tool.state().duration_by_test, tool.state().tests_by_mangled_function_name
    for name, own in tests.items():
        quickest = sorted(own, key=lambda test: seconds[test])
        total = list(accumulate(seconds[test] for test in quickest))
        tests[name] = {test for test, taken in zip(quickest, total, strict=True) if taken <= TESTS_S}


def try_all(children: int) -> None:
    """Run the tests once, for which code each runs, then for each mutant."""
    collect, runner_of = tool.collect_or_load_stats, tool.get_mutant_runner

    def collected(*arguments: Any, **more: Any) -> Any:
        found = collect(*arguments, **more)
        keep_quick_tests()
        return found

    def runner(*arguments: Any) -> Any:
        made = runner_of(*arguments)
        made.run_clean_tests = lambda tests: 0  # they have just passed
        return made

    tool.collect_or_load_stats, tool.get_mutant_runner = collected, runner
    tool._run((), children)


def modules() -> Iterable[tool.SourceFileMutationData]:
    """Return what mutmut knows of each module, in order."""
    return [module for _, module in sorted(tool.collect_source_file_mutation_data(mutant_names=())[1].items())]


# --- what became of them ----------------------------------------------------------------------------------------------


def change_of(name: str, path: Path) -> Change:
    """Return what a mutant changes."""
    module, _, mangled = name.rpartition(".")
    function = mangled.rpartition("__mutmut_")[0].removeprefix("x").removeprefix("_").strip("ǁ").replace("ǁ", ".")
    lines = tool.get_diff_for_mutant(name, path=path).splitlines()[2:]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return f"{module}.{function}", before, after


def equivalents() -> dict[Change, str]:
    """Return the changes that nobody could see, with the reason."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent_mutants.toml").read_text("utf-8"))["mutant"]
    return {(each["function"], each["was"], each.get("becomes", "")): each["why"] for each in listed}


def report(limit: float) -> int:
    """Print the table and the survivors; return the status of the command."""
    known, total, survivors = equivalents(), Counter[str](), []
    print("\n| module | mutants | tried | killed | equivalent | survived |\n|---|---:|---:|---:|---:|---:|")
    for module in modules():
        found = Counter(mutants=len(module.exit_code_by_key))
        for name, code in module.exit_code_by_key.items():
            status = status_by_exit_code[code]
            if status in ("skipped", "not checked"):
                found["late"] += status == "not checked"
                continue
            found["tried"] += 1
            if status in KILLED:
                found["killed"] += 1
                continue
            change = change_of(name, module.path)
            same = change in known or (change[0], EVERY, "") in known
            found["equivalent" if same else "survived"] += 1
            if not same:
                survivors.append((status, *change))
        if found["tried"]:
            print(f"| {module.path} | " + " | ".join(str(found[name]) for name in COLUMNS) + " |")
            total += found
    rate = total["killed"] / max(1, total["killed"] + total["survived"])
    print("| all | " + " | ".join(str(total[name]) for name in COLUMNS) + " |")
    for status, function, before, after in survivors:
        print(f"\n{function} ({status})\n  was     {before}\n  becomes {after}")
    if total["late"]:
        print(f"\n{total['late']:,} mutants of the sample were not tried within {limit:g} minutes.")
    print(f"\n{rate:.1%} of the mutants that count were killed; at least {BOUND:.0%} must be.")
    return int(rate < BOUND)


COLUMNS = ("mutants", "tried", "killed", "equivalent", "survived")


def interrupt(signum: int, frame: object) -> None:
    """End the trial as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Try the sample; return 1 if too few are killed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("patterns", nargs="*", default=["*"], metavar="PATTERN")
    parser.add_argument("--each", type=int, default=8, help="mutants of a module, 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--children", type=int, default=2)
    parser.add_argument("--tests", nargs="*", default=[], metavar="PATH", help="tests that have to notice")
    args = parser.parse_args()
    if args.tests:
        tool.config().pytest_add_cli_args_test_selection = args.tests
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    (ROOT / "mutants").mkdir()
    set_operators()
    choose(args.patterns, args.each, args.seed, args.children)
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 60 * args.minutes)
    try:
        try_all(args.children)
    except KeyboardInterrupt:
        print("\nStopped: the time is up.")
    signal.setitimer(signal.ITIMER_REAL, 0)
    return report(args.minutes)


if __name__ == "__main__":
    sys.exit(main())
