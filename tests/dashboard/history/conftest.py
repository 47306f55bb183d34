"""A scheduler with a toy worker behind the pages, and a store that every test finds empty."""

from collections.abc import Iterator

import pytest

from dashboard.server import services
from rnncore.classes.school import School
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from tests.support.fake_worker import COMMAND
from tests.support.waiting import wait


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, max_active_per_workspace=3)
    scheduler = Scheduler(Store(settings.store_path), settings, LocalBackend(settings, COMMAND))
    scheduler.start()
    patch = pytest.MonkeyPatch()
    patch.setattr(services, "_scheduler", scheduler)
    patch.setattr(services, "_school", School(scheduler.store, settings.max_students))
    yield scheduler
    patch.undo()
    scheduler.shutdown()


@pytest.fixture
def store(scheduler: Scheduler) -> Iterator[Store]:
    yield scheduler.store
    for run in scheduler.store.runs():
        if not run.ended:
            scheduler.stop(run.id)
    wait(lambda: all(run.ended for run in scheduler.store.runs()))
    for run in scheduler.store.runs():
        scheduler.delete(run.id)
