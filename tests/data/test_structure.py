"""What the structure of values tells where names tell nothing: pairs of arrays, lone ramps, short files held out."""

import io

import numpy as np
import pytest

from rnncore.config import UploadData, UploadedFile
from rnncore.data.upload import inspect

SERIES = np.sin(np.arange(400) / 9)


def npz(**arrays: np.ndarray) -> tuple[str, bytes]:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return "arrays.npz", stream.getvalue()


def table_of(names: list[str], rows: list[list]) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in [names, *rows]).encode() + b"\n"


def windows(start: int, stop: int, length: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return windows (N, T, 1) of the series, and the value after each."""
    places = range(start, stop - length)
    return np.stack([SERIES[p : p + length] for p in places])[..., None], SERIES[[p + length for p in places]]


@pytest.mark.parametrize(("inputs", "targets"), [("x_data", "labels"), ("signals", "next"), ("b", "a"), ("seq", "rul")])
def test_an_array_with_a_row_for_each_sequence_holds_their_targets(inputs: str, targets: str) -> None:
    x, y = windows(0, 400)
    order = np.random.default_rng(len(inputs)).permutation(len(x))
    inspection = inspect([npz(**{inputs: x[order], targets: y[order]})])
    assert inspection.error is None
    assert inspection.notes[0] == f"'{targets}' has as many rows as '{inputs}' has sequences: a target for each."
    dataset = inspection.dataset
    assert (dataset.seq_len, dataset.input_size) == (20, 1)
    assert dataset.train_size + len(dataset.validation.inputs) < len(x), "windows across the border are left out"


@pytest.mark.parametrize("names", [("trX", "trY", "teX_test", "teY"), ("in_a", "out_a", "in_test", "out_test")])
def test_pairs_are_told_apart_by_their_numbers_of_rows_and_named_ones_are_held_out(names: tuple[str, ...]) -> None:
    (x, y), (held, answers) = windows(0, 300), windows(300, 400)
    inspection = inspect([npz(**dict(zip(names, (x, y, held, answers), strict=True)))])
    assert inspection.error is None
    assert (inspection.dataset.train_size, len(inspection.dataset.validation.inputs)) == (len(x), len(held))


def test_arrays_that_could_belong_to_either_are_not_guessed() -> None:
    x, y = windows(0, 400)
    inspection = inspect([npz(signals=x, first=y, second=y)])
    assert inspection.parts == ("signals", "first", "second")
    assert any("do not go together" in note for note in inspection.notes)


@pytest.mark.parametrize("step", [1, 2, -3, 7.5])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_a_file_of_nothing_but_ramps_is_learned_from(step: float, columns: int) -> None:
    rows = [[place * step * (each + 1) + each for each in range(columns)] for place in range(120)]
    inspection = inspect([("ramps.csv", table_of([f"v{each}" for each in range(columns)], rows))])
    assert inspection.error is None
    assert inspection.options.targets == inspection.options.features[-1:] == (f"v{columns - 1}",)


@pytest.mark.parametrize(("train", "test"), [(200, 50), (400, 30), (60, 200), (90, 12)])
def test_the_window_fits_the_shorter_of_training_and_what_is_held_out(train: int, test: int) -> None:
    files = [
        (f"{name}.csv", table_of(["y"], [[f"{value:.4f}"] for value in SERIES[:count]]))
        for name, count in (("train", train), ("test", test))
    ]
    inspection = inspect(files)
    assert inspection.error is None
    assert inspection.dataset.seq_len == min(train, test) // 2 if min(train, test) < 100 else 50
    assert len(inspection.dataset.validation.inputs)


@pytest.mark.parametrize(
    ("low", "high", "missing"), [(40, 60, True), (100, 160, True), (5, 100, False), (-3, 10, False)]
)
def test_minus_one_stands_for_missing_only_far_from_what_is_measured(low: int, high: int, missing: bool) -> None:
    values = np.random.default_rng(0).integers(low, high, 300)
    values[7::19] = -1
    inspection = inspect([("counts.csv", table_of(["count"], [[value] for value in values]))])
    assert any(note.startswith("-1 in 'count' stands for missing") for note in inspection.notes) == missing


@pytest.mark.parametrize("order", ["as they are", "shuffled"])
@pytest.mark.parametrize("form", ["npz", "csv"])
@pytest.mark.parametrize("shift", [1, 3])
def test_windows_without_labels_are_the_series_that_they_were_cut_from(order: str, form: str, shift: int) -> None:
    series = np.cumsum(np.random.default_rng(1).normal(size=300)).round(4)
    cut = np.stack([series[start : start + 12] for start in range(0, 288, shift)])
    cut = cut if order == "as they are" else cut[np.random.default_rng(2).permutation(len(cut))]
    rows = [[f"{value:.4f}" for value in row] for row in cut]
    file = npz(data=cut[..., None]) if form == "npz" else ("lags.csv", table_of([f"t{k}" for k in range(12)], rows))
    options = UploadData(files=(UploadedFile(file="x"),), layout="auto" if form == "npz" else "rows")
    inspection = inspect([file], options)
    assert inspection.error is None
    assert any("windows that overlap" in note and "put together again" in note for note in inspection.notes)
    dataset = inspection.dataset
    length = (len(cut) - 1) * shift + 12
    border = round(0.8 * length)
    assert dataset.train_size == border - dataset.seq_len
    assert len(dataset.validation.inputs) == length - border - dataset.seq_len
    mean, std = series[:border].mean(), series[:border].std()
    held = dataset.validation.inputs[:, :, 0].reshape(-1) * std + mean
    nearest = np.abs(held[:, None] - series[None, border:length]).min(1)
    assert nearest.max() < 1e-3, "nothing of the training part is in validation"


def test_sequences_that_do_not_overlap_stay_sequences() -> None:
    rows = np.random.default_rng(3).normal(size=(40, 12))
    inspection = inspect([npz(data=rows[..., None])])
    assert inspection.notes[0] == "32 series for training, 8 for validation, drawn at random."
