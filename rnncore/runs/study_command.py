"""`python -m rnncore study STUDY.json`: a study from the command line, with its progress and a table."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from rnncore.errors import ConfigError
from rnncore.interrupts import finish_first
from rnncore.words import many

STOPPED = 130  # exit status after Ctrl-C, as shells have it
BAR_S = 0.5  # between two lines of progress on a terminal
LINE_S = 10.0  # the same in a file
NO = 2


def add_to(commands: Any) -> None:
    """Add `study` to a parser's commands; it sets `run`, which returns the exit status."""
    summary = "train a study: a configuration with fields varied over several seeds; a table, and Parquet files"
    parser = commands.add_parser("study", help=summary, description=summary)
    parser.add_argument("study", metavar="STUDY.json", help="the study; '-' reads standard input")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of the results, by default NAME-results beside where you are; the same command goes on there"
        " after Ctrl-C",
    )
    parser.add_argument("--workers", type=_positive, metavar="N", help="runs at once (default: one per core)")
    parser.add_argument("--ray", metavar="ADDRESS", help="train on the Ray cluster at this address")
    parser.add_argument("--yes", action="store_true", help="do not ask before a study of more than 50 runs")
    parser.set_defaults(run=_study)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _study(options: argparse.Namespace) -> int:
    from rnncore.data import load_dataset
    from rnncore.runs.settings import default_workers
    from rnncore.runs.study_call import study
    from rnncore.studies.config import ASKS_ABOVE, read_study_text
    from rnncore.studies.expansion import cells_of, check_cells
    from rnncore.studies.forecast import study_seconds, told_duration

    config = read_study_text(_text(options.study), options.study)
    cells = cells_of(config)
    check_cells(cells, lambda each: load_dataset(each.data), config.success)
    places = 1 if options.ray else options.workers or default_workers()
    takes = told_duration(study_seconds(cells, lambda each: load_dataset(each.data), places))
    size = f"{many(config.run_count, 'run')} in {many(len(cells), 'cell')}"
    where = f"with {many(places, 'run')} at once"
    if options.ray:
        where = "of a core like this machine's, shared by the places of the cluster"
    _say(f"{size}, {takes} {where}")
    if config.run_count > ASKS_ABOVE and not options.yes and not _agreed():
        _say("nothing was started")
        return NO
    out = options.out or Path(f"{'study' if options.study == '-' else Path(options.study).stem}-results")
    meter = _Meter()
    finish_first()
    try:
        result = study(config, out, workers=options.workers, progress=meter.show, ray=options.ray)
    except KeyboardInterrupt:
        meter.end()
        _say(
            f"stopped; {meter.over:,} of {many(config.run_count, 'run')} are kept in '{out}'; the same command goes on"
        )
        return STOPPED
    meter.end()
    print(result, end="")
    failed = sum(cell.failed for cell in result.cells)
    if failed:
        _say(
            f"{many(failed, 'run')} failed; the same command tries again; the column 'reason' of runs.parquet says why"
        )
    _say(f"wrote runs.parquet, cells.parquet and cells.csv to '{out}'")
    print(json.dumps(result.to_json(), allow_nan=False), flush=True)
    return 1 if failed else 0


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"the study {file!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"the study {file!r} is not a text file in UTF-8") from None


def _agreed() -> bool:
    """Ask on a terminal; elsewhere the sentence before is all that can be done."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    print("rnncore: start it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say(sentence: str) -> None:
    print(f"rnncore: {sentence}", file=sys.stderr, flush=True)


class _Meter:
    """Says on standard error how far a study is: in one line on a terminal, in a line now and then in a file."""

    def __init__(self) -> None:
        self.over = 0
        self._live = sys.stderr.isatty()
        self._due, self._open = 0.0, False

    def show(self, status: Any) -> None:
        """Take the newest status."""
        from rnncore.studies.forecast import told_duration

        self.over = status.study.over
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + (BAR_S if self._live else LINE_S)
        left = "" if status.wait_seconds is None else f", {told_duration(status.wait_seconds)} left"
        line = f"rnncore: {self.over:,} of {many(status.study.planned, 'run')}{left}"
        end = "\r" if self._live else "\n"
        print(f"{line:70}" if self._live else line, end=end, file=sys.stderr, flush=True)
        self._open = self._live

    def end(self) -> None:
        """Leave the line."""
        if self._open:
            print(file=sys.stderr)
