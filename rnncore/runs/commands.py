"""`python -m rnncore runs ...`: the run store from the command line, while a server runs or not."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnncore.errors import ConfigError
from rnncore.words import many

FORMATS = ("csv", "json", "parquet")


def add_to(commands: Any) -> None:
    """Add `runs` and its sub-commands to a parser's commands; each sets `run`, which returns the exit status."""
    parser = commands.add_parser("runs", help="list, show, export, back up and prune the runs of the app's store")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="the store's folder (default: the app's own)")
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    _action(actions, "list", _list, "list all runs, oldest first")
    show = _action(actions, "show", _show, "print all that is known of a run as JSON")
    show.add_argument("id", help="the run's id")

    export = _action(actions, "export", _export, "write a run's records to a file")
    export.add_argument("id", help="the run's id")
    export.add_argument("--format", choices=FORMATS, help="default: what the file's name says, else csv")
    export.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")

    backup = _action(actions, "backup", _backup, "write a consistent copy of the store, also while a server runs")
    backup.add_argument("file", type=Path, help="the new file; called runs.sqlite, in its own folder, it is a store")

    prune = _action(actions, "prune", _prune, "remove ended runs by age and size, and uploads no run uses")
    prune.add_argument(
        "--days", type=_not_negative, metavar="N", help="remove runs that ended longer ago (RNNLAB_KEEP_DAYS)"
    )
    prune.add_argument("--max-mb", type=_whole, metavar="N", help="size to prune down to (RNNLAB_MAX_STORE_MB)")


def _not_negative(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _action(actions: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


@contextmanager
def open_store(options: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """Open store and settings; ConfigError with one sentence where that is not possible."""
    from rnncore.runs.settings import Settings, SettingsError
    from rnncore.runs.store.database import StoreFault
    from rnncore.runs.store.lock import StoreError
    from rnncore.runs.store.store import Store

    logging.getLogger("rnncore.runs").addHandler(logging.NullHandler())  # `store.message` is printed below
    try:
        settings = Settings.from_env()
        if options.data_dir is not None:
            settings = settings.model_copy(update={"data_dir": options.data_dir})
        if not settings.store_path.exists():
            raise ConfigError(f"there is no run store at '{settings.store_path}'; RNNLAB_DATA_DIR says where to look")
        store = Store(settings.store_path)
    except (StoreError, SettingsError) as error:
        raise ConfigError(str(error)) from error
    if store.message:
        print(f"rnncore: {store.message}", file=sys.stderr)
    try:
        yield store, settings
    except StoreFault as error:
        raise ConfigError(f"the run store '{settings.store_path}' cannot be used: {error}") from error
    finally:
        store.close()


def found(store: Any, run_id: str) -> Any:
    """Return the run with this id; ConfigError where there is none."""
    run = store.run(run_id)
    if run is None:
        raise ConfigError(f"there is no run with the id '{run_id}'; `python -m rnncore runs list` shows all")
    return run


def _list(options: argparse.Namespace) -> int:
    with open_store(options) as (store, _):
        for run in store.runs():
            created = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created_at))
            label = run.label.encode("unicode_escape").decode()  # a user's text must not steer the terminal
            end = f" of {run.steps:>7,}" if run.steps else " " * 11  # of a watched run no end is known
            print(f"{run.id}  {created}  {run.status:11}  {run.step:>7,}{end}  {label}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from rnncore.runs.active import RunStatus

    with open_store(options) as (store, _):
        print(json.dumps(RunStatus(found(store, options.id)).to_json(), indent=2))
    return 0


def _export(options: argparse.Namespace) -> int:
    from rnncore.runs.read.damage import damage
    from rnncore.runs.read.export import export_csv, export_json, export_parquet

    exporters = {"csv": export_csv, "json": export_json, "parquet": export_parquet}
    suffix = options.out.suffix.removeprefix(".").lower() if options.out else ""
    name = options.format or (suffix if suffix in exporters else "csv")
    with open_store(options) as (store, _):
        run = found(store, options.id)
        pieces = exporters[name](store, run)
        if options.out is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        else:
            with options.out.open("wb") as file:
                file.writelines(pieces)
        if lost := damage(store, run):
            print(f"rnncore: {lost}", file=sys.stderr)
    return 0


def _backup(options: argparse.Namespace) -> int:
    with open_store(options) as (store, _):
        try:
            store.backup(options.file)
        except FileExistsError:
            raise ConfigError(f"the file '{options.file}' exists already; name another one") from None
        except OSError as error:
            raise ConfigError(f"the file '{options.file}' cannot be written: {error.strerror}") from error
        print(f"wrote {many(len(store.runs()), 'run')} to '{options.file}', {options.file.stat().st_size / 1e6:.1f} MB")
    return 0


def _prune(options: argparse.Namespace) -> int:
    from rnncore.runs.store.pruning import prune

    with open_store(options) as (store, settings):
        if options.days is not None:
            settings = settings.model_copy(update={"keep_days": options.days})
        if options.max_mb is not None:
            settings = settings.model_copy(update={"max_store_mb": options.max_mb})
        pruned = prune(store, settings)
        removed = f"{many(pruned.runs, 'run')} and {many(pruned.files, 'upload')}"
        print(f"removed {removed}; {many(len(store.runs()), 'run')} left")
    return 0
