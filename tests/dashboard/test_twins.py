"""Which runs are twins, and what experiment the runs on a board stand for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.experiment.groups import Group
from dashboard.experiment.share import decode
from dashboard.experiment.twins import are_twins, twins
from dashboard.exports.report import report_html
from dashboard.lessons import LESSONS
from rnncore.config import TrainConfig
from rnncore.runs.store.store import Store
from tests.support.trained import GROUP, train_into

SMALL: dict[str, Any] = {"data": {"kind": "task", "seq_len": 5}, "model": {"hidden_size": 3}, "steps": 3}


def config(**fields: Any) -> TrainConfig:
    return TrainConfig.model_validate(SMALL | fields)


NORM, VALUE, OFF = (config(clip={"method": method}) for method in ("norm", "value", "off"))
LSTM_OFF = config(model={"cell": "lstm", "hidden_size": 3})


@pytest.mark.parametrize(
    ("runs", "twin", "experiment"),
    [
        ([NORM, OFF], True, (NORM, True)),
        ([OFF, NORM], True, (NORM, True)),
        ([NORM, VALUE], True, (NORM, False)),
        ([NORM, LSTM_OFF], False, (NORM, False)),
        ([OFF, LSTM_OFF], False, (OFF, False)),
        ([NORM], False, (NORM, False)),
        ([NORM, LSTM_OFF, OFF], False, (NORM, True)),
    ],
    ids=["twins", "in the other order", "two clips", "another cell", "neither clipped", "alone", "three"],
)
def test_twins_differ_by_the_clip_alone(
    runs: list[TrainConfig], twin: bool, experiment: tuple[TrainConfig, bool]
) -> None:
    assert are_twins(runs) is twin
    assert Group(tuple(runs)).experiment == experiment


def test_what_makes_twins_is_what_tells_them() -> None:
    assert are_twins(twins(NORM))
    assert Group(tuple(twins(NORM))).experiment == (NORM, True)
    for lesson in LESSONS.values():
        assert not lesson.compare or are_twins([run.config for run in lesson.runs])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    yield store
    store.close()


def report(store: Store, configs: list[TrainConfig], labels: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the page and the data in it."""
    train_into(store, configs, labels)
    html = b"".join(report_html(store, store.group(GROUP))).decode()
    data = html[html.index(' id="data">') + 11 :]
    return html, json.loads(data[: data.index("</script>")])


def test_a_report_of_other_runs_of_one_seed_marks_where_they_part_and_its_link_opens_all(store: Store) -> None:
    html, data = report(store, [NORM, LSTM_OFF], ["RNN", "LSTM"])

    assert data["matched"] is True
    assert [run["label"] for run in data["runs"]] == ["RNN", "LSTM"]
    link = decode(html.split("?config=")[1].split("<")[0])
    assert (link.config, link.compare, link.others, link.problems) == (NORM, False, (LSTM_OFF,), [])


def test_a_report_of_two_seeds_marks_nothing(store: Store) -> None:
    _, data = report(store, [NORM, NORM.model_copy(update={"seed": 1})], ["clipped at 1", "clipped at 1"])

    assert data["matched"] is False
    assert [run["label"] for run in data["runs"]] == ["seed 0", "seed 1"]


def test_a_report_of_twins_marks_where_they_part_and_its_link_compares(store: Store) -> None:
    html, data = report(store, [OFF, NORM], ["not clipped", "clipped"])

    assert data["matched"] is True
    link = decode(html.split("?config=")[1].split("<")[0])
    assert (link.config, link.compare, link.others) == (NORM, True, ())
