"""Runs of one workspace put into a store as if they had been trained: experiments of the history's tests."""

import time
from collections.abc import Sequence
from typing import Any

from dashboard.experiment import history
from rnncore.config import TrainConfig
from rnncore.records import Record
from rnncore.runs.settings import Settings
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.store import NewRun, Store
from tests.support.wire import frames

WORKSPACE = "workspace-of-these-tests-1"
MARKUP = "**bold** <b>x</b> :red[y]"
numbers = iter(range(10**6))


def add(
    store: Store,
    *labels: str,
    status: str = "finished",
    losses: Sequence[float] = (1.0,),
    val: Sequence[float | None] = (),
    metric: tuple[str, float] | None = None,
    workspace: str = WORKSPACE,
    steps: int = 1000,
    ended_at: float | None = None,
    reason: str = "",
    each: Sequence[dict[str, Any]] = (),
    **config: Any,
) -> list[str]:
    """Store runs of one group as if they had been trained; return their ids. each: settings of their own."""
    group, number = f"group-{next(numbers)}", next(numbers)
    common = {**config, "steps": steps, "batch_size": 3}
    contents = [TrainConfig.model_validate({**common, **own}) for own in each or [{}] * len(labels)]
    runs = [
        NewRun(f"run-{number}-{i}", workspace, group, label, content.model_dump(mode="json"), steps)
        for i, (label, content) in enumerate(zip(labels, contents, strict=True))
    ]
    store.create_runs(runs)
    for run in runs:
        add_records(store, run.id, losses, val, None if metric is None else metric[1])
        if metric is not None:
            store.set_info(run.id, {"metric": metric[0]})
        store.update_run(run.id, status=status, reason=reason, ended_at=time.time() if ended_at is None else ended_at)
    return [run.id for run in runs]


def add_records(
    store: Store,
    run_id: str,
    losses: Sequence[float],
    val: Sequence[float | None] = (),
    metric: float | None = None,
) -> None:
    recorder = Recorder(store, run_id, Settings())
    evaluated = [*val, *[None] * len(losses)]
    records = [
        Record(step, 0, loss, 0.1, 1.0, 1.0, 0.5, val_loss=evaluated[step - 1], val_metric=metric)
        for step, loss in enumerate(losses, start=1)
        if step > recorder.step
    ]
    for frame in frames(records):
        recorder.add(frame)


def run_of(store: Store, run_id: str) -> history.HistoryRun:
    return next(run for run in history.runs_of(store, WORKSPACE) if run.id == run_id)
