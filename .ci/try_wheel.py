"""Tries an installed wheel as a user does: imports, commands, data files, and the app where it is part of it.

Usage: python try_wheel.py EXTRA REPOSITORY DIST
"""

import json
import os
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

BIN = Path(sys.executable).parent
FOLDER = Path.cwd() / "tried"
CONFIG = {"data": {"kind": "bundled", "name": "sunspots"}, "model": {"cell": "lstm", "hidden_size": 4}, "steps": 3}
WATCHED = """
import torch
from rnncore import watch
model = torch.nn.LSTM(3, 8, batch_first=True)
with watch(model, every=1, name="mine") as lab:
    for x in torch.randn(5, 2, 6, 3):
        loss = model(x)[0].square().mean()
        loss.backward()
        lab.step(loss=loss)
assert lab.records[-1].profiles[""].hidden.shape == (1, 6)
assert "<svg" in lab._repr_html_()
"""
NOT_WITHOUT_APP = ("streamlit", "starlette", "uvicorn", "pandas", "pytest")


def environment() -> dict[str, str]:
    """Return that of a user who has a data folder of their own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return env | {"RNNLAB_DATA_DIR": str(FOLDER / "data"), "OMP_NUM_THREADS": "1"}


def rnnlab(*words: str, status: int = 0) -> str:
    """Run the command and return what it says."""
    done = subprocess.run([BIN / "rnnlab", *words], capture_output=True, text=True, env=environment(), cwd=FOLDER)
    assert done.returncode == status, f"rnnlab {' '.join(words)} ended with {done.returncode}: {done.stderr}"
    return done.stdout + done.stderr


def has_every_file(repository: Path, dist: Path) -> None:
    """Compare what was built with what the repository has."""
    command = ["git", "-C", str(repository), "ls-files", "rnncore", "dashboard"]
    files = set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    wheel = set(zipfile.ZipFile(next(dist.glob("*.whl"))).namelist())
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    assert not files - wheel, f"not in the wheel: {sorted(files - wheel)}"
    assert not files - source, f"not in the source distribution: {sorted(files - source)}"
    assert "dashboard/.streamlit/config.toml" in wheel, "the app's settings are not in the wheel"
    assert ".streamlit/config.toml" in source, "the app's settings are not in the source distribution"


def works_without_app() -> None:
    """Train, verify and look at the installed data, where no package of the app is."""
    here = [name for name in NOT_WITHOUT_APP if find_spec(name)]
    assert not here, f"{here} came along without the extra [app]"
    import rnncore

    assert "site-packages" in str(rnncore.__file__), rnncore.__file__
    assert "pip install 'rnn-gradient-lab[app]'" in rnnlab(status=2)
    (FOLDER / "config.json").write_text(json.dumps(CONFIG))
    assert rnnlab("train", "config.json").count('"step"') == CONFIG["steps"]
    assert '"findings"' in rnnlab("diagnose", "config.json")
    assert "worst relative error" in rnnlab("verify", "--cases", "2", "--seed", "1")
    assert "adding" in rnnlab("tasks")
    for command in ("predict", "study"):
        assert "usage: rnnlab" in rnnlab(command, "--help")
    (FOLDER / "watched.py").write_text(WATCHED)
    done = subprocess.run(
        [sys.executable, "-I", "watched.py"], env=environment(), capture_output=True, text=True, cwd=FOLDER
    )
    assert done.returncode == 0, done.stderr
    assert "'mine' is being watched" in done.stderr, done.stderr
    assert "mine" in rnnlab("runs", "list")
    assert "pip install 'rnn-gradient-lab[app]'" in rnnlab("view", status=2)
    from rnncore.script import script_of  # its templates are data files

    assert "sunspots" in script_of(rnncore.TrainConfig.model_validate(CONFIG))


def starts_app() -> None:
    """Start the app in another folder than the repository, with its own settings, and ask how it is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"RNNLAB_DATA_DIR": str(FOLDER / "data"), "STREAMLIT_SERVER_PORT": str(port)}
    server = subprocess.Popen([BIN / "rnnlab"], env=env, cwd=FOLDER)
    try:
        health, deadline = {}, time.monotonic() + 240
        while health.get("status") != "ok" and time.monotonic() < deadline:
            assert server.poll() is None, "the app ended"
            time.sleep(0.5)
            with suppress(OSError):
                health = json.load(urllib.request.urlopen(f"http://localhost:{port}/api/health", timeout=5))
        assert health.get("status") == "ok", health
        page = urllib.request.urlopen(f"http://localhost:{port}/", timeout=30).read()
        assert b"<title>" in page
    finally:
        server.terminate()
        server.wait(60)


FOLDER.mkdir(exist_ok=True)
if sys.argv[1] == "app":
    starts_app()
    sys.stdout.write("the wheel with [app] starts the app\n")
else:
    has_every_file(Path(sys.argv[2]), Path(sys.argv[3]))
    works_without_app()
    sys.stdout.write("the wheel works in an environment without the app\n")
