"""Configurations of earlier versions are read as what trains the same run today."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from rnncore import TrainConfig
from rnncore.config import UploadData, explain
from rnncore.data import load_dataset
from tests.support.series import series_dataset

ID = "sha256:" + "0123456789abcdef" * 4


def rain(days: int = 400) -> tuple[str, np.ndarray]:
    """A CSV file, its dates out of order, with decimal commas and gaps; and its numbers in the order of rows."""
    values = np.round(np.sin(np.arange(days) / 5) * 8 + np.arange(days) % 7, 3)
    values[[0, 7, 100]] = np.nan
    cells = ["" if np.isnan(value) else f"{value:.3f}".replace(".", ",") for value in values]
    rows = (f"2024-{1 + day % 12:02}-{1 + day % 28:02};{cell};{day % 3}\n" for day, cell in enumerate(cells))
    return "day;mm;class\n" + "".join(rows), values


def read(**data: object) -> UploadData:
    config = TrainConfig.model_validate_json(json.dumps({"data": {"kind": "csv"} | data}))
    assert isinstance(config.data, UploadData)
    return config.data


@pytest.mark.parametrize(("column", "window", "horizon", "share"), [("mm", 8, 3, 0.3), ("class", 50, 1, 0.2)])
def test_a_csv_file_of_version_0_1_gives_the_same_batches(
    tmp_path: Path, column: str, window: int, horizon: int, share: float
) -> None:
    """It was one column, seen and forecast in the order of the rows: a column of few whole numbers too."""
    text, values = rain()
    (tmp_path / "rain.csv").write_text(text)
    values = values if column == "mm" else np.arange(len(values)) % 3.0
    chosen = {} if column == "class" else {"window": window, "horizon": horizon, "val_fraction": share}

    dataset = load_dataset(read(file=str(tmp_path / "rain.csv"), target=column, **chosen))

    expected = series_dataset(column, values, window, horizon, share)
    assert (dataset.train_size, dataset.target, dataset.metric) == (expected.train_size, "regression", expected.metric)
    assert dataset.baselines == expected.baselines
    for own, other in (
        (dataset.validation, expected.validation),
        (dataset.train_batch(3, 16, 5), expected.train_batch(3, 16, 5)),
    ):
        np.testing.assert_array_equal(own.inputs, other.inputs)
        np.testing.assert_array_equal(own.targets, other.targets)


def test_what_is_read_is_written_in_the_form_of_today() -> None:
    data = read(file=ID, target="mm", window=9)

    assert TrainConfig.model_validate({"data": data.model_dump()}).data == data
    assert (data.files[0].file, data.files[0].name) == (ID, "the uploaded file")
    assert read(file="/x/rain.csv", target="mm").files[0].name == ""


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"file": ID}, "data: the kind 'csv' needs a value for 'target'"),
        ({"target": "mm"}, "data: the kind 'csv' needs a value for 'file'"),
        ({"file": 5, "target": "mm"}, "data.files.0.file: 5 is not allowed; allowed: a text (and 1 more problem)"),
        ({"file": ID, "target": "mm", "window": 1}, "data.window: 1 is not allowed; allowed: 2 to 2,000"),
        ({"file": ID, "target": "mm", "colour": 1}, "data.colour: there is no such field"),
    ],
)
def test_a_wrong_one_is_refused_in_a_sentence(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        read(**data)
    assert explain(error.value) == sentence
