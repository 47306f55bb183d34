"""The scheduler of the page's process: what is left on the disk when it was closed."""

from pathlib import Path

from dashboard.server import services
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import config
from tests.support.waiting import wait


def test_a_clean_stop_leaves_one_file_that_holds_everything(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    scheduler = services.open_scheduler(settings, MemoryBackend(settings))
    (run,) = scheduler.submit("w", [config(2000)], ["a run"]).runs
    wait(lambda: scheduler.store.runs(["finished"]))
    with scheduler.store.read() as reader:  # a request that is still being answered
        reader.execute("SELECT 1 FROM runs").fetchone()
        services.close_scheduler()
    assert not settings.store_path.with_name("runs.sqlite-wal").exists(), "the last reader took it away"
    copy = tmp_path / "copy" / "runs.sqlite"
    copy.parent.mkdir()
    copy.write_bytes(settings.store_path.read_bytes())
    store = Store(copy)
    found = store.run(run)
    assert found is not None
    assert found.step == 2000
    store.close()


def test_a_clean_stop_leaves_no_log(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    scheduler = services.open_scheduler(settings, MemoryBackend(settings))
    scheduler.submit("w", [config(2000)], ["a run"])
    wait(lambda: scheduler.store.runs(["finished"]))
    services.close_scheduler()
    assert not settings.store_path.with_name("runs.sqlite-wal").exists()
