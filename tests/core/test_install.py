"""The install may be stopped at any moment and run again; what is installed is locked."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Stands for Python: makes an environment piece by piece, whose pip notes what it has installed once it is done.
PYTHON = """#!/usr/bin/env bash
mkdir -p .venv/bin; sleep 0.1
cat >.venv/bin/python <<'END'
#!/usr/bin/env bash
case "$*" in
  "-m pip --version") [ -e .venv/whole ] ;;
  "-m pip install"*) sleep 0.1; echo "${@: -1}" >>.venv/packages ;;
  *) exit 1 ;;
esac
END
chmod +x .venv/bin/python; sleep 0.1
touch .venv/whole
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the install is a shell script")
@pytest.mark.parametrize("moment", [0.02 + 0.07 * step for step in range(8)])
def test_an_install_that_was_stopped_is_made_good(tmp_path: Path, moment: float) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "install", tmp_path / ".ci")
    for name in ("requirements.txt", "requirements.lock"):
        (tmp_path / name).write_text("torch==1.2.3\n" if name.endswith("txt") else "")
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    command = ["bash", ".ci/install", str(python)]
    first = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    subprocess.run(command, cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    assert (tmp_path / ".venv/packages").read_text().split() == ["torch==1.2.3", "requirements.lock", "."]
    assert (tmp_path / ".venv/installed").exists()
    assert not (tmp_path / ".venv/unfinished").exists()


def test_every_direct_dependency_is_locked_with_hashes() -> None:
    direct = re.findall(r"^([\w-]+)==(\S+?)(?:;.*)?$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([\w-]+)==([^\s;]+)", lock, re.MULTILINE))
    assert {name.lower(): version for name, version in direct if name != "torch"}.items() <= locked.items()
    assert "torch" not in locked  # its wheel differs by index
    assert not [name for name in locked if name.startswith(("nvidia", "triton"))]
    entries = re.split(r"\n(?=\w)", lock.split("\n", 1)[1].strip())
    assert {entry.partition("==")[0] for entry in entries} == set(locked)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_extra_formats_are_pinned_and_installed_where_all_tests_run() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert all(re.fullmatch(r"[a-z0-9]+==[\d.]+", entry) for entry in extra["formats"])
    assert '".[formats]"' in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert " ".join(extra["formats"]) in (ROOT / "docs/data.md").read_text(encoding="utf-8")
