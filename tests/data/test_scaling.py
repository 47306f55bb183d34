"""How numbers are scaled: all alike, series by series, or not at all; and what is looked at for it."""

from typing import Any

import numpy as np
import pytest

from rnncore.config import BundledData, UploadData
from rnncore.data import SequenceDataset, load_dataset

T = 120
WAVES = {"quiet": np.sin(np.arange(T) / 4), "loud": 5000 + 1000 * np.sin(np.arange(T) / 4)}


def long_table(series: dict[str, np.ndarray]) -> bytes:
    rows = "".join(f"{name},{t},{value:.9g}\n" for name, values in series.items() for t, value in enumerate(values))
    return ("shop,day,sales\n" + rows).encode()


def forecast(series: dict[str, np.ndarray], **chosen: Any) -> SequenceDataset:
    roles = {"layout": "long", "id": "shop", "time": "day", "targets": ["sales"], "features": ["sales"], "window": 10}
    data = UploadData.model_validate({"files": [{"file": "x", "name": "x.csv"}], **roles, **chosen})
    return load_dataset(data, lambda _: long_table(series))


def one(**chosen: Any) -> SequenceDataset:
    content = "t,x\n" + "".join(f"{t},{50 + 7 * np.sin(t / 4):.9g}\n" for t in range(T))
    data = UploadData.model_validate({"files": [{"file": "x", "name": "x.csv"}], "window": 10, **chosen})
    return load_dataset(data, lambda _: content.encode())


def same(first: SequenceDataset, second: SequenceDataset) -> bool:
    pairs = [(each.train_batch(1, 64, 0), each.validation) for each in (first, second)]
    return all(
        np.array_equal(a.inputs, b.inputs) and np.array_equal(a.targets, b.targets) for a, b in zip(*pairs, strict=True)
    )


def test_one_series_is_scaled_alike_by_all_but_none() -> None:
    assert same(one(), one(scaling="standard"))
    assert same(one(), one(scaling="per_series"))
    assert not same(one(), one(scaling="none"))


def test_series_of_different_size_are_scaled_by_themselves() -> None:
    dataset = forecast(WAVES)
    assert same(dataset, forecast(WAVES, scaling="per_series"))
    assert not same(dataset, forecast(WAVES, scaling="standard"))
    part = np.sin(np.arange(T) / 4)[:96]  # both series are the same wave once they are scaled
    expected = (part - part.mean()) / part.std()
    batch = dataset.train_batch(1, dataset.train_size or 0, 0)
    windows = np.stack([expected[start : start + 10] for start in range(86)])
    found = np.sort(batch.inputs[:, :, 0], 0)
    np.testing.assert_allclose(found, np.sort(np.concatenate([windows, windows]), 0), atol=1e-4)
    assert dataset.metric == "root mean square error, standard deviations"
    assert dataset.answers is not None
    assert (dataset.answers.mean, dataset.answers.std) == (0, 1)
    assert any("'sales' is scaled series by series" in note for note in dataset.notes)


@pytest.mark.parametrize(("factor", "apart"), [(9.0, False), (11.0, True)])
def test_auto_tells_series_apart_from_ten_times_on(factor: float, apart: bool) -> None:
    wave = np.sin(np.arange(T) / 4)
    series = {"a": wave, "b": factor * wave}
    assert same(forecast(series), forecast(series, scaling="per_series")) == apart
    assert same(forecast(series), forecast(series, scaling="standard")) != apart


def test_none_leaves_numbers_as_they_are() -> None:
    dataset = one(scaling="none")
    values = 50 + 7 * np.sin(np.arange(T) / 4)
    np.testing.assert_allclose(dataset.validation.inputs[0, :, 0], values[96:106], rtol=1e-6)
    np.testing.assert_allclose(dataset.validation.targets[:, 0], values[106:], rtol=1e-6)
    assert dataset.metric == "root mean square error, original units"
    assert dataset.answers is not None
    assert (dataset.answers.mean, dataset.answers.std) == (0, 1)


def test_a_gap_that_stays_is_the_mean_where_nothing_is_scaled() -> None:
    series = {name: values.copy() for name, values in WAVES.items()}
    dataset = forecast(series, scaling="none")
    mean = np.concatenate([values[:96] for values in series.values()]).mean()
    from rnncore.data.scaling import fit_scale, scaled

    cells = np.concatenate([values[:96] for values in series.values()])
    scale = fit_scale(cells, np.ones(len(cells), bool), "sales", "none")
    assert scale is not None
    np.testing.assert_allclose(scaled(np.array([np.nan, 3.0]), scale, "sales"), [mean, 3.0], rtol=1e-6)
    assert dataset.input_size == 1


def test_validation_values_do_not_touch_the_scale_of_a_series() -> None:
    """Series cut in time: what comes after the border, however large, changes no training number."""
    later = {name: np.r_[values[:96], 7 * values[96:]] for name, values in WAVES.items()}
    first, second = (forecast(series).train_batch(1, 64, 0) for series in (WAVES, later))
    np.testing.assert_array_equal(first.inputs, second.inputs)
    np.testing.assert_array_equal(first.targets, second.targets)


def test_a_series_held_out_as_a_whole_is_scaled_with_what_comes_before_its_forecasts() -> None:
    """Many short series: some are for validation as a whole, and no value to be forecast has been looked at."""
    rng = np.random.default_rng(0)
    scales = 10.0 ** rng.uniform(0, 3, 12)
    short = {f"s{i:02d}": scale * rng.normal(size=22).cumsum() for i, scale in enumerate(scales)}
    dataset = forecast(short)
    assert any("series for training" in note for note in dataset.notes)
    changed = {name: np.r_[values[:11], 50 * values[11:]] for name, values in short.items()}
    first, second = dataset.validation.inputs, forecast(changed).validation.inputs
    # windows that end before the second half begins look the same, whatever follows
    same_ones = sum(any(np.array_equal(one, other) for other in second) for one in first)
    assert len(first) > 0
    assert same_ones > 0


def test_a_column_that_stands_still_within_each_series_is_scaled_over_all() -> None:
    rows = "".join(
        f"{name},{t},{values[t]:.9g},{size}\n"
        for (name, values), size in zip(WAVES.items(), (3, 5), strict=True)
        for t in range(T)
    )
    data = UploadData.model_validate(
        {
            "files": [{"file": "x", "name": "x.csv"}], "layout": "long", "id": "shop", "time": "day",
            "targets": ["sales"], "features": ["sales", "size"], "window": 10,
        }
    )  # fmt: skip
    dataset = load_dataset(data, lambda _: ("shop,day,sales,size\n" + rows).encode())
    assert dataset.input_names == ("sales", "size")
    np.testing.assert_allclose(np.unique(dataset.validation.inputs[:, :, 1]), [-1, 1], atol=1e-6)


def test_the_size_of_a_labelled_sequence_is_kept_unless_asked_otherwise() -> None:
    """It may be what the label depends on."""
    assert same(load_dataset(BundledData(name="vowels")), load_dataset(BundledData(name="vowels", scaling="standard")))
    own = load_dataset(BundledData(name="vowels", scaling="per_series")).validation
    assert own.lengths is not None
    first = own.inputs[0, : own.lengths[0]]
    np.testing.assert_allclose(first.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(first.std(0), 1, atol=1e-4)
