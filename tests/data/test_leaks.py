"""No value of the validation part is in the training part, whatever the layout."""

import numpy as np
import pytest

from rnncore.config import UploadData, UploadedFile
from rnncore.data.overlaps import overlap_of, reaching_into, split_in_order
from rnncore.data.sequences import Feature, Sequences
from rnncore.data.upload import inspect
from tests.support.corpus.build import npz
from tests.support.corpus.real.case import csv
from tests.support.corpus.real.clocks import days

rng = np.random.default_rng(5)
U = (rng.permutation(40_000) + 1) / 64  # no two are the same, and all are exact in float32
TIMES = ",".join(f"t{place}" for place in range(9))
Files = list[tuple[str, bytes]]


def blocks(keys: int, length: int) -> list[tuple[int, int, float]]:
    return [(key + 1, step, U[key * length + step]) for key in range(keys) for step in range(length)]


def layouts() -> dict[str, Files]:
    dates = days("%Y-%m-%d", 120)
    windows = np.stack([U[start : start + 12] for start in range(300)])
    half = np.stack([U[start : start + 12] for start in range(0, 600, 6)])
    starts = [start + 900 * series for series in range(6) for start in range(60)]
    several = np.stack([U[start : start + 8] for start in starts])
    mixed, mixed_too = np.random.default_rng(1).permutation(300), np.random.default_rng(2).permutation(360)
    parts = (("train", blocks(6, 40)[:160]), ("test", blocks(6, 40)[160:]))
    return {
        "series": csv("date,v", zip(dates, U, strict=False)),
        "newest first": csv("date,v", zip(dates[::-1], U, strict=False)),
        "panel": csv("unit,cycle,v", blocks(6, 40)),
        "panel of short series": csv("unit,cycle,v", blocks(40, 6)),
        "panel by day": csv("date,store,v", [(d, s, U[2 * p + s]) for p, d in enumerate(dates) for s in (0, 1)]),
        "two keys": csv(
            "date,store,item,v",
            [(d, s, i, U[6 * p + 3 * s + i]) for p, d in enumerate(dates) for s in (0, 1) for i in (0, 1, 2)],
        ),
        "labelled sequences": csv("id,t,v,label", [(*row[:2], row[2], row[0] % 2) for row in blocks(30, 9)]),
        "a label at every step": csv("id,t,v,label", [(*row, row[1] // 2 % 2) for row in blocks(30, 9)]),
        "rows": csv(f"label,{TIMES}", [(p % 3, *U[9 * p : 9 * p + 9]) for p in range(60)]),
        "rows of series": csv(
            "name," + ",".join(days("%Y-%m-%d", 40)), [(f"n{p}", *U[40 * p : 40 * p + 40]) for p in range(8)]
        ),
        "arrays": [("x.npz", npz(X=U[:900].reshape(60, 15), y=np.arange(60) % 3))],
        "windows that overlap": [("x.npz", npz(X=windows, y=U[12:312]))],
        "windows that overlap by half": [("x.npz", npz(X=half, y=np.arange(100) % 2))],
        "windows of several series": [("x.npz", npz(X=several, y=np.arange(360) % 2))],
        "windows in any order": [("x.npz", npz(X=windows[mixed], y=U[12:312][mixed]))],
        "windows of several series in any order": [("x.npz", npz(X=several[mixed_too], y=mixed_too % 2))],
        "lags in any order": csv(f"{TIMES},y", [(*U[p : p + 9], U[p + 9]) for p in mixed]),
        "windows whose own split leaks": [
            ("x.npz", npz(X_train=windows[mixed[:200]], y_train=U[12:312][mixed[:200]],
                          X_test=windows[mixed[200:]], y_test=U[12:312][mixed[200:]]))
        ],
        "train and test": [(f"{part}.csv", csv("unit,cycle,v", rows)[0][1]) for part, rows in parts],
    }  # fmt: skip


@pytest.mark.parametrize("layout", layouts())
def test_no_value_of_the_validation_part_is_in_the_training_part(layout: str) -> None:
    options = UploadData(files=(UploadedFile(file="x"),), scaling="none")
    dataset = inspect(layouts()[layout], options).dataset
    assert dataset is not None
    train = dataset.train_batch(1, dataset.train_size or 1, 0)
    seen = set(train.inputs[..., -1].ravel().tolist())
    held = set(dataset.validation.inputs[..., -1].ravel().tolist())
    if dataset.target == "regression":
        seen |= set(np.asarray(train.targets).ravel().tolist())
        held |= set(np.asarray(dataset.validation.targets).ravel().tolist())
    assert len(held - {0.0}) > 5
    assert not (seen & held) - {0.0}


def cut(values: np.ndarray) -> Sequences:
    count, length = values.shape
    return Sequences(
        "x", (Feature("v"),), (values.ravel(),), np.arange(count + 1) * length, tuple(map(str, range(count))), (0,)
    )


def test_how_windows_overlap() -> None:
    found = overlap_of(cut(np.stack([U[s : s + 10] for s in range(0, 90, 3)])))
    assert found is not None
    assert (found.shift, found.chains.tolist(), found.starts.tolist()) == (3, [0] * 30, list(range(0, 90, 3)))
    assert overlap_of(cut(U[:300].reshape(30, 10))) is None
    wave = np.tile([1.0, 2, 3, 4, 5], 60)
    assert overlap_of(cut(np.stack([wave[s : s + 12] for s in range(0, 240, 12)]))) is None, "the same wave again"


def test_windows_that_reach_into_the_validation_part_are_left_out() -> None:
    found = overlap_of(cut(np.stack([U[s : s + 10] for s in range(100)])))
    assert found is not None
    held_out, kept = split_in_order(found, 10, 0.2)
    assert np.flatnonzero(held_out).tolist() == list(range(80, 100))
    assert np.flatnonzero(~kept).tolist() == list(range(70, 80))


def test_windows_in_any_order_are_dated_like_those_in_order() -> None:
    windows = np.stack([U[s : s + 10] for s in (*range(0, 120, 2), *range(900, 960, 3))])
    order = np.random.default_rng(7).permutation(80)
    found = overlap_of(cut(windows[order]))
    assert found is not None
    assert not found.in_order
    times = np.array([*range(0, 120, 2), *range(0, 60, 3)])[order]
    chains = (order >= 60).astype(int)
    assert np.unique(np.stack([chains, found.chains]), axis=1).shape[1] == 2
    assert found.starts.tolist() == times.tolist()


def test_which_windows_reach_into_those_held_out() -> None:
    found = overlap_of(cut(np.stack([U[s : s + 10] for s in range(100)])))
    assert found is not None
    held_out = np.isin(np.arange(100), (50, 90))
    wanted = [n for n in range(100) if n not in (50, 90) and min(abs(n - 50), abs(n - 90)) <= 10]
    reaching = np.flatnonzero(reaching_into(found, 10, held_out)).tolist()
    assert set(range(41, 60)) - {50} <= set(reaching) <= set(wanted)
    assert 40 in reaching, "its answer is the first value of a window held out"


def test_no_text_for_validation_is_in_the_training_part() -> None:
    words = np.random.default_rng(3)
    names = [f"{kind}/{place}.txt" for kind in ("ab", "cd") for place in range(6)]
    contents = ["".join(words.choice(list(name[:2] + "xyz "), 300)) for name in names]
    files = [(name, content.encode()) for name, content in zip(names, contents, strict=True)]
    options = UploadData(files=(UploadedFile(file="x"),), layout="text", targets=())
    together = inspect(files, options)
    assert together.dataset is not None
    dataset = together.dataset
    window = dataset.seq_len
    train = {bytes(row) for seed in range(40) for row in codes_of(dataset.train_batch(seed + 1, 64, 0).inputs)}
    held = {bytes(row) for row in codes_of(dataset.validation.inputs)}
    assert window >= 20
    assert not {row[:20] for row in held} & {row[at : at + 20] for row in train for at in range(window - 19)}
    labelled = inspect(files)
    assert labelled.dataset is not None
    train_texts = labelled.dataset.train_batch(1, labelled.dataset.train_size or 1, 0)
    own = {bytes(row) for row in codes_of(train_texts.inputs)}
    assert not own & {bytes(row) for row in codes_of(labelled.dataset.validation.inputs)}


def codes_of(inputs: np.ndarray) -> np.ndarray:
    """The symbol at each timestep, (B, T) uint8."""
    return inputs.argmax(-1).astype(np.uint8)
