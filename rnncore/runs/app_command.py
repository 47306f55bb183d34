"""`rnnlab` and `rnnlab view`: start the app, which is the package `dashboard` and needs the extra `[app]`."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rnncore.errors import ConfigError

NEEDS_APP = "the app is not installed here: pip install 'rnn-gradient-lab[app]' brings it"
_OF_THE_APP = ("streamlit", "starlette", "uvicorn", "segno", "latex2mathml")


ADDRESS_FILE = "address"  # in the data folder: where the server that uses it is reached
FIRST_PORT, PORTS = 8501, 50


def add_to(commands: Any) -> None:
    """Add `view` to a parser's commands; it sets `run`, which returns the exit status."""
    summary = "show the models that are watched on this machine in the app; starts it where it does not run"
    parser = commands.add_parser("view", help=summary, description=summary)
    parser.set_defaults(run=_view)


def _view(options: argparse.Namespace) -> int:
    from rnncore.runs.settings import Settings, SettingsError
    from rnncore.runs.store.lock import FolderLock, StoreError
    from rnncore.runs.watched_targets import own_workspace, view_key

    try:
        data_dir = Settings.from_env().data_dir
        key = view_key(own_workspace(data_dir))
    except SettingsError as error:
        raise ConfigError(str(error)) from None
    address = data_dir / ADDRESS_FILE
    try:
        FolderLock(data_dir).release()
        runs = False
    except StoreError:  # a server has it
        runs = address.exists()
    if runs:
        print(f"The app runs; the watched models are at\n\n  {address.read_text('utf-8').strip()}/view?key={key}\n")
        return 0
    app_script()  # what is missing is said first
    port = os.environ.get("STREAMLIT_SERVER_PORT") or str(_free_port())
    print(f"The watched models are at\n\n  http://localhost:{port}/view?key={key}\n\nThe app starts; Ctrl-C stops it.")
    return start_app(("--server.port", port))


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise ConfigError(f"ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are all in use; set STREAMLIT_SERVER_PORT")


def app_script() -> Path:
    """Return the app's file. Raises ConfigError with what to install where something that it needs is missing."""
    package = find_spec("dashboard")
    if package is None or package.origin is None or any(find_spec(name) is None for name in _OF_THE_APP):
        raise ConfigError(NEEDS_APP)
    return Path(package.origin).with_name("app.py")


def start_app(options: Sequence[str] = ()) -> int:
    """Become the app's server; options: further ones of `streamlit run`, such as `--server.port 8600`."""
    script = app_script()
    project = script.parents[1]
    if not (script.parent / ".streamlit").exists() and (project / ".streamlit").exists():
        _go_to(project)  # a copy of the source: Streamlit reads the settings of the folder that it starts in
    command = [sys.executable, "-m", "rnncore.runs.app_process", "run", str(script), *options]
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(sys.executable, command)
    import subprocess

    return subprocess.call(command)


def _go_to(folder: Path) -> None:
    data_dir = os.environ.get("RNNLAB_DATA_DIR")
    if data_dir:
        os.environ["RNNLAB_DATA_DIR"] = str(Path(data_dir).expanduser().absolute())
    os.chdir(folder)
