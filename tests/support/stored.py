"""Runs put into a store by hand: a new run, its records, as a worker's frames bring them."""

import numpy as np

from rnncore.records import Record
from rnncore.runs.settings import Settings
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.runs import progress
from rnncore.runs.store.scalars import read_scalars
from rnncore.runs.store.store import NewRun
from tests.support.wire import frames


def new_run(run_id, workspace="w"):
    return NewRun(run_id, workspace, "g", "label", {"steps": 100}, 100)


def record(step, norm=1.0, profile=True, **fields):
    hidden = np.full((1, 4), norm, np.float32) if profile else None
    values = {"epoch": 0, "train_loss": step / 10, "learning_rate": 0.1, "clip_coef": 1.0, "update_norm": 0.5}
    return Record(step=step, grad_norm=norm, hidden_grad_norm=hidden, elapsed_s=step / 100, **(values | fields))


def add(store, records, settings=None, run_id="r", size=50):
    with store.write():
        recorder = Recorder(store, run_id, settings or Settings())
        for frame in frames(records, size):
            recorder.add(frame)
    return recorder


def records_of(store, run_id):
    """The stored scalars of a run."""
    with store.read() as db:
        return read_scalars(db, progress(db, run_id).key)
