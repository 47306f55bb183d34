"""`rnnlab`: starts the app, which stands in the package `dashboard` and needs the extra `[app]`."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rnncore.errors import ConfigError

NEEDS_APP = "the app is not installed here: pip install 'rnn-gradient-lab[app]' brings it"
_OF_THE_APP = ("streamlit", "starlette", "uvicorn", "segno", "latex2mathml")


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
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
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
