"""A long series as windows: the split, the scaling, what is missing, the baselines."""

from importlib import resources

import numpy as np
import pytest

from rnncore.config import BundledData
from rnncore.data import SERIES, DataError, load_dataset
from rnncore.data.bundled import bundled_sequences
from rnncore.data.sampling import evenly_spaced
from tests.support.series import series_dataset


def all_training(dataset):
    """Every training window and target, in the order of the series (by the first value, which must be unique)."""
    batch = dataset.train_batch(1, dataset.train_size, 0)
    order = np.argsort(batch.inputs[:, 0, 0])
    return batch.inputs[order, :, 0], batch.targets[order, 0]


def test_windows_and_targets_of_a_small_ramp():
    values = np.arange(20.0)
    dataset = series_dataset("x", values, window=3, horizon=2, val_fraction=0.4)
    train = values[:12]
    mean, std = train.mean(), train.std()
    inputs, targets = all_training(dataset)
    np.testing.assert_allclose(inputs * std + mean, [[i, i + 1, i + 2] for i in range(8)], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(targets * std + mean, np.arange(4, 12), rtol=1e-5)
    held = dataset.validation
    np.testing.assert_allclose(held.inputs[:, :, 0] * std + mean, [[i, i + 1, i + 2] for i in range(12, 16)], rtol=1e-5)
    np.testing.assert_allclose(held.targets[:, 0] * std + mean, np.arange(16, 20), rtol=1e-5)


def test_validation_values_do_not_touch_training():
    values = np.random.default_rng(0).normal(size=100)
    values[30] = np.nan
    other = values.copy()
    other[80:] = 1e6
    first, second = (series_dataset("x", v, 5, 1, 0.2) for v in (values, other))
    np.testing.assert_array_equal(first.train_batch(1, 32, 0).inputs, second.train_batch(1, 32, 0).inputs)
    np.testing.assert_array_equal(first.train_batch(1, 32, 0).targets, second.train_batch(1, 32, 0).targets)


def test_gaps_are_interpolated_within_their_part_and_reported():
    values = np.arange(30.0)
    values[[4, 5, 14, 15]] = np.nan
    dataset = series_dataset("x", values, 2, 1, 0.5)
    inputs, _ = all_training(dataset)
    known = np.r_[np.arange(14.0), 13.0]
    np.testing.assert_allclose(inputs[:, 0] * known.std() + known.mean(), known[:13], rtol=1e-5, atol=1e-5)
    assert any("4 missing values (13.3%)" in note for note in dataset.notes)
    held = dataset.validation.inputs[0, :, 0] * known.std() + known.mean()
    np.testing.assert_allclose(held, [16, 16], rtol=1e-5)


def test_missing_ends_are_left_out_and_reported():
    values = np.r_[np.nan, np.arange(20.0), np.nan, np.nan]
    dataset = series_dataset("x", values, 2, 1, 0.5)
    assert dataset.train_size == 10 - 2
    assert any("3 missing values at the ends" in note for note in dataset.notes)


def test_baselines_are_the_losses_of_persistence_and_mean():
    values = np.random.default_rng(1).normal(size=200).cumsum() * 3
    dataset = series_dataset("x", values, 10, 4, 0.3)
    train, held = values[:140], values[140:]
    last = np.array([held[i + 9] for i in range(60 - 13)])
    target = np.array([held[i + 13] for i in range(60 - 13)])
    for index, prediction in enumerate((last, np.full_like(target, train.mean()))):
        error = np.abs(prediction - target) / train.std()
        huber = np.where(error <= 1, error**2 / 2, error - 0.5)
        for loss, expected in {"mse": error**2, "mae": error, "huber": huber}.items():
            assert dataset.baselines[loss][index].loss == pytest.approx(expected.mean(), rel=1e-5)


def test_metric_is_the_error_in_the_units_of_the_series():
    values = np.random.default_rng(1).normal(50, 7, size=200)
    dataset = series_dataset("x", values, 10, 1, 0.3)
    outputs = dataset.validation.targets + np.float32(2 / values[:140].std())
    assert dataset.metric_function(outputs, dataset.validation) == pytest.approx(2, rel=1e-5)


@pytest.mark.parametrize("batch_size", [7, 64, 500])
def test_an_epoch_visits_every_window_once(batch_size):
    dataset = series_dataset("x", np.arange(150.0), 5, 1, 0.2)
    steps = -(-dataset.train_size // batch_size)
    for epoch in range(2):
        batches = [dataset.train_batch(epoch * steps + i + 1, batch_size, 3) for i in range(steps)]
        targets = np.concatenate([batch.targets[:, 0] for batch in batches])
        assert len(targets) == len(np.unique(targets)) == dataset.train_size
        assert {dataset.epoch(epoch * steps + i + 1, batch_size) for i in range(steps)} == {epoch + 1}


def test_long_validation_is_thinned_evenly_and_reported():
    dataset = series_dataset("x", np.sin(np.arange(5_000.0)), 5, 1, 0.5)
    assert len(dataset.validation.inputs) == 512
    assert any("512 of 2,495 windows" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(10.0), "too short"),
        (np.zeros(500), "constant"),
        (np.r_[np.ones(400), np.arange(100.0)], "constant"),
        (np.r_[np.arange(499.0), np.inf], "infinite"),
        (np.r_[np.arange(499.0), 1e308], "too large"),
        (np.full(500, np.nan), "no numbers"),
        (np.r_[np.arange(400.0), np.full(99, np.nan), 1.0], None),
    ],
)
def test_unusable_series_get_one_sentence(values, words):
    if words is None:
        series_dataset("x", values, 20, 1, 0.2)
        return
    with pytest.raises(DataError, match=words) as error:
        series_dataset("x", values, 20, 1, 0.2)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("name", [name for name, entry in SERIES.items() if entry.layout == "series"])
def test_bundled_series_are_as_described(name):
    dataset = load_dataset(BundledData(name=name, window=24))
    series = SERIES[name]
    border = round(series.length * 0.8)
    assert any(f"first {border:,} of {series.length:,}" in note for note in dataset.notes)
    assert dataset.train_batch(1, 32, 0).inputs.shape == (32, 24, dataset.input_size)
    assert dataset.baselines["mse"][0].loss < dataset.baselines["mse"][1].loss


def test_bundled_values_are_the_published_ones():
    sunspots, co2, weather = (bundled_sequences(name).sequence(0) for name in ("sunspots", "co2", "weather"))
    assert (sunspots[0, 0], sunspots[-1, 0], sunspots.max()) == (58.0, 2.6, 253.8)
    assert (co2[0, 0], co2[-1, 0], int(np.isnan(co2).sum())) == (316.1, 371.5, 59)
    assert weather[0, :4].tolist() == [0.0, 12.8, 5.0, 4.7]
    assert weather[-1, :4].tolist() == [0.0, 5.6, -2.1, 3.5]


def test_bundled_weather_sees_words_one_hot():
    dataset = load_dataset(BundledData(name="weather"))
    inputs = dataset.train_batch(1, 32, 0).inputs
    assert dataset.input_size == 4 + 5
    assert (inputs[:, :, 4:].sum(-1) == 1).all()


def test_bundled_vowels_keep_the_published_split():
    dataset = load_dataset(BundledData(name="vowels"))
    assert (dataset.train_size, len(dataset.validation.inputs)) == (270, 370)
    assert (dataset.input_size, dataset.output_size, dataset.seq_len) == (12, 9, 29)
    assert (dataset.validation.lengths.min(), dataset.validation.lengths.max()) == (7, 29)
    assert np.bincount(dataset.train_batch(1, 270, 0).targets).tolist() == [30] * 9


def test_validation_is_bounded_in_sequences_and_in_values():
    assert evenly_spaced(100, most=200, values_each=10) is None
    assert evenly_spaced(1_000, most=5, values_each=10).tolist() == [0, 250, 500, 749, 999]
    assert len(evenly_spaced(1_000, most=500, values_each=1_000_000)) == 20
    assert len(evenly_spaced(1_000, most=500, values_each=10**9)) == 1


@pytest.mark.parametrize("name", SERIES)
def test_every_bundled_file_names_its_source(name):
    sources = (resources.files("rnncore.data") / "bundled" / "SOURCES.md").read_text("utf-8")
    assert f"`{SERIES[name].file}`" in sources
    assert SERIES[name].source
    assert SERIES[name].licence
