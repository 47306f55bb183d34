"""The commands of `python -m rnncore` and `rnnlab`: train, view, inspect, predict, diagnose, study, verify ..."""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rnncore.config import TrainConfig, explain
from rnncore.errors import ConfigError
from rnncore.interrupts import finish_first
from rnncore.registry import PLUGINS, load_plugins
from rnncore.runs import app_command as app
from rnncore.runs import commands as runs
from rnncore.runs import inspect_command as inspection
from rnncore.runs import predict_command as prediction
from rnncore.runs import study_command as studies

FINISHED, FAILED, BAD_INPUT, DIVERGED = 0, 1, 2, 3


def start() -> int:
    """Start the app and return its exit status."""
    try:
        return app.start_app()
    except ConfigError as error:
        print(f"rnnlab: {error}", file=sys.stderr)
        return BAD_INPUT


def run(arguments: Sequence[str] | None, prog: str) -> int:
    """Run one command and return its exit status; arguments: those of the process where None is given."""
    options = _parser(prog).parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # small models: a second thread only waits for the first
    from rnncore.data import DataError

    try:
        load_plugins(os.environ.get(PLUGINS, ""))
        return int(options.run(options))
    except (ConfigError, DataError) as error:
        print(f"rnncore: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINISHED
    except OSError as error:  # say, a full disk
        print(f"rnncore: {error.filename or 'output'} cannot be written: {error.strerror}", file=sys.stderr)
        return FAILED


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="Train recurrent networks and see their gradients.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = _command(commands, "train", _train, "train as a config says, one JSON object per step on standard output")
    train.add_argument("config", metavar="CONFIG.json", help="the configuration; '-' reads standard input")
    train.add_argument(
        "--out", type=Path, metavar="DIR", help="also write config.json, records, snapshots and weights there"
    )
    train.add_argument("--every", type=_positive, default=1, metavar="N", help="print every N-th record only")

    diagnose = _command(
        commands, "diagnose", _diagnose, "train as a config says, and say what is wrong and what to try"
    )
    diagnose.add_argument("config", metavar="CONFIG.json", help="the configuration; '-' reads standard input")
    diagnose.add_argument("--steps", type=_positive, metavar="N", help="train for N steps instead of the config's own")

    _command(commands, "tasks", _tasks, "list the synthetic tasks")

    verify = _command(commands, "verify", _verify, "recompute the gradients of random networks in an independent way")
    verify.add_argument(
        "--cases", type=_positive, metavar="N", help="how many networks (every kind in both precisions)"
    )
    verify.add_argument("--seed", type=int, help="which networks; without it, others each time")

    app.add_to(commands)
    studies.add_to(commands)
    prediction.add_to(commands)
    inspection.add_to(commands, read_config)
    runs.add_to(commands)

    settings = _command(commands, "settings", _settings, "list the server's settings with the values in force here")
    settings.add_argument("--markdown", action="store_true", help="print docs/settings.md instead: defaults and ranges")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def read_config(file: str) -> TrainConfig:
    """Read a configuration from a JSON file, '-' being standard input; raises ConfigError with one sentence."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        return TrainConfig.model_validate(json.loads(text))
    except OSError as error:
        raise ConfigError(f"the config {file!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"the config {file!r} is not a text file in UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(f"the config {file!r} is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise ConfigError(f"the config {file!r} is nested too deeply") from None
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def _train(options: argparse.Namespace) -> int:
    config = read_config(options.config)
    from rnncore.engine.train import Trainer
    from rnncore.run_folder import RunFolder

    trainer = Trainer(config)
    finish_first()
    folder = RunFolder(options.out, config, trainer.info) if options.out else None
    record = None
    try:
        for record in trainer.records():
            line = json.dumps(record.to_json(), allow_nan=False)
            if folder:
                folder.append(line)
                if record.snapshot:
                    folder.append_snapshot(record.step, record.snapshot)
            if record.step % options.every == 0 or record.step == 1 or trainer.ended:
                print(line, flush=True)
    finally:
        if folder:
            folder.close({name: value.cpu().numpy() for name, value in trainer.last_finite_state().items()})
    if record is not None and record.diverged:
        print(f"rnncore: diverged: {record.diverged}", file=sys.stderr)
        return DIVERGED
    return FINISHED


def _diagnose(options: argparse.Namespace) -> int:
    config = read_config(options.config)
    from rnncore.examination import examine

    found = examine(config, options.steps)
    print(json.dumps(found.to_json(), allow_nan=False), flush=True)
    if found.diverged:
        print(f"rnncore: diverged: {found.diverged}", file=sys.stderr)
        return DIVERGED
    return FINISHED


def _tasks(options: argparse.Namespace) -> int:
    from rnncore.data import TASKS

    for name, task in TASKS.items():
        print(f"{name:16} {task.title} (T = {task.default_length}). {task.source}.")
    return FINISHED


def _verify(options: argparse.Namespace) -> int:
    from rnncore.engine.verify import verify

    failed = 0
    errors: dict[float, list[float]] = {}
    for check in verify(options.cases, options.seed):
        failed += not check.passed
        errors.setdefault(check.tolerance, []).append(check.relative_error)
        verdict = "ok  " if check.passed else "FAIL"
        print(f"{verdict} {check.relative_error:8.1e} (allowed {check.tolerance:.0e}) {check.name}", flush=True)
    for tolerance, found in sorted(errors.items()):
        worst = max(found, key=lambda error: math.inf if math.isnan(error) else error)
        print(f"worst relative error {worst:.1e} where {tolerance:.0e} is allowed")
    return FAILED if failed else FINISHED


def _settings(options: argparse.Namespace) -> int:
    from rnncore.runs.settings import Settings, SettingsError
    from rnncore.runs.settings_page import listing, markdown

    try:
        print(markdown() if options.markdown else listing(Settings.from_env()), end="")
    except SettingsError as error:
        raise ConfigError(str(error)) from None
    return FINISHED
