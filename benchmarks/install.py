"""Whether an install that is killed at any moment is made good by the next one.

`python -m benchmarks.install [--times 20] [--every 5] [--seed 0] [--folder DIR]`. A copy of the working tree is
installed as `make` does it (`.ci/install`), in an environment of its own; the install is killed, with all that it has
started, at a random moment of the time that a whole one takes, again and again. After every fifth kill it runs to its
end, and what it has installed has to work; so it has after the last. Takes about as long as 15 installs.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTALL = ("bash", ".ci/install", sys.executable)
WORKS = (
    ("-m", "pip", "check"),
    ("-c", "import torch, streamlit, rnncore, dashboard; rnncore.TrainConfig()"),
    ("-m", "rnncore", "tasks"),
)


def copy_to(folder: Path) -> None:
    """Copy the files that git knows, as they are now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def whole(folder: Path) -> float:
    """Install to the end and try what was installed; return the seconds that the install took."""
    began = time.monotonic()
    subprocess.run(INSTALL, cwd=folder, check=True)
    took = time.monotonic() - began
    for arguments in WORKS:
        subprocess.run([folder / ".venv/bin/python", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
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
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        copy_to(folder)
        longest = whole(folder)
        print(f"a whole install takes {longest:.0f} s", flush=True)
        for number in range(1, options.times + 1):
            shutil.rmtree(folder / ".venv") if number % options.every == 1 else None  # as on a fresh machine
            seconds = moments.uniform(0, longest)
            at_work = kill_after(folder, seconds)
            left = "no environment" if not (folder / ".venv").exists() else "an environment"
            print(
                f"{number}: killed after {seconds:.1f} s {'' if at_work else '(it was over) '}left {left}", flush=True
            )
            if number % options.every == 0 or number == options.times:
                print(f"{number}: the next one took {whole(folder):.0f} s and works", flush=True)
    print(f"{options.times} kills, all made good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
