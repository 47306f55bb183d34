"""Uploads prepared honestly: splits, scaling, missing values, padding, overrides, several files."""

import hashlib

import numpy as np
import pytest

from rnncore import TrainConfig
from rnncore.config import UploadData
from rnncore.data import DataError, load_dataset
from rnncore.data.templates import TEMPLATES
from rnncore.data.upload import inspect
from tests.support.corpus.build import DAYS, OTHER, WAVE, X, dated, long_form, npz, table


def options(**chosen):
    return UploadData(files=[{"file": "x"}], **chosen)


def csv(header, *columns):
    return [("x.csv", table(list(zip(*columns, strict=True)), ",", header.split(",")).encode())]


def everything(dataset):
    """All training sequences and targets, in one batch."""
    return dataset.train_batch(1, dataset.train_size, 0)


def test_windows_and_targets_of_two_features():
    dataset = inspect(csv("a,b", WAVE, OTHER), options(window=4, horizon=3, val_fraction=0.25)).dataset
    train = np.stack([WAVE, OTHER], 1)[:90]
    held = (np.stack([WAVE, OTHER], 1)[90:] - train.mean(0)) / train.std(0)
    expected = np.stack([held[start : start + 4] for start in range(30 - 6)])
    np.testing.assert_allclose(dataset.validation.inputs, expected, atol=1e-5)
    np.testing.assert_allclose(dataset.validation.targets[:, 0], held[6:, 1], atol=1e-5)
    assert dataset.train_size == 90 - 6


def test_a_suggested_window_is_told():
    inspection = inspect(csv("a", WAVE))
    assert inspection.options.window == inspection.dataset.seq_len
    with pytest.raises(DataError, match="Choose a file"):
        inspect([])


def test_stride_thins_the_training_windows_only():
    dataset = inspect(csv("a", WAVE), options(window=4, stride=5)).dataset
    starts = everything(dataset).inputs[:, 0, 0] * WAVE[:96].std() + WAVE[:96].mean()
    np.testing.assert_allclose(np.sort(starts), np.sort(WAVE[:92:5]), atol=1e-4)
    assert len(dataset.validation.inputs) == 24 - 4


def test_what_is_held_out_does_not_touch_the_training_data():
    """Make every held out value a thousand times as large: the training batches stay the same, bit for bit."""
    end = np.r_[np.ones(96), np.full(24, 1000)]
    first, second = (inspect(csv("a,b", WAVE * factor, OTHER * factor)).dataset for factor in (np.ones(120), end))
    np.testing.assert_array_equal(everything(first).inputs, everything(second).inputs)
    np.testing.assert_array_equal(everything(first).targets, everything(second).targets)
    assert not np.array_equal(first.validation.inputs, second.validation.inputs)


def test_scaling_of_sequences_is_fitted_on_the_training_sequences():
    dataset = inspect([("x.csv", long_form().encode())]).dataset
    batch = everything(dataset)
    steps = np.concatenate([row[:length] for row, length in zip(batch.inputs, batch.lengths, strict=True)])
    np.testing.assert_allclose(steps.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(steps.std(0), 1, atol=1e-6)
    assert np.abs(dataset.validation.inputs.mean((0, 1))).max() > 1e-3


def test_categories_are_those_of_the_training_part():
    words = ["a" if i % 2 else "b" for i in range(96)] + ["c"] * 24
    dataset = inspect(csv("kind,v", words, WAVE)).dataset
    assert dataset.input_size == 3
    assert (everything(dataset).inputs[:, :, :2].sum(-1) == 1).all()
    assert (dataset.validation.inputs[:, :, :2] == 0).all()
    assert any("1 word of 'kind' only in the validation data" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("missing", "kept"),
    [
        ("interpolate", np.arange(96)),
        ("forward_fill", np.r_[0:4, 3, 3, 6:96]),
        ("drop", np.r_[0:4, 6:96]),
    ],
)
def test_missing_values_are_treated_as_chosen(missing, kept):
    values = [str(i) for i in range(120)]
    values[4] = values[5] = ""
    inspection = inspect(csv("v", values), options(window=4, missing=missing))
    expected = np.lib.stride_tricks.sliding_window_view((kept - kept.mean()) / kept.std(), 4)[:-1]
    windows = everything(inspection.dataset).inputs[:, :, 0]
    np.testing.assert_allclose(windows[np.lexsort(windows.T[::-1])], expected, atol=1e-5)
    assert any("missing" in note for note in inspection.notes)


def test_sequences_are_padded_with_zeros_and_their_lengths_told():
    inspection = inspect([("x.csv", long_form().encode())])
    batch = everything(inspection.dataset)
    assert sorted(set(batch.lengths)) == [10, 11, 12]
    assert batch.inputs.shape[1] == 12
    for row, length in zip(batch.inputs, batch.lengths, strict=True):
        assert not row[length:].any()
        assert row[:length].any(axis=1).all()


def test_sequences_of_one_length_are_not_padded():
    assert inspect([("x.npz", npz(X=X, y=np.arange(30) % 3))]).dataset.train_batch(1, 4, 0).lengths is None


def test_long_sequences_keep_their_last_steps():
    data = npz(X=np.arange(300.0).reshape(10, 30) % 7, y=np.arange(10) % 2)
    short = inspect([("x.npz", data)], options(max_length=5))
    full = inspect([("x.npz", data)])
    assert short.dataset.seq_len == 5
    np.testing.assert_allclose(
        np.diff(short.dataset.validation.inputs, axis=1) > 0,
        np.diff(full.dataset.validation.inputs[:, -5:], axis=1) > 0,
    )
    assert any("longer than 5 timesteps" in note for note in short.notes)


def padded(lengths, width=2):
    """Sequences of noise whose ends are NaN, (N, 12, width)."""
    cube = np.random.default_rng(3).normal(size=(len(lengths), 12, width))
    return np.where(np.arange(12)[:, None] < np.asarray(lengths)[:, None, None], cube, np.nan)


def test_targets_at_every_step_lie_beside_their_inputs_and_the_padding_is_zero():
    inputs = padded(5 + np.arange(30) % 8)
    dataset = inspect([("x.npz", npz(X=inputs, y=3 * inputs[:, :, 1] + 7))]).dataset
    for batch in (everything(dataset), dataset.validation):
        np.testing.assert_allclose(batch.targets[:, :, 0], batch.inputs[:, :, 1], atol=1e-5)
        inside = np.arange(12) < batch.lengths[:, None]
        assert (batch.targets[..., 0][inside] != 0).all()
        assert not batch.targets[~inside].any()


def test_baselines_and_metrics_at_every_step_leave_out_the_padding():
    inputs = padded(5 + np.arange(30) % 8)
    number = inspect([("x.npz", npz(X=inputs, y=inputs[:, :, 0]))]).dataset
    held, lengths = number.validation, number.validation.lengths
    of_each = [np.mean(targets[:length] ** 2) for targets, length in zip(held.targets, lengths, strict=True)]
    assert number.baselines["mse"][0].loss == pytest.approx(np.mean(of_each))
    junk = np.where(np.arange(12) < lengths[:, None], 0, 99)[:, :, None]
    assert number.metric_function(held.targets + junk, held) == pytest.approx(0, abs=1e-12)
    binary = inspect([("x.npz", npz(X=inputs, y=inputs[:, :, 0] > 0))]).dataset
    signs = np.where(np.arange(12) < lengths[:, None], binary.validation.targets[..., 0] - 0.5, -99)[:, :, None]
    assert binary.metric_function(signs, binary.validation) == 0
    assert binary.metric_function(-signs, binary.validation) == 1


def test_steps_without_a_target_are_left_out():
    answers = np.where(np.arange(12) == 4, np.nan, X[:, :, 0])
    inspection = inspect([("x.npz", npz(X=X, y=answers))])
    assert inspection.dataset.seq_len == 11
    assert any("30 timesteps without a target" in note for note in inspection.notes)


def test_a_class_that_is_not_seen_is_that_of_the_last_step_of_the_window():
    labels = ["high" if value > 20 else "low" for value in WAVE]
    dataset = inspect(csv("v,label", WAVE, labels), options(window=4, horizon=9)).dataset
    batch = everything(dataset)
    values = batch.inputs[:, -1, 0] * WAVE[:96].std() + WAVE[:96].mean()
    np.testing.assert_array_equal(batch.targets[:, 0] == dataset.class_names.index("high"), values > 20)
    seen = inspect(csv("v,label", WAVE, labels), options(window=4, features=("v", "label"))).dataset
    assert seen.train_size == dataset.train_size - 1  # forecast: the class after the window


def test_parts_of_a_date_order_the_rows():
    place = np.arange(120)
    shuffled = np.random.default_rng(0).permutation(120)
    rows = csv("year,month,v", (1990 + place // 12)[shuffled], (place % 12 + 1)[shuffled], WAVE[shuffled])
    np.testing.assert_array_equal(inspect(rows).sample[:, 0], WAVE)
    assert inspect(rows, options(time="year")).options.time == "year"


def test_a_table_of_years_by_months_can_be_read_as_it_is():
    months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    rows = csv(",".join(["year", *months]), 1990 + np.arange(30), *np.random.default_rng(0).normal(size=(12, 30)))
    assert inspect(rows).rows == 360
    kept = inspect(rows, options(targets=("dec",)))
    assert (kept.rows, kept.options.targets, kept.dataset.input_size) == (30, ("dec",), 12)


def test_the_split_by_sequence_keeps_the_shares_of_the_classes():
    labels = np.array([0] * 80 + [1] * 20)
    dataset = inspect([("x.npz", npz(X=np.random.default_rng(0).normal(size=(100, 5)), y=labels))]).dataset
    assert (everything(dataset).targets == 0).sum() == 64
    assert (dataset.validation.targets == 0).sum() == 16
    assert any("always saying '0' is right in 80.0%" in note for note in dataset.notes)


def test_class_baselines_are_the_losses_of_the_shares_and_of_the_commonest_class():
    labels = np.array([0] * 50 + [1] * 30 + [2] * 20)
    dataset = inspect([("x.npz", npz(X=np.random.default_rng(0).normal(size=(100, 5)), y=labels))]).dataset
    shares = (np.array([40, 24, 16]) + 1) / 83
    held = dataset.validation.targets
    assert dataset.baselines["cross_entropy"][0].loss == pytest.approx(-np.log(shares[held]).mean())
    assert dataset.baselines["error rate"][0].loss == pytest.approx((held != 0).mean())


def test_metric_of_a_class_target_is_the_error_rate():
    dataset = inspect([("x.npz", npz(X=X, y=np.arange(30) % 3))]).dataset
    wrong = np.eye(3)[(dataset.validation.targets + (np.arange(len(dataset.validation.targets)) < 3)) % 3]
    assert dataset.metric_function(wrong, dataset.validation) == pytest.approx(3 / len(wrong))


@pytest.mark.parametrize(
    ("kind", "target", "outputs"),
    [("auto", "binary", 1), ("multiclass", "multiclass", 2), ("regression", "regression", 1)],
)
def test_the_kind_of_target_can_be_overridden(kind, target, outputs):
    dataset = inspect([("x.npz", npz(X=X, y=np.arange(30) % 2))], options(target_kind=kind)).dataset
    assert (dataset.target, dataset.output_size) == (target, outputs)


def test_the_layout_can_be_overridden():
    files = [("x.csv", long_form().encode())]
    assert inspect(files).layout == "long"
    series = inspect(files, options(layout="series", targets=("a",)))
    assert series.layout == "series"
    assert series.error is None


def test_roles_can_be_overridden_and_are_reported():
    files = csv("when,a,b,c", DAYS, WAVE, OTHER, WAVE**2)
    inspection = inspect(files, options(features=("a", "c"), targets=("a", "b")))
    assert {fact.name: fact.role for fact in inspection.columns} == {
        "when": "time", "a": "input and target", "b": "target", "c": "input"
    }  # fmt: skip
    assert (inspection.dataset.input_size, inspection.dataset.output_size) == (2, 2)


def test_series_of_several_units_share_no_window():
    base = np.repeat(np.arange(4) * 1000.0, 60) + np.tile(np.sin(np.arange(60)), 4)
    files = csv("unit,step,v", np.repeat(list("abcd"), 60), np.tile(np.arange(60), 4), base)
    batch = everything(inspect(files, options(window=5)).dataset)
    spread = np.concatenate([batch.inputs[:, :, 0], batch.targets], 1).std(1)
    assert spread.max() < 0.01  # a window over two units would span a thousand


def test_unsorted_rows_are_sorted_within_their_sequence():
    shuffled, sorted_ = (inspect([("x.csv", long_form(order).encode())]) for order in ("shuffled", "sorted"))
    assert shuffled.dataset.train_size == sorted_.dataset.train_size
    batch = everything(shuffled.dataset)
    rising = [np.diff(row[:length, 1]) > 0 for row, length in zip(batch.inputs, batch.lengths, strict=True)]
    assert all(steps.all() for steps in rising)  # column b rises with the step


def test_windows_with_a_missing_class_are_left_out():
    labels = ["up" if i % 3 else "down" for i in range(120)]
    labels[20] = labels[21] = ""
    dataset = inspect(csv("v,label", WAVE, labels), options(window=4)).dataset
    assert dataset.train_size == 96 - 3 - 2


def test_files_are_found_by_id_and_the_run_can_be_repeated():
    content = dated().encode()
    key = f"sha256:{hashlib.sha256(content).hexdigest()}"
    config = TrainConfig.model_validate({"data": {"kind": "upload", "files": [{"file": key, "name": "days.csv"}]}})
    config = TrainConfig.model_validate_json(config.model_dump_json())
    dataset = load_dataset(config.data, {key: content}.__getitem__)
    assert dataset.train_size > 0
    with pytest.raises(DataError, match="upload it again"):
        load_dataset(config.data)


def test_files_are_read_from_their_path(tmp_path):
    (tmp_path / "days.csv").write_bytes(dated().encode())
    config = UploadData(files=[{"file": str(tmp_path / "days.csv")}])
    assert load_dataset(config).input_size == 1
    with pytest.raises(DataError, match="cannot be read: No such file"):
        load_dataset(UploadData(files=[{"file": str(tmp_path / "none.csv")}]))


def test_a_wrong_choice_leaves_the_table_on_show():
    inspection = inspect([("x.csv", dated().encode())], options(targets=("price",)))
    assert inspection.dataset is None
    assert inspection.error.startswith("'x.csv' has no column 'price'")
    assert inspection.head[0] == {"date": DAYS[0], "value": str(WAVE[0])}
    assert [fact.name for fact in inspection.columns] == ["date", "value"]


def test_formulas_and_markup_are_shown_as_text():
    cells = ["=HYPERLINK(1)", "<script>alert(1)</script>"] * 60
    assert inspect(csv("f,v", cells, WAVE)).head[1]["f"] == "<script>alert(1)</script>"


@pytest.mark.parametrize("layout", TEMPLATES)
def test_every_template_is_a_good_file_of_its_layout(layout):
    template = TEMPLATES[layout]
    inspection = inspect([(template.file, template.text.encode())])
    assert inspection.error is None
    assert inspection.layout == layout
    kinds = {"series": "regression", "long": "binary", "rows": "binary", "text": "multiclass"}
    assert inspection.dataset.target == kinds[layout]


def test_text_is_split_in_time_and_rare_characters_share_a_symbol():
    story = "abcd" * 300 + "é" * 3 + "abcd" * 100
    dataset = inspect([("x.txt", story.encode())], options(window=8, val_fraction=0.1)).dataset
    assert dataset.output_size == 5
    late = "abcd" * 300 + "zyx" * 20
    dataset = inspect([("x.txt", late.encode())], options(window=8, val_fraction=60 / 1260)).dataset
    assert any("One symbol stands for 3 characters" in note for note in dataset.notes)
