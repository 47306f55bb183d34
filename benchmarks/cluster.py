"""What a cluster asks of the scheduler: `python -m benchmarks.cluster store`, and with ray `... ray` (docs/deploy.md).

store: how many frames and records per second scheduler and store take, from runs that talk as fast as they may.
ray: how long places take to get ready, how fast records come over Ray's streams, and how long a run stands still when
its node dies; on one machine with several nodes and toy workers.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnncore.codec import pack
from rnncore.config import TrainConfig
from rnncore.records import Record
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.protocol import Capacity, Changed, Deliver
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store

TIMESTEPS, PROFILE_EVERY = 50, 5


class Flood:
    """An execution engine whose runs have trained already: each says all its frames as fast as they are taken."""

    def __init__(self, runs: int, frames: int, each: int) -> None:
        self._size, self._busy = runs, 0
        self._said = [_records(place * each, each) for place in range(frames)]
        self._deliver: Deliver | None = None

    def open(self, deliver: Deliver) -> None:
        """See `Backend`."""
        self._deliver = deliver
        threading.Timer(0.1, deliver, [Changed()]).start()

    def keep_up(self) -> None:
        """See `Backend`."""

    def capacity(self) -> Capacity:
        """See `Backend`."""
        return Capacity(self._size, self._size, self._busy, self._size - self._busy, 0)

    def start(self, job: JobSpec) -> str:
        """See `Backend`."""
        self._busy += 1
        threading.Thread(target=self._speak, args=(job.run,), daemon=True).start()
        return "a thread"

    def send(self, run: str, command: str, **values: int | float | str) -> None:
        """See `Backend`."""

    def abort(self, run: str) -> None:
        """See `Backend`."""

    def close(self, grace_seconds: float) -> None:
        """See `Backend`."""

    def _speak(self, run: str) -> None:
        deliver = self._deliver
        assert deliver is not None
        for header, blob in self._said:
            deliver(Frame({"type": "records", "run": run, **header}, blob))
        self._busy -= 1
        deliver(Frame({"type": "done", "run": run, "status": "finished", "reason": "", "step": 0, "traceback": ""}))


def _records(first: int, count: int) -> tuple[dict[str, Any], bytes]:
    profile = np.linspace(0.1, 1.0, TIMESTEPS, dtype=np.float32)[None]
    return pack(
        [
            Record(
                step=step, epoch=0, train_loss=1.0 / step, learning_rate=0.01, grad_norm=1.0, clip_coef=1.0,
                update_norm=0.1, hidden_grad_norm=profile if step % PROFILE_EVERY == 0 else None, elapsed_s=step / 100,
            )
            for step in range(first + 1, first + count + 1)
        ]
    )  # fmt: skip


def store(runs: int, frames: int, each: int) -> None:
    """Print what scheduler and store take of so many runs, of which each says so many frames of so many records."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), max_queued=100_000, max_active_per_workspace=100_000)
        with_store = Store(settings.store_path)
        scheduler = Scheduler(with_store, settings, Flood(runs, frames, each))
        scheduler.start()
        config = TrainConfig(steps=frames * each)
        began, cpu = time.perf_counter(), time.process_time()
        groups = [scheduler.submit(f"w{run}", [config], ["run"], keep_when_gone=True) for run in range(runs)]
        while not all(run.ended for run in with_store.runs()):
            time.sleep(0.2)
        seconds, busy = time.perf_counter() - began, time.process_time() - cpu
        total = runs * frames
        size = settings.store_path.stat().st_size / 1e6
        print(
            f"{runs:,} runs at once, {frames:,} frames of {each} records each: {total / seconds:,.0f} frames/s, "
            f"{total * each / seconds:,.0f} records/s, {busy / seconds:.0%} of a core, "
            f"{1e6 * busy / total:,.0f} µs of CPU per frame, store {size:,.0f} MB ({len(groups):,} groups)"
        )
        scheduler.shutdown()
        with_store.close()


def over_ray(nodes: int, runs: int) -> None:
    """Print what Ray takes: places, records, and a node that dies."""
    from tests.support.ray_cluster import Nodes, on_cluster
    from tests.support.scheduling import Server, config, slow

    began = time.perf_counter()
    cluster = Nodes(*[1] * nodes)
    print(f"head and {nodes} nodes of this machine: {time.perf_counter() - began:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        server = Server(Path(folder), on_cluster(cluster.address), checkpoint_seconds=1.0, max_active_per_workspace=999)
        server.wait(lambda: server.scheduler.overview().workers_ready == nodes, 120.0)
        print(f"{nodes} places ready: {time.perf_counter() - began:.1f} s (connecting, actors, toy workers)")
        steps, cpu, began = 4000, time.process_time(), time.perf_counter()
        ids = [server.submit(config(steps, seed=seed)).runs[0] for seed in range(runs)]
        server.wait(lambda: all(server.run(run).status == "finished" for run in ids), 500.0)
        seconds, busy = time.perf_counter() - began, time.process_time() - cpu
        print(
            f"{runs} runs of {steps:,} steps as fast as they go: {runs * steps / seconds:,.0f} records/s stored, "
            f"{busy / seconds:.0%} of a core for scheduler, store and Ray's client"
        )
        moving = server.submit(slow()).runs[0]
        server.wait(lambda: server.run(moving).checkpoint_step > 50, 60.0)
        place = server.backend._executing(moving)
        cluster.kill(next(number for number, node in enumerate(cluster.nodes) if node._node_id == place.node))
        before, began = server.run(moving).step, time.perf_counter()
        server.wait(lambda: server.run(moving).step > before + 200, 120.0)
        print(f"its node killed, a run of 2 ms per step is 200 steps on after {time.perf_counter() - began:.1f} s")
        server.close()
    cluster.shutdown()


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the choice from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("store", "ray"))
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--records", type=int, default=10, help="in each frame")
    parser.add_argument("--nodes", type=int, default=4)
    options = parser.parse_args(arguments)
    if options.what == "store":
        store(options.runs, options.frames, options.records)
    else:
        over_ray(options.nodes, min(options.runs, 40))


if __name__ == "__main__":
    main()
