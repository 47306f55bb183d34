"""Synthetic tasks: exact definitions, reproducible batches, baselines that hold."""

import numpy as np
import pytest

from rnncore.config import TaskData
from rnncore.data import TASKS, Batch, DataError, load_dataset, preview

MANY = 20_000


def test_adding_target_is_the_sum_of_the_two_marked_numbers():
    batch = load_dataset(TaskData(task="adding", seq_len=11)).train_batch(1, 64, 0)
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        places = [t for t in range(11) if row[t, 1] == 1]
        assert len(places) == 2
        assert places[0] < 11 // 2 <= places[1]
        assert target[0] == pytest.approx(row[places[0], 0] + row[places[1], 0], abs=1e-6)
        assert set(row[:, 1]) == {0, 1}


@pytest.mark.parametrize("seq_len", [2, 3, 50])
def test_adding_uses_every_place_of_each_half(seq_len):
    batch = load_dataset(TaskData(task="adding", seq_len=seq_len)).train_batch(1, 2_000, 3)
    assert batch.inputs.shape == (2_000, seq_len, 2)
    assert batch.inputs[:, :, 1].any(axis=0).all()


def test_adding_metric_counts_errors_below_four_hundredths():
    dataset = load_dataset(TaskData(task="adding"))
    errors = np.where(np.arange(256) < 64, 0.039, 0.041)[:, None]
    assert dataset.metric_function(dataset.validation.targets + errors, dataset.validation) == 0.25


@pytest.mark.parametrize(("task", "constant"), [("adding", 1.0), ("noise", 0.5)])
def test_constant_baselines_are_what_the_constant_reaches(task, constant):
    dataset = load_dataset(TaskData(task=task))
    batch = dataset.train_batch(1, MANY, 0) if dataset.train_size is None else dataset.validation
    error = np.abs(constant - batch.targets.astype(np.float64))
    measured = {"mse": error**2, "mae": error, "huber": error**2 / 2}
    for loss, values in measured.items():
        tolerance = 5 * values.std() / np.sqrt(len(values))
        assert dataset.baselines[loss][0].loss == pytest.approx(values.mean(), abs=tolerance)


def test_knowing_one_addend_reaches_the_second_baseline():
    dataset = load_dataset(TaskData(task="adding"))
    batch = dataset.train_batch(1, MANY, 0)
    first = (batch.inputs[:, :25, 0] * batch.inputs[:, :25, 1]).sum(1)
    error = np.abs(first + 0.5 - batch.targets[:, 0])
    for loss, values in {"mse": error**2, "mae": error, "huber": error**2 / 2}.items():
        assert dataset.baselines[loss][1].loss == pytest.approx(values.mean(), abs=5 * values.std() / np.sqrt(MANY))


@pytest.mark.parametrize("task", TASKS)
def test_batches_are_a_function_of_seed_and_step(task):
    first, again = load_dataset(TaskData(task=task)), load_dataset(TaskData(task=task))
    for left, right in zip(vars_of(first.train_batch(7, 5, 1)), vars_of(again.train_batch(7, 5, 1)), strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(first.train_batch(7, 5, 1).inputs, first.train_batch(8, 5, 1).inputs)
    assert not np.array_equal(first.train_batch(7, 5, 1).inputs, first.train_batch(7, 5, 2).inputs)
    np.testing.assert_array_equal(first.validation.inputs, again.validation.inputs)


def vars_of(batch):
    return [batch.inputs, batch.targets]


def test_noise_visits_its_hundred_sequences_once_per_epoch():
    dataset = load_dataset(TaskData(task="noise"))
    assert dataset.train_size == 100
    epochs = [[dataset.train_batch(step, 30, 5).inputs for step in range(4 * e + 1, 4 * e + 5)] for e in range(2)]
    assert [len(batch) for batch in epochs[0]] == [30, 30, 30, 10]
    rows = [{row.tobytes() for batch in epoch for row in batch} for epoch in epochs]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 100
    assert not np.array_equal(epochs[0][0], epochs[1][0])
    assert not rows[0] & {row.tobytes() for row in dataset.validation.inputs}


@pytest.mark.parametrize("task", TASKS)
def test_shapes_and_kinds_are_what_the_dataset_says(task):
    dataset = load_dataset(TaskData(task=task, seq_len=12))
    for batch in (dataset.train_batch(1, 4, 0), dataset.validation):
        assert batch.inputs.dtype == np.float32
        assert batch.inputs.shape[1:] == (dataset.seq_len, dataset.input_size)
        steps = (dataset.seq_len,) if dataset.per_step else ()
        if dataset.target == "multiclass":
            assert batch.targets.dtype == np.int64
            assert batch.targets.shape[1:] == steps
            assert 0 <= batch.targets.min() <= batch.targets.max() < dataset.output_size
        else:
            assert batch.targets.dtype == np.float32
            assert batch.targets.shape[1:] == (*steps, dataset.output_size)


def symbols_of(row):
    assert (row.sum(-1) == 1).all()
    return row.argmax(-1)


@pytest.mark.parametrize(("count", "starts"), [(2, (5, 25)), (3, (5, 15, 30))])
def test_temporal_order_class_is_the_order_of_the_relevant_symbols(count, starts):
    dataset = load_dataset(TaskData(task="temporal_order", seq_len=50, symbols=count))
    batch = dataset.train_batch(1, 500, 0)
    assert dataset.output_size == 2**count
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        symbols = symbols_of(row)
        places = np.flatnonzero(symbols < 2)
        assert all(start <= place < start + 5 for start, place in zip(starts, places, strict=True))
        assert target == sum(int(symbols[place]) * 2**i for i, place in enumerate(places))
    assert set(batch.targets) == set(range(2**count))


def test_copy_memory_asks_for_the_first_ten_symbols_after_the_marker():
    dataset = load_dataset(TaskData(task="copy_memory", seq_len=30))
    assert dataset.seq_len == 50
    batch = dataset.train_batch(1, 100, 0)
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        symbols = symbols_of(row)
        assert symbols[:10].max() < 8
        assert symbols[10:39].tolist() == [8] * 29
        assert symbols[39] == 9
        assert symbols[40:].tolist() == [8] * 10
        assert target.tolist() == [8] * 40 + symbols[:10].tolist()


def test_copy_memory_baseline_is_ten_ln_8_of_t_plus_20_and_its_metric_looks_at_the_ten():
    dataset = load_dataset(TaskData(task="copy_memory", seq_len=30))
    assert dataset.baselines["cross_entropy"][0].loss == pytest.approx(10 * np.log(8) / 50)
    outputs = np.eye(9)[dataset.validation.targets]
    assert dataset.metric_function(outputs, dataset.validation) == 1
    outputs[:, -5:] = np.eye(9)[8]
    assert dataset.metric_function(outputs, dataset.validation) == 0.5


@pytest.mark.parametrize(("task", "lags"), [("delayed_recall", [3]), ("delayed_xor", [3, 6])])
def test_delayed_tasks_answer_with_old_bits(task, lags):
    dataset = load_dataset(TaskData(task=task, seq_len=20, delay=3))
    batch = dataset.train_batch(1, 100, 0)
    for row, target in zip(batch.inputs[:, :, 0], batch.targets, strict=True):
        for t in range(20):
            bits = [int(row[t - lag] > 0) for lag in lags if t >= lag]
            assert target[t] == sum(bits) % 2
    right = np.eye(2)[dataset.validation.targets]
    assert dataset.metric_function(right, dataset.validation) == 0
    assert dataset.metric_function(1 - right, dataset.validation) == 1


@pytest.mark.parametrize("task", ["delayed_recall", "delayed_xor"])
def test_a_delay_beyond_the_sequence_is_refused(task):
    with pytest.raises(DataError, match=r"delay: 10 is not allowed .* seq_len 10; allowed: 1 to"):
        load_dataset(TaskData(task=task, seq_len=10, delay=10))


def test_parity_is_the_sign_of_the_product():
    batch = load_dataset(TaskData(task="parity", seq_len=7)).train_batch(1, 200, 0)
    for row, target in zip(batch.inputs[:, :, 0], batch.targets[:, 0], strict=True):
        assert set(row) <= {-1, 1}
        assert target == ((row < 0).sum() % 2 == 0)


@pytest.mark.parametrize("task", ["temporal_order", "delayed_recall", "delayed_xor", "parity"])
def test_classes_are_equally_frequent_so_that_guessing_costs_its_baseline(task):
    dataset = load_dataset(TaskData(task=task, seq_len=20))
    targets = dataset.train_batch(1, MANY, 0).targets
    late = targets[:, -1].astype(int) if targets.ndim == 2 else targets
    classes = 2 if dataset.target == "binary" else dataset.output_size
    shares = np.bincount(late, minlength=classes) / MANY
    np.testing.assert_allclose(shares, 1 / classes, atol=5 * np.sqrt(1 / classes / MANY))
    loss = dataset.baselines["bce" if dataset.target == "binary" else "cross_entropy"][0].loss
    assert loss == pytest.approx(np.log(classes))


def test_the_silent_start_is_known_without_memory():
    dataset = load_dataset(TaskData(task="delayed_recall", seq_len=20, delay=5))
    targets = dataset.train_batch(1, 1_000, 0).targets
    assert not targets[:, :5].any()
    assert dataset.baselines["cross_entropy"][1].loss == pytest.approx(15 / 20 * np.log(2))


# The strings of up to six symbols of Reber's inner grammar, read off its diagram by hand.
INNER = {"BTXSE", "BTSXSE", "BPVVE", "BPTVVE", "BPVPSE"}


def reber_words(dataset):
    for row, targets, length in zip(
        dataset.validation.inputs, dataset.validation.targets, dataset.validation.lengths, strict=True
    ):
        letters = "BTSXPVE"
        word = "".join(letters[i] for i in symbols_of(row[:length])) + letters[targets[length - 1]]
        assert word[1:] == "".join(letters[i] for i in targets[:length])
        assert not row[length:].any()
        yield word


def test_reber_strings_are_embedded_and_legal():
    words = list(reber_words(load_dataset(TaskData(task="embedded_reber"))))
    assert len(words) == 256
    assert {word[1] for word in words} == {"T", "P"}
    assert all(word[0] == "B" and word[-1] == "E" and word[1] == word[-2] for word in words)
    inner = {word[2:-2] for word in words}
    assert {word for word in inner if len(word) <= 6} == INNER
    assert all(state_of(word[:-2]).endswith("7") for word in words)


def test_reber_metric_wants_exactly_the_legal_successors():
    dataset = load_dataset(TaskData(task="embedded_reber"))
    targets, lengths = dataset.validation.targets, dataset.validation.lengths
    certain = np.eye(7)[targets]
    assert dataset.metric_function(certain, dataset.validation) == 0  # where two are legal, one is not enough
    seen = {}
    words = list(reber_words(dataset))
    for word in words:
        for i in range(1, len(word)):
            seen.setdefault(state_of(word[:i]), set()).add(word[i])
    outputs = np.zeros_like(certain)
    for row, word in enumerate(words):
        for i in range(1, len(word)):
            outputs[row, i - 1, ["BTSXPVE".index(letter) for letter in seen[state_of(word[:i])]]] = 1
    assert dataset.metric_function(outputs, dataset.validation) == 1
    outputs[:100, lengths.min() - 2] = 0
    assert dataset.metric_function(outputs, dataset.validation) == pytest.approx(156 / 256)


def state_of(prefix):
    """What the future of an embedded Reber string depends on, found by walking Reber's diagram by hand."""
    if len(prefix) < 3:
        return prefix
    arrows = {
        "1T": 2,
        "1P": 3,
        "2S": 2,
        "2X": 4,
        "3T": 3,
        "3V": 5,
        "4X": 3,
        "4S": 6,
        "5P": 4,
        "5V": 6,
        "6E": 7,
        "0B": 1,
    }
    state = 0
    for letter in prefix[2:]:
        state = arrows.get(f"{state}{letter}", 8)
    return f"{prefix[1]}{state}"


def test_reber_knowledge_baselines_follow_from_the_choices_left():
    dataset = load_dataset(TaskData(task="embedded_reber"))
    known, forgotten = [], []
    for word in reber_words(dataset):
        two_ways = [i for i in range(1, len(word)) if i == 1 or (state_of(word[:i])[1:] in set("12345") and i > 2)]
        known.append(len(two_ways) * np.log(2) / (len(word) - 1))
        forgotten.append((len(two_ways) + 1) * np.log(2) / (len(word) - 1))
    lines = {line.name: line.loss for line in dataset.baselines["cross_entropy"]}
    assert lines["grammar known"] == pytest.approx(np.mean(known))
    assert lines["second symbol forgotten"] == pytest.approx(np.mean(forgotten))


def windows_of(dataset, count=20):
    batch = dataset.train_batch(1, count, 0)
    return np.concatenate([batch.inputs, batch.targets[:, None]], 1)  # (B, T+1, F)


def test_sines_are_the_formula():
    t = np.arange(20_500)
    series = (np.sin(0.2 * t) + np.sin(0.311 * t) + np.sin(0.42 * t)) / 3
    for window in windows_of(load_dataset(TaskData(task="sines", seq_len=20)))[:, :, 0]:
        errors = np.abs(np.lib.stride_tricks.sliding_window_view(series, 21) - window).max(1)
        assert errors.min() < 1e-6


def test_mackey_glass_obeys_its_delay_equation():
    windows = windows_of(load_dataset(TaskData(task="mackey_glass", seq_len=40)), 200)[:, :, 0].astype(float)
    x = [0.0] * 17 + [1.2]
    for t in range(17, 30_000):
        x.append(0.9 * x[t] + 0.2 * x[t - 17] / (1 + x[t - 17] ** 10))
    x = np.array(x[2_000:])
    raw = windows * x.std() + x.mean()  # the constants of a long independent run are those of the attractor
    step = raw[:, 18:] - (0.9 * raw[:, 17:-1] + 0.2 * raw[:, :-18] / (1 + raw[:, :-18] ** 10))
    assert np.abs(step).max() < 5e-3
    assert windows.std() == pytest.approx(1, abs=0.1)


def test_lorenz_turns_as_the_equations_say():
    windows = windows_of(load_dataset(TaskData(task="lorenz", seq_len=40)), 400).astype(float)
    mean, std = np.array([0, 0, 23.55]), np.array([7.92, 9.01, 8.62])  # of the attractor, from the literature
    x, y, z = np.moveaxis(windows * std + mean, 2, 0)
    slope = (x[:, 2:] - x[:, :-2]) / 0.06
    expected = 10 * (y - x)[:, 1:-1]
    assert np.corrcoef(slope.ravel(), expected.ravel())[0, 1] > 0.99
    assert np.abs(z).max() < 50


@pytest.mark.parametrize(("task", "constant"), [("sines", 0.0), ("mackey_glass", 0.0), ("lorenz", 0.0)])
def test_predicting_the_mean_reaches_its_baseline(task, constant):
    dataset = load_dataset(TaskData(task=task))
    error = np.abs(dataset.train_batch(1, MANY, 0).targets - constant)
    lines = {loss: rows[0].loss for loss, rows in dataset.baselines.items()}
    assert lines["mse"] == pytest.approx((error**2).mean(), rel=0.03)
    assert lines["mae"] == pytest.approx(error.mean(), rel=0.03)
    assert lines["huber"] == pytest.approx(np.where(error < 1, error**2 / 2, error - 0.5).mean(), rel=0.03)


def test_text_asks_for_the_next_character():
    dataset = load_dataset(TaskData(task="text", seq_len=30))
    batch = dataset.train_batch(1, 50, 0)
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        assert symbols_of(row)[1:].tolist() == target[:-1].tolist()
    size = dataset.output_size
    assert dataset.baselines["cross_entropy"][0].loss == pytest.approx(np.log(size))
    even = np.zeros((*dataset.validation.targets.shape, size), np.float32)
    assert dataset.metric_function(even, dataset.validation) == pytest.approx(np.log2(size), rel=1e-5)
    certain = np.eye(size)[dataset.validation.targets] * 50
    assert dataset.metric_function(certain, dataset.validation) == pytest.approx(0, abs=1e-5)


def test_text_frequencies_baseline_is_the_loss_of_predicting_them():
    dataset = load_dataset(TaskData(task="text", seq_len=30))
    counts = np.zeros(dataset.output_size)
    for step in range(1, 60):
        counts += np.bincount(dataset.train_batch(step, 256, 0).targets.ravel(), minlength=dataset.output_size)
    shares = (counts + 1) / (counts + 1).sum()
    held = dataset.validation.targets
    assert dataset.baselines["cross_entropy"][1].loss == pytest.approx(-np.log(shares[held]).mean(), rel=0.01)


@pytest.mark.parametrize(
    ("task", "marks"), [("adding", 2), ("temporal_order", 2), ("copy_memory", 10), ("delayed_xor", 2), ("parity", 20),
                        ("noise", 0), ("delayed_recall", 1), ("sines", 0)],
)  # fmt: skip
def test_preview_marks_the_relevant_steps(task, marks):
    shown = preview(load_dataset(TaskData(task=task, seq_len=20)), count=3)
    assert len(shown.batch.inputs) == 3
    assert shown.marks.sum(1).tolist() == [marks] * 3


@pytest.mark.parametrize("task", ["delayed_recall", "delayed_xor", "parity", "adding", "temporal_order"])
def test_only_marked_steps_change_the_last_target(task):
    """The marked inputs determine the last target: sequences that agree there agree in the target."""
    dataset = load_dataset(TaskData(task=task, seq_len=10, **({"delay": 3} if "delayed" in task else {})))
    shown = preview(dataset, count=2_000)
    targets = shown.batch.targets
    last = targets[:, -1] if dataset.per_step else targets.reshape(len(targets))
    answers = {}
    for row, marks, target in zip(shown.batch.inputs, shown.marks, last, strict=True):
        key = (row[marks][:, : dataset.input_size].round(5).tobytes(), marks.tobytes())
        assert answers.setdefault(key, target) == target


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"task": "adding", "delay": 3}, "delay: 3 is not allowed with the task 'adding'"),
        ({"task": "temporal_order", "symbols": 4}, "allowed: 2 or 3"),
        ({"task": "temporal_order", "seq_len": 9}, "allowed: 10 or more"),
    ],
)
def test_knobs_that_do_not_fit_are_refused(config, sentence):
    with pytest.raises(DataError, match=sentence):
        load_dataset(TaskData(**config))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_says_what_it_is(task):
    entry = TASKS[task]
    assert entry.title
    assert len(entry.description) > 80
    assert entry.source
    assert entry.default_length == entry.knobs["seq_len"]


def test_error_rate_leaves_padding_out():
    from rnncore.data.metrics import error_rate

    outputs = np.eye(3)[np.array([[0, 1, 2, 2], [0, 0, 0, 0]])]
    batch = Batch(np.zeros((2, 4, 1), np.float32), np.array([[0, 1, 1, 0], [0, 0, 0, 1]]), np.array([3, 4]))
    assert error_rate(outputs, batch) == pytest.approx(2 / 7)
