"""Whether an install that is killed at any moment is made good by the next one.

`python -m benchmarks.install [--times 20] [--every 5] [--seed 0] [--folder DIR] [--all]`. A copy of the working tree is
installed as `make` does it (`.ci/install`), in an environment of its own; the install is killed, with all that it has
started, at a random moment of the time that a whole one takes, again and again. After every fifth kill it runs to its
end, and what it has installed has to work; so it has after the last. Takes about as long as 15 installs: minutes with
the few small packages of `SMALL`, an hour or so with `--all` of them, torch among them.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTALL = ("bash", ".ci/install", sys.executable)
ALL_WORK = (
    ("-m", "pip", "check"),
    ("-c", "import torch, streamlit, rnncore, dashboard; rnncore.TrainConfig()"),
    ("-m", "rnncore", "tasks"),
)
SMALL = ("certifi", "idna", "iniconfig", "jinja2", "markupsafe", "packaging", "platformdirs", "pluggy", "psutil",
         "pygments", "pytest", "sortedcontainers", "urllib3")  # fmt: skip
SMALL_WORK = (
    ("-m", "pip", "check"),
    (
        "-c",
        "import jinja2, psutil, pytest, urllib3; from importlib.metadata import version as v; v('rnn-gradient-lab')",
    ),
)


def copy_to(folder: Path) -> None:
    """Copy the files that git knows, as they are now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def keep_small(folder: Path) -> None:
    """Leave the small packages alone in what is to be installed."""
    lock = folder / "requirements.lock"
    entries = re.split(r"(?m)^(?=[a-z0-9])", lock.read_text("utf-8"))
    kept = [entry for entry in entries if entry.split("==")[0] in SMALL]
    if len(kept) != len(SMALL):
        raise SystemExit(f"requirements.lock has {len(kept)} of the {len(SMALL)} small packages")
    lock.write_text("".join(kept), "utf-8")
    (folder / "requirements.txt").write_text("-e .\n", "utf-8")


def whole(folder: Path, works: Sequence[Sequence[str]]) -> float:
    """Install to the end and try what was installed; return the seconds that the install took."""
    began = time.monotonic()
    subprocess.run(INSTALL, cwd=folder, check=True)
    took = time.monotonic() - began
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for arguments in works:
        command = [folder / ".venv/bin/python", *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=alone)
    if not (folder / ".venv/installed").exists() or (folder / ".venv/unfinished").exists():
        raise SystemExit("the install does not count as whole")
    return took


def kill_after(folder: Path, seconds: float) -> bool:
    """Start an install and kill all of it; return whether it was still at work."""
    install = subprocess.Popen(INSTALL, cwd=folder, start_new_session=True)
    try:
        install.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(install.pid, signal.SIGKILL)
        install.wait()


def main() -> int:
    """Kill and install in turn; return 1 when an install is not made good."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--every", type=int, default=5, help="kills between two installs that run to their end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="an empty folder to work in (default: a new one)")
    parser.add_argument("--all", action="store_true", help="all packages, torch among them")
    options = parser.parse_args()
    works = ALL_WORK if options.all else SMALL_WORK
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        copy_to(folder)
        if not options.all:
            keep_small(folder)
        longest = whole(folder, works)
        print(f"a whole install takes {longest:.0f} s", flush=True)
        for number in range(1, options.times + 1):
            if not (folder / ".venv/unfinished").exists():  # it is whole: begin as on a fresh machine
                shutil.rmtree(folder / ".venv", ignore_errors=True)
            seconds = moments.uniform(0, longest)
            at_work = kill_after(folder, seconds)
            left = "no environment" if not (folder / ".venv").exists() else "an environment"
            print(
                f"{number}: killed after {seconds:.1f} s {'' if at_work else '(it was over) '}left {left}", flush=True
            )
            if number % options.every == 0 or number == options.times:
                print(f"{number}: the next one took {whole(folder, works):.0f} s and works", flush=True)
    print(f"{options.times} kills, all made good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
