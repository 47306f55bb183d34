"""How long a study takes, and how fast a machine is: measured once, believed within bounds, kept in a file."""

import json
from pathlib import Path

import pytest

from rnncore.checks import timesteps_of
from rnncore.config import FlossingConfig, TrainConfig
from rnncore.data import load_dataset
from rnncore.flossing import update_seconds
from rnncore.runs.worker.engine import ReadFile, TrainerLike
from rnncore.runs.worker.main import TorchEngine
from rnncore.studies import pace
from rnncore.studies.config import read_study
from rnncore.studies.expansion import cells_of
from rnncore.studies.forecast import run_seconds, study_seconds


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pace.platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    return tmp_path / "cache"


def seconds(places: int = 1) -> float:
    cells = cells_of(read_study({"base": {"steps": 100}, "seeds": 4}))
    return study_seconds(cells, lambda each: load_dataset(each.data), places)


def test_a_slower_machine_takes_longer_and_more_places_less_time() -> None:
    usual = seconds()
    assert seconds(2) == pytest.approx(usual / 2)
    pace.keep(3.0)
    assert seconds() == pytest.approx(3 * usual)


@pytest.mark.parametrize(("every", "times"), [(None, 1), (10, 10), (40, 3)])
def test_flossing_takes_its_time_too(every: int | None, times: int) -> None:
    usual = TrainConfig(steps=100)
    flossed = usual.model_copy(update={"flossing": FlossingConfig(exponents=8, steps=50, every=every)})
    more = run_seconds(flossed, 40) - run_seconds(usual, 40)
    assert more == pytest.approx(times * 50 * update_seconds(flossed, 40))
    study = {"base": {"steps": 100, "flossing": {"exponents": 8, "steps": 50, "every": every}}, "seeds": 4}
    cells = cells_of(read_study(study))
    length = timesteps_of(cells[0].config, load_dataset(cells[0].config.data))
    found = study_seconds(cells, lambda each: load_dataset(each.data), 1)
    assert found - seconds() == pytest.approx(4 * times * 50 * update_seconds(cells[0].config, length))


def test_a_pace_that_cannot_be_is_not_believed() -> None:
    assert pace.measured() is None
    for text in ("", "{", '"fast"', "null", "0", "1e9", "NaN"):
        pace.file().parent.mkdir(parents=True, exist_ok=True)
        pace.file().write_text(text)
        assert pace.measured() is None, text
    pace.keep(1e9)
    assert pace.measured() == pace.MOST


def test_a_folder_that_cannot_be_written_is_no_harm(folder: Path) -> None:
    folder.write_text("a file in its place")
    pace.keep(2.0)
    assert pace.measured() is None


def test_a_worker_measures_once() -> None:
    trained: list[TrainConfig] = []

    class Watched(TorchEngine):
        def trainer(self, config: TrainConfig, read_file: ReadFile) -> TrainerLike:
            trained.append(config)
            return super().trainer(config, read_file)

    engine = Watched()
    engine.warm_up()
    first = json.loads(pace.file().read_text())
    assert pace.LEAST <= first <= pace.MOST
    steps = [config.steps for config in trained]
    engine.warm_up()
    assert [config.steps for config in trained] == steps + steps[:-1]
    assert json.loads(pace.file().read_text()) == first
