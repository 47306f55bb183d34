"""A store and its scheduler as the app's process holds them, with toy workers, and configs that take known time."""

import time

import numpy as np

from rnncore import TrainConfig
from rnncore.records import SCALARS
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from tests.support.fake_worker import COMMAND
from tests.support.stored import records_of

LONG = 100_000


def config(steps=20, seed=0, milliseconds=0, **fields):
    """A run that takes so many milliseconds a step."""
    return TrainConfig(steps=steps, seed=seed, batch_size=milliseconds + 1, **fields)


def slow(steps=LONG, **fields):
    return config(steps, milliseconds=2, **fields)


def quick_settings(folder, **settings):
    """Settings under which everything happens at once."""
    defaults = {"workers": 2, "stop_grace_seconds": 0.4, "worker_nice": 0, "flush_ms": 10, "commit_ms": 5}
    return Settings(data_dir=folder, **(defaults | {"spare_workers": 0} | settings))


class Server:
    """Open from construction to `close`. make_backend: makes an execution engine from settings."""

    def __init__(self, folder, make_backend=None, clock=None, **settings):
        self.settings = quick_settings(folder, **settings)
        self.store = Store(self.settings.store_path, clock)
        self.backend = (make_backend or local)(self.settings)
        self.scheduler = Scheduler(self.store, self.settings, self.backend)
        self.scheduler.start()

    def submit(self, *configs, workspace="w", **extra):
        return self.scheduler.submit(workspace, configs, [f"run {i}" for i, _ in enumerate(configs)], **extra)

    def run(self, run_id):
        return self.store.run(run_id)

    def wait(self, condition, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (
                f"waited for {seconds} s: {[(r.status, r.step, r.reason) for r in self.store.runs()]}"
            )
            time.sleep(0.01)

    def wait_status(self, run_id, *statuses, seconds=10.0):
        self.wait(lambda: self.run(run_id).status in statuses, seconds)
        return self.run(run_id)

    def side_by_side(self, *configs):
        """A group of runs that train side by side, none a second behind, as one may come on a busy machine."""
        for _ in range(5):
            group = self.submit(*configs)
            for run_id in group.runs:
                self.wait_step(run_id, 5)
            steps = [self.run(run_id).step for run_id in group.runs]
            if max(steps) - min(steps) < 50:
                break
            self.scheduler.stop(group.id)
        return group

    def wait_ready(self):
        self.wait(lambda: self.scheduler.overview().workers_ready == self.settings.workers)

    def wait_step(self, run_id, step=1):
        self.wait(lambda: self.run(run_id).step >= step)

    def records(self, run_id):
        """All stored values but the time, which is never the same."""
        values = records_of(self.store, run_id)
        assert not values.missing
        return np.nan_to_num(np.stack([values[name] for name in SCALARS if name != "elapsed_s"], 1), nan=-1.0).tolist()

    def workers(self):
        """The processes of a `LocalBackend`."""
        return list(self.backend._pool.workers)

    def worker_of(self, run_id):
        """The process that executes a run."""
        return self.backend._pool.executing(run_id)

    def close(self):
        self.scheduler.shutdown()
        self.store.close()


def local(settings):
    return LocalBackend(settings, COMMAND)
