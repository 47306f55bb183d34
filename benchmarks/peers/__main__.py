"""The article's Keras program on TensorFlow and JAX beside torch.nn and ours: `python -m benchmarks.peers`.

Installs Keras, TensorFlow and JAX (about 2 GB) into build/peers-venv the first time. One thread each; CPU seconds of
the training alone, compilation included. At least 4 times the speed of Keras on TensorFlow is wanted.
"""

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from benchmarks.article import ours, plain
from benchmarks.timing import table

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[1] / "build" / "peers-venv"
SEEDS = 5
BACKENDS = ("tensorflow", "jax")
SHOWN = (1, 10, 100)  # epochs
LEAST = 4.0

Runs = tuple[list[float], list[list[float]]]  # seconds of each run, losses by seed and epoch


def peers_python() -> Path:
    """Return the interpreter of the peers' environment, installed if it is not there yet."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = ENVIRONMENT / "installed"
    wanted = (HERE / "requirements.txt").read_text("utf-8")
    if not installed.exists() or installed.read_text("utf-8") != wanted:
        print("Installing Keras, TensorFlow and JAX into build/peers-venv (about 2 GB) ...", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        installed.write_text(wanted, "utf-8")
    return python


def run_keras(python: Path, backend: str) -> Runs:
    """Return what the article's program reports on one backend."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    flags = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
    environment = os.environ | one_thread | flags | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command: list[str | Path] = [python, HERE / "keras_article.py", str(SEEDS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Keras on {backend} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result["seconds"], result["losses"]


def run_here(fit: Callable[[int], list[float]]) -> Runs:
    """Return seconds and losses of our own or torch.nn's program."""
    seconds, losses = [], []
    fit(0)
    for seed in range(SEEDS):
        began = time.process_time()
        losses.append(fit(seed))
        seconds.append(time.process_time() - began)
    return seconds, losses


def main() -> int:
    """Print the table; return 1 where Keras on TensorFlow is not slow enough beside us."""
    torch.set_num_threads(1)
    python = peers_python()
    results = {f"Keras on {name}": run_keras(python, name) for name in BACKENDS}
    results |= {"torch.nn": run_here(plain), "ours, profiles recorded": run_here(ours)}
    rows = []
    for name, (seconds, losses) in results.items():
        by_epoch = [sorted(run[epoch - 1] for run in losses) for epoch in SHOWN]
        spread = [f"{median(values):.4f} ({values[0]:.4f}-{values[-1]:.4f})" for values in by_epoch]
        rows.append([name, f"{median(seconds):.2f}", *spread])
    print(table(["", "CPU seconds", *(f"loss, epoch {epoch}" for epoch in SHOWN)], rows))
    print(f"\nMedians of {SEEDS} seeds (smallest-largest); each seed draws its own noise, the same for all.")
    factor = median(results["Keras on tensorflow"][0]) / median(results["ours, profiles recorded"][0])
    print(f"Keras on TensorFlow takes {factor:.1f} times as long as ours (at least {LEAST:g} wanted).")
    return int(factor < LEAST)


if __name__ == "__main__":
    sys.exit(main())
