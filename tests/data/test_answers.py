"""What an answer means in the data's own terms: units of the target, and where it stands in time."""

import numpy as np
import pytest

from rnncore.config import BundledData, UploadData
from rnncore.data import load_dataset
from rnncore.data.upload import inspect
from rnncore.records import MetricWords
from rnncore.snapshot_parts import MAX_SEQUENCES

DAYS = 60


def answers_of(header, rows, **chosen):
    content = "\n".join([header, *rows]).encode()
    dataset = inspect([("x.csv", content)], UploadData(files=[{"file": "x"}], **chosen)).dataset
    return dataset, dataset.answers


def test_answers_of_a_series_stand_at_their_own_dates_in_their_own_units():
    values = [20 + (day * 7) % 12 + day % 5 for day in range(DAYS)]
    dates = np.datetime64("2024-01-30") + np.arange(DAYS)
    shuffled = np.random.default_rng(0).permutation(DAYS)
    rows = [f"{dates[day]},{values[day]}" for day in shuffled]  # brought into the order of time
    dataset, answers = answers_of("day,sales", rows, window=4, horizon=2)
    assert (answers.name, answers.axis) == ("sales", "day")
    own = dataset.validation.targets[:, 0] * answers.std + answers.mean
    shown = dict(zip(dates.astype(str).tolist(), values, strict=True))
    np.testing.assert_allclose(own, [shown[place] for place in answers.places], rtol=1e-5)


def test_dates_with_a_time_of_day_keep_it():
    hours = np.datetime64("2024-01-30T06:00:00") + np.arange(DAYS) * np.timedelta64(1, "h")
    _, answers = answers_of("at,load", [f"{hour},{place % 7}" for place, hour in enumerate(hours)], window=4)
    assert answers.places[-1] == str(hours[-1])


def test_a_series_without_dates_counts_its_rows():
    _, answers = answers_of("load", [str(row % 7) for row in range(DAYS)], window=4)
    assert (answers.axis, answers.places[-1]) == ("row", DAYS)


def test_sequences_have_no_place_in_time():
    rows = [f"{number},{step},{(number * 3 + step) % 5},{number * 1.5}" for number in range(20) for step in range(6)]
    _, answers = answers_of("id,step,x,height", rows, targets=["height"], target_kind="regression")
    assert (answers.name, answers.axis, answers.places) == ("height", "", ())


def test_bundled_series_have_dates_and_a_unit():
    answers = load_dataset(BundledData(name="weather"), 0).answers
    assert (answers.name, answers.unit, answers.axis) == ("temp_max", "degrees Celsius", "date")
    assert len(answers.places) == MAX_SEQUENCES
    assert answers.places == tuple(sorted(answers.places))
    assert all(place.startswith("201") for place in answers.places)
    assert load_dataset(BundledData(name="vowels"), 0).answers is None


@pytest.mark.parametrize(
    ("metric", "name", "value"),
    [
        ("error rate", "accuracy", 0.75),
        ("error rate once all bits have come", "accuracy once all bits have come", 0.75),
        ("share of symbols recalled", "share of symbols recalled", 0.25),
        ("root mean square error, original units", "RMSE, original units", 0.25),
        ("bits per character", "bits per character", 0.25),
    ],
)
def test_a_metric_in_words(metric, name, value):
    words = MetricWords.of(metric)
    assert (words.name, words.told(0.25)) == (name, value)
    assert words.percent == (not name.startswith(("RMSE", "bits")))
