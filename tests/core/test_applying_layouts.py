"""Predictions on new files in further layouts and dialects, and what a new file may do differently."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnncore.applying import apply_run
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.data.dataset import DataError
from rnncore.data.prediction import Prediction
from rnncore.engine.train import Trainer
from tests.support.applied import Run, days, rows, table

RNG = np.random.default_rng(11)
N = 120
A, B = (np.round(np.cumsum(RNG.normal(size=N)) + 20, 3) for _ in range(2))


def several(files: dict[str, bytes], options: dict[str, Any]) -> Callable[[bytes, str], Prediction]:
    """Train on several files; return what applies the run to a new one."""
    data = {"kind": "upload", "files": [{"file": name, "name": name} for name in files], **options}
    config = TrainConfig.model_validate({"data": data, "steps": 2, "batch_size": 4, "model": {"hidden_size": 4}})
    trainer = Trainer(config, load_dataset(config.data, files.__getitem__))
    list(trainer.records())
    weights = {name: value.cpu().numpy() for name, value in trainer.last_finite_state().items()}
    return lambda content, name: apply_run(config, weights, files.__getitem__, [(name, content)])


def part(values: np.ndarray) -> tuple[float, float]:
    own = values[: round(len(values) * 0.8)]
    return float(own.mean()), float(own.std())


def test_numbers_that_stood_for_missing_in_the_run_are_missing_in_the_new_file() -> None:
    sick = A.copy()
    sick[[5, 40, 77]] = -999
    run = Run(table("day,a", days(N), sick), targets=["a"], window=5)
    new, gap = A[:9].copy(), A[:9].copy()
    new[4], gap[4] = -999, (A[3] + A[5]) / 2
    first, second = (rows(run.on(table("day,a", days(9), values))) for values in (new, gap))
    assert [row["predicted a"] for row in first] == pytest.approx([row["predicted a"] for row in second])


def test_a_file_that_stands_newest_first_is_predicted_in_the_order_of_time() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["a"], window=5)
    day = days(10, "2022-05-01")
    forward = rows(run.on(table("day,a,b", day, A[:10], B[:10])))
    backward = rows(run.on(table("day,a,b", day[::-1], A[:10][::-1], B[:10][::-1])))
    for name in ("day", "predicted a", "actual a"):
        assert [row[name] for row in forward] == [row[name] for row in backward]
    assert [row["row"] for row in backward[:3]] == ["6", "5", "4"]


def test_another_dialect_of_text_and_parquet() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    run = Run(table("day,a,b", days(N), A, B), targets=["a"], window=5)
    plain = [row["predicted a"] for row in rows(run.on(table("day,a,b", days(12), A[:12], B[:12])))]
    lines = "".join(f"{d};{a};{b}\n".replace(".", ",") for d, a, b in zip(days(12), A[:12], B[:12], strict=True))
    assert [row["predicted a"] for row in rows(run.on(f"day;a;b\n{lines}".encode()))] == plain
    sink = io.BytesIO()
    pq.write_table(pa.table({"b": B[:12], "a": A[:12], "day": days(12)}), sink)
    assert [row["predicted a"] for row in rows(run.on(sink.getvalue(), "new.parquet"))] == plain


def test_a_file_without_a_header_is_read_like_the_run_s() -> None:
    content = b"\n".join(f"{a},{b}".encode() for a, b in zip(A, B, strict=True))
    run = Run(content, window=5)
    found = rows(run.on(b"\n".join(content.split(b"\n")[:8])))
    assert len(found) == 4
    assert [row["row"] for row in found] == ["6", "7", "8", ""]


def test_months_across_are_one_series() -> None:
    months = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec"
    grid = A.reshape(10, 12)
    run = Run(table(f"Year,{months}", range(2000, 2010), *grid.T), window=6)
    found = rows(run.on(table(f"Year,{months}", range(2015, 2017), *grid[:2].T)))
    assert len(found) == 19
    m, s = part(A)
    name = next(key for key in found[0] if key.startswith("predicted "))
    for start, row in enumerate(found):
        expected = run.plain((A[start : start + 6, None] - m) / s)[-1, 0] * s + m
        assert float(row[name]) == pytest.approx(expected, rel=1e-5)
    assert any(value == "2015-07-01" for value in found[0].values())
    assert "row" not in found[0]


def test_year_and_month_in_two_columns_are_the_time() -> None:
    year, month = [2000 + k // 12 for k in range(N)], [1 + k % 12 for k in range(N)]
    run = Run(table("year,month,a", year, month, A), targets=["a"], window=6)
    found = rows(run.on(table("year,month,a", year[:12], month[:12], A[:12])))
    assert len(found) == 7
    with pytest.raises(DataError, match="'month'"):
        run.on(table("year,a", range(2000, 2012), A[:12]))


def test_rows_that_are_sequences_are_forecast_each() -> None:
    cube = np.round(np.cumsum(RNG.normal(size=(40, 12)), 1), 3)
    header = ",".join(f"t{k}" for k in range(12))
    run = Run(table(header, *cube.T), layout="rows", targets=[], window=5)
    found = rows(run.on(table(header, *cube[:3].T)))
    assert [row["row"] for row in found] == [str(k) for k in (2, 3, 4) for _ in range(8)]
    assert [row["step"] for row in found[:8]] == [str(k) for k in range(6, 14)]


def test_a_class_at_the_last_timestep_of_each_window_of_one_series() -> None:
    label = ["high" if a > np.median(A) else "low" for a in A]
    run = Run(table("day,a,b,state", days(N), A, B, label), targets=["state"], features=["a", "b"], window=6)
    found = rows(run.on(table("day,a,b", days(10), A[:10], B[:10])))
    assert [row["day"] for row in found] == days(10)[5:]
    (ma, sa), (mb, sb) = part(A), part(B)
    inputs = np.stack([(A[:10] - ma) / sa, (B[:10] - mb) / sb], 1)
    for start, row in enumerate(found):
        chance = 1 / (1 + np.exp(-run.plain(inputs[start : start + 6])[-1, 0]))
        assert float(row["probability of low"]) == pytest.approx(chance, rel=2e-3)
        assert row["predicted state"] == ("low" if chance > 0.5 else "high")


def test_a_word_is_forecast_by_its_name() -> None:
    words = [("dry", "rain", "snow")[k] for k in RNG.integers(0, 3, N)]
    run = Run(table("day,a,sky", days(N), A, words), targets=["sky"], features=["a", "sky"], window=4)
    found = rows(run.on(table("day,a,sky", days(9), A[:9], words[:9])))
    assert {row["predicted sky"] for row in found} <= {"dry", "rain", "snow"}
    assert [row["actual sky"] for row in found] == [*words[4:9], ""]
    sums = [sum(float(row[f"probability of {word}"]) for word in ("dry", "rain", "snow")) for row in found]
    assert sums == pytest.approx([1.0] * len(found), rel=1e-3)


def test_arrays_of_sequences() -> None:
    def packed(count: int, **more: np.ndarray) -> bytes:
        sink = io.BytesIO()
        np.savez(sink, X=cube[:count], **more)
        return sink.getvalue()

    cube = RNG.normal(size=(30, 7, 2))
    run = Run(packed(30, y=np.arange(30) % 3), "old.npz")
    found = rows(run.on(packed(4, y=np.arange(4) % 3), "new.npz"))
    assert len(found) == 4
    assert {next(v for k, v in row.items() if k.startswith("predicted")) for row in found} <= {"0", "1", "2"}
    with pytest.raises(DataError, match="learned from sequences of numbers, but this file is read as a table"):
        run.on(table("day,a", days(9), A[:9]))


def test_a_run_of_several_files_is_applied_to_one() -> None:
    files = {"p.csv": table("day,a", days(60), A[:60]), "q.csv": table("day,a", days(60), A[60:])}
    run = several(files, {"window": 5, "targets": ["a"]})
    assert run(table("day,a", days(9), B[:9]), "r.csv").rows == 5


def test_weights_of_other_shapes_are_refused() -> None:
    run = Run(table("day,a", days(N), A), window=5)
    run.weights.pop("readout.bias")
    with pytest.raises(DataError, match="do not fit its files as they are read now"):
        run.on(table("day,a", days(9), A[:9]))


@pytest.mark.parametrize("lines", [False, True])
def test_files_of_text_with_a_class_each(lines: bool) -> None:
    words = ["one", "two", "six", "ten", "red", "tall", "old", "new"]
    said = [f"{'good' if k % 2 else 'a bad'} {words[k % 8]} {words[k // 3]} of {words[k * k % 8]}." for k in range(24)]
    if lines:
        files = {f"{name}.txt": "\n".join(said[k::2]).encode() for k, name in enumerate(("neg", "pos"))}
    else:
        files = {f"{('neg', 'pos')[k % 2]}/{k}.txt": text.encode() for k, text in enumerate(said)}
    run = several(files, {"targets": ["label by file name"], "layout": "text"})
    found = rows(run(b"good new red\n\na bad one\n", "mine.txt"))
    assert [row["sequence"] for row in found] == (["line 1", "line 3"] if lines else ["mine.txt"])
    assert {row["predicted label by file name"] for row in found} <= {"neg", "pos"}


def test_times_are_written_as_in_the_file_and_columns_without_a_part_are_named() -> None:
    written = [f"{day[8:]}.{day[5:7]}.{day[:4]}" for day in days(N)]
    run = Run(table("tag,a", written, A), targets=["a"], window=5)
    found = run.on(table("tag,a,note", written[:9], A[:9], B[:9]))
    assert [row["tag"] for row in rows(found)][:2] == [written[5], written[6]]
    assert found.picture["x"][0] == days(N)[5]
    assert any("Not used" in note and "'note'" in note for note in found.notes)


def test_features_whose_labels_stood_in_a_file_of_their_own_are_predicted_alone() -> None:
    curves = [",".join(f"{v:.3f}" for v in np.sin(np.arange(30) / 4 + k) + k % 2) for k in range(40)]
    files = {
        "X_train.csv": "\n".join(curves).encode(),
        "y_train.csv": "\n".join(str(k % 2) for k in range(40)).encode(),
    }
    apply = several(files, {})
    found = apply("\n".join(curves[:7]).encode(), "X_new.csv")
    assert found.rows == 7
    assert set(found.columns) >= {"row", "predicted label"}


def test_several_new_files_are_predicted_together() -> None:
    files = {f"walk_{k}.csv": table("t,a", range(40), A[k : k + 40]) for k in range(4)}
    data = {"kind": "upload", "files": [{"file": name, "name": name} for name in files], "targets": ["a"], "window": 5}
    config = TrainConfig.model_validate({"data": data, "steps": 2, "batch_size": 4, "model": {"hidden_size": 4}})
    trainer = Trainer(config, load_dataset(config.data, files.__getitem__))
    list(trainer.records())
    weights = {name: value.cpu().numpy() for name, value in trainer.last_finite_state().items()}
    new = [(f"walk_{k}.csv", table("t,a", range(12), A[k : k + 12])) for k in (7, 8)]
    assert apply_run(config, weights, files.__getitem__, new).rows == 2 * 8
