"""Limits: what just passes, what is refused one step further, and the sentence."""

from types import SimpleNamespace

import pytest

from rnncore import TrainConfig
from rnncore.runs import limits
from rnncore.runs.limits import LimitError, Load
from rnncore.runs.settings import Settings
from rnncore.runs.trouble import StoreTrouble
from rnncore.sizes import parameter_count

MB = 2**20
NONE = Load(0, 0)


def refused(check, *args):
    with pytest.raises(LimitError) as error:
        check(*args)
    return str(error.value), error.value.limit, error.value.retry_after


@pytest.fixture
def disk(monkeypatch):
    """A disk with as much room as `free` says, in bytes."""
    room = SimpleNamespace(free=2**40, asked=[])
    monkeypatch.setattr(limits.shutil, "disk_usage", lambda folder: room.asked.append(folder) or room)
    return room


def test_steps(disk):
    settings = Settings(max_steps=2000)
    limits.check_start([TrainConfig(steps=2000)], NONE, settings)
    expected = (
        "steps: 2,001 is above this server's limit of 2,000; choose fewer.",
        "max_steps",
        None,
    )
    assert refused(limits.check_steps, 2001, settings) == expected
    assert refused(limits.check_start, [TrainConfig(), TrainConfig(steps=2001)], NONE, settings) == expected


def test_parameters(disk):
    config = TrainConfig()
    count = parameter_count(config.model, 1, 1)
    limits.check_start([config], NONE, Settings(max_parameters=count))
    assert refused(limits.check_start, [config], NONE, Settings(max_parameters=count - 1)) == (
        f"The model has at least {count:,} parameters, above this server's limit of {count - 1:,}"
        "; choose a smaller hidden size or fewer layers.",
        "max_parameters",
        None,
    )


def test_unfinished_starts_of_a_workspace(disk):
    settings = Settings(max_active_per_workspace=5, max_queued=100)
    limits.check_start([TrainConfig()] * 6, Load(4, 0), settings)
    limits.check_start([TrainConfig()], Load(5, 0, joins=True), settings)
    for runs, load in ((1, Load(5, 0)), (7, Load(4, 0))):
        assert refused(limits.check_start, [TrainConfig()] * runs, load, settings) == (
            f"You have {load.starts_of_workspace} unfinished starts (up to 6 runs that are compared are one), and the "
            "limit is 5; wait for one to end or stop one.",
            "max_active_per_workspace",
            15.0,
        )


def test_the_queue(disk):
    settings = Settings(max_active_per_workspace=50, max_queued=10)
    twins = [TrainConfig(), TrainConfig()]
    limits.check_start(twins, Load(0, 8), settings)
    assert refused(limits.check_start, twins, Load(0, 9), settings) == (
        "The queue is full: it has 9 runs, and the limit is 10; try again in a minute.",
        "max_queued",
        15.0,
    )


def test_unfinished_runs_of_an_address_take_a_quarter_of_the_queue(disk):
    settings = Settings(max_active_per_workspace=50, max_queued=19)
    limits.check_start([TrainConfig()], Load(0, 0, 3), settings)
    assert refused(limits.check_start, [TrainConfig()], Load(0, 0, 4), settings) == (
        "Your address has 4 unfinished runs started through the API, and the limit is 4 (a quarter of the "
        "queue); wait for one to end or stop one.",
        "max_queued",
        15.0,
    )
    few = Settings(max_active_per_workspace=50, max_queued=3)
    limits.check_start([TrainConfig()], Load(0, 0, 0), few)
    sentence = refused(limits.check_start, [TrainConfig()], Load(0, 0, 1), few)[0]
    assert "has 1 unfinished run started through the API, and the limit is 1 (" in sentence


def test_the_disk(disk, tmp_path):
    settings = Settings(data_dir=tmp_path, min_free_disk_mb=2000)
    disk.free = 2000 * MB
    limits.check_disk(settings)
    disk.free -= 1
    expected = (
        "The server's disk has only 2,000 MB left, and 2,000 MB are kept free; nothing new "
        "can start until there is more room.",
        "min_free_disk_mb",
        60.0,
    )
    assert refused(limits.check_disk, settings) == expected
    assert refused(limits.check_start, [TrainConfig()], NONE, settings) == expected
    assert refused(limits.check_file, 1, 0, settings) == expected
    assert set(disk.asked) == {tmp_path}


def test_a_file_alone_and_beside_others(disk):
    settings = Settings(max_file_mb=3, max_workspace_files_mb=10)
    limits.check_file(3 * MB, 7 * MB, settings)
    assert refused(limits.check_file, 3 * MB + 1, 0, settings) == (
        "The file has 3.0 MB, above this server's limit of 3 MB; upload a smaller one.",
        "max_file_mb",
        None,
    )
    assert refused(limits.check_file, 3 * MB, 7 * MB + 1, settings) == (
        "With this file your uploads would take 10.0 MB, above the limit of 10 MB; delete some of them first.",
        "max_workspace_files_mb",
        None,
    )
    assert refused(limits.check_file, int(7.26 * MB), 0, settings)[0].startswith("The file has 7.3 MB, above")


def test_everybodys_uploads_take_a_quarter_of_the_store_at_most():
    settings = Settings(max_store_mb=8000)
    limits.check_uploads(500 * MB, 1500 * MB, settings)
    assert refused(limits.check_uploads, 500 * MB, 1500 * MB + 1, settings) == (
        "The server's room for uploads, 2,000 MB (a quarter of its store), is used up; try again in ten minutes.",
        "max_store_mb",
        600.0,
    )


def test_a_data_folder_that_is_gone(tmp_path):
    with pytest.raises(StoreTrouble, match=r"^The server's data folder is gone; nothing can start until it is back\.$"):
        limits.check_disk(Settings(data_dir=tmp_path / "gone"))
