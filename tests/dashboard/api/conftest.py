"""A scheduler with toy workers behind the HTTP API, and nothing left running after a test."""

from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.server import services
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import ACTIVE
from tests.support.fake_worker import COMMAND
from tests.support.waiting import wait


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), workers=2, worker_nice=0, flush_ms=5, commit_ms=5, max_queued=40,
        max_file_mb=1, stop_grace_seconds=0.5,
    )  # fmt: skip
    yield services.open_scheduler(settings, LocalBackend(settings, COMMAND))
    services.close_scheduler()


@pytest.fixture(autouse=True)
def nothing_is_left_running(scheduler: Any) -> Iterator[None]:
    yield
    for run in scheduler.store.runs(ACTIVE):
        scheduler.stop(run.id)
    wait(lambda: not scheduler.store.runs(ACTIVE))
