"""A scheduler with toy workers behind the page of studies."""

from collections.abc import Iterator

import pytest

from dashboard.server import services
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from tests.support.fake_worker import COMMAND


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, spare_workers=0, stop_grace_seconds=0.5)
    scheduler = Scheduler(Store(settings.store_path), settings, LocalBackend(settings, COMMAND))
    scheduler.start()
    patch = pytest.MonkeyPatch()
    patch.setattr(services, "_scheduler", scheduler)
    yield scheduler
    patch.undo()
    scheduler.shutdown()
