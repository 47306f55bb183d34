"""Size and time of the exports of a 2,000-step twin run: `python -m benchmarks.report`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from dashboard.experiment.twins import twins
from dashboard.experiment.words import label
from dashboard.exports.bundle import everything_zip
from dashboard.exports.report import report_html
from dashboard.exports.weights import weights_file
from rnncore.config import ClipConfig, ModelConfig, TaskData, TrainConfig
from rnncore.runs.read.export import export_csv, export_parquet
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store, StoredRun

ALLOWED_MB = 8.0  # of the report


def train_twins(folder: Path, seq_len: int, steps: int) -> tuple[Store, list[StoredRun]]:
    """Train a clipped LSTM and its twin through the scheduler, as the app does."""
    settings = Settings(data_dir=folder, workers=2)
    store = Store(settings.store_path)
    scheduler = Scheduler(store, settings)
    scheduler.start()
    config = TrainConfig(
        data=TaskData(seq_len=seq_len), model=ModelConfig(cell="lstm"), clip=ClipConfig(method="norm"), steps=steps
    )
    configs = twins(config)
    group = scheduler.submit("benchmark", configs, [label(each) for each in configs], keep_when_gone=True)
    while not all(run.ended for run in store.group(group.id)):
        time.sleep(0.2)
    scheduler.shutdown()
    return store, store.group(group.id)


def measure(name: str, make: Callable[[], Iterable[bytes]]) -> float:
    """Print and return the size of an export in MB."""
    began = time.perf_counter()
    size = sum(map(len, make())) / 1e6
    print(f"{name:24} {size:8.3f} MB {time.perf_counter() - began:7.2f} s")
    return size


def main() -> int:
    """Train, export, print; return 1 when the report is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seq-len", type=int, default=50)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--out", type=Path, help="keep the report here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, runs = train_twins(Path(folder), options.seq_len, options.steps)
        print(f"twins, LSTM, T {options.seq_len}, {options.steps:,} steps: {', '.join(run.status for run in runs)}")
        first = runs[0]
        report = measure("report.html", lambda: report_html(store, runs))
        measure("records.csv (one run)", lambda: export_csv(store, first))
        measure("records.parquet (one)", lambda: export_parquet(store, first))
        measure("weights.safetensors", lambda: [weights_file(store, first) or b""])
        measure("everything.zip", lambda: everything_zip(store, runs, with_data=False))
        if options.out:
            options.out.write_bytes(b"".join(report_html(store, runs)))
        store.close()
    verdict = "ok" if report <= ALLOWED_MB else "TOO LARGE"
    print(f"report: {report:.2f} MB where {ALLOWED_MB:.0f} MB are allowed: {verdict}")
    return int(report > ALLOWED_MB)


if __name__ == "__main__":
    sys.exit(main())
