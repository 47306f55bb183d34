"""Predictions on new files: against a float64 forward pass by plain torch.nn, scaled by hand, for every layout."""

import gzip
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncore.applying import apply_run
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.data.bundled import SERIES, bundled_file
from rnncore.data.dataset import DataError
from rnncore.data.labelled import _split  # the split alone is taken from the product
from rnncore.data.sequences import Sequences, class_labels, offsets_of
from rnncore.engine.answering import network_of
from rnncore.engine.train import Trainer
from tests.support.applied import Run, days, rows, table
from tests.support.formats import zipped

RNG = np.random.default_rng(7)
N = 120
A, B = (np.round(np.cumsum(RNG.normal(size=N)) + 20, 3) for _ in range(2))
WORDS = [("calm", "wind", "storm")[k] for k in RNG.integers(0, 3, N)]


def scale(values: NDArray[Any], part: float = 0.8) -> tuple[float, float]:
    own = values[: round(len(values) * part)]
    return float(np.nanmean(own)), float(np.nanstd(own))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_forecast_with_dates_in_the_units_of_the_file(cell: str) -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], window=6, horizon=2, model={"cell": cell})
    a, b = A[:30] * 1.5, B[30:60] - 4
    found = rows(run.on(table("day,a,b", days(30, "2022-03-01"), a, b)))
    assert len(found) == 25
    (ma, sa), (mb, sb) = scale(A), scale(B)
    inputs = np.stack([(a - ma) / sa, (b - mb) / sb], 1)
    for start, row in enumerate(found):
        expected = run.plain(inputs[start : start + 6])[-1, 0] * sb + mb
        assert float(row["predicted b"]) == pytest.approx(expected, rel=1e-5)
        ahead = start + 7
        assert row["day of the last timestep seen"] == days(30, "2022-03-01")[start + 5]
        assert row["day"] == (days(30, "2022-03-01")[ahead] if ahead < 30 else "")
        assert row["row"] == (str(ahead + 2) if ahead < 30 else "")
        assert row["timesteps beyond the end"] == str(max(0, ahead - 29))
        assert (float(row["actual b"]) == b[ahead]) if ahead < 30 else row["actual b"] == ""


def test_reordered_and_extra_columns_change_nothing_and_missing_ones_are_named() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], window=6)
    first = rows(run.on(table("day,a,b", days(30), A[:30], B[:30])))
    again = rows(run.on(table("b,extra,day,a", B[:30], A[:30] ** 2, days(30), A[:30])))
    assert [row["predicted b"] for row in first] == [row["predicted b"] for row in again]
    with pytest.raises(DataError, match=r"'new\.csv' has no column 'a', which this run needs; it has 'day', 'b', 'c'"):
        run.on(table("day,b,c", days(30), B[:30], A[:30]))
    with pytest.raises(DataError, match="has no columns 'day', 'a'"):
        run.on(table("b,c", B[:30], A[:30]))


def test_a_table_of_predictions_may_be_bounded() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], window=6)
    assert run.on(table("day,a,b", days(30), A[:30], B[:30]), max_cells=25 * 6).rows == 25
    with pytest.raises(DataError, match="a table of 25 rows and about 6 columns; at most 149 cells"):
        run.on(table("day,a,b", days(30), A[:30], B[:30]), max_cells=25 * 6 - 1)


def test_the_target_need_not_be_in_the_file_where_the_network_does_not_see_it() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], features=["a"], window=6)
    found = rows(run.on(table("day,a", days(30), A[:30])))
    assert len(found) == 25
    assert "actual b" not in found[0]


def test_a_file_that_is_too_short_says_how_much_it_takes() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], window=6)
    with pytest.raises(DataError, match=r"too short: the series has 5 timesteps, and this run looks at 6"):
        run.on(table("day,a,b", days(5), A[:5], B[:5]))
    assert len(rows(run.on(table("day,a,b", days(6), A[:6], B[:6])))) == 1


def test_gaps_are_filled_from_the_new_file_and_an_empty_column_is_the_mean_of_the_run() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], window=6)
    gap, nan = A[:20].copy(), np.full(20, np.nan)
    gap[8] = np.nan
    filled = A[:20].copy()
    filled[8] = (A[7] + A[9]) / 2
    assert rows(run.on(table("day,a,b", days(20), gap, B[:20])))[3]["predicted b"] == pytest.approx(
        rows(run.on(table("day,a,b", days(20), filled, B[:20])))[3]["predicted b"]
    )
    (_, _), (mb, sb) = scale(A), scale(B)
    found = rows(run.on(table("day,a,b", days(20), nan, B[:20])))
    inputs = np.stack([np.zeros(6), (B[:6] - mb) / sb], 1)
    assert float(found[0]["predicted b"]) == pytest.approx(run.plain(inputs)[-1, 0] * sb + mb, rel=1e-5)


def test_words_go_by_their_names_and_unseen_ones_are_named() -> None:
    run = Run(table("day,a,sky", days(N), A, WORDS), targets=["a"], window=4)
    sky = ["storm", "hail", "wind", "wind", "storm", "storm"]
    prediction = run.on(table("day,a,sky", days(6), A[:6], sky))
    assert any("has not seen 'hail' in 'sky'" in note for note in prediction.notes)
    m, s = scale(A)
    order = ["calm", "storm", "wind"]
    inputs = np.array([[(v - m) / s, *(float(w == o) for o in order)] for v, w in zip(A[:6], sky, strict=True)])
    for start, row in enumerate(rows(prediction)):
        expected = run.plain(inputs[start : start + 4])[-1, 0] * s + m
        assert float(row["predicted a"]) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(DataError, match=r"Column 'a' of 'new\.csv' is no column of numbers"):
        run.on(table("day,a,sky", days(6), ["x", "y", "z"] * 2, sky))


def panel(shops: list[str], length: int, sizes: list[float], seed: int) -> tuple[list[str], list[str], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    values = np.concatenate([np.round(size * (10 + np.cumsum(rng.normal(size=length))), 3) for size in sizes])
    return [day for _ in shops for day in days(length)], [shop for shop in shops for _ in range(length)], values


@pytest.mark.parametrize("scaling", ["standard", "per_series"])
def test_several_series_by_a_key(scaling: str) -> None:
    day, shop, sales = panel(["n", "s", "w"], 60, [1.0, 100.0, 3.0], 1)
    run = Run(table("day,shop,sales", day, shop, sales), targets=["sales"], id="shop", window=5, scaling=scaling)
    day2, shop2, sales2 = panel(["w", "n"], 12, [3.0, 1.0], 2)
    prediction = run.on(table("day,shop,sales", day2, shop2, sales2))
    found = rows(prediction)
    assert len(found) == 16
    training = {name: sales[60 * k : 60 * k + 48] for k, name in enumerate("nsw")}
    whole = np.concatenate(list(training.values()))
    for k, name in enumerate("wn"):
        own = training[name] if scaling == "per_series" else whole
        m, s = own.mean(), own.std()
        values = sales2[12 * k : 12 * k + 12]
        for start, row in enumerate(found[8 * k : 8 * k + 8]):
            assert row["shop"] == name
            expected = run.plain((values[start : start + 5, None] - m) / s)[-1, 0] * s + m
            assert float(row["predicted sales"]) == pytest.approx(expected, rel=1e-4)
    day3, shop3, sales3 = panel(["w", "new"], 12, [3.0, 1.0], 2)
    other = run.on(table("day,shop,sales", day3, shop3, sales3))
    assert other.rows == (16 if scaling == "standard" else 8)
    assert any("none for 'new'" in note for note in other.notes) == (scaling == "per_series")


def test_two_keys_together() -> None:
    day, store, sales = panel(["1", "2", "3", "4"], 60, [1.0, 2.0, 3.0, 2.0], 1)
    item = ["x" if name in "12" else "y" for name in store]
    shop = ["a" if name in "13" else "b" for name in store]
    run = Run(table("day,store,item,sales", day, shop, item, sales), targets=["sales"], id="store + item", window=5)
    found = rows(run.on(table("day,item,store,sales", day[:10], ["y"] * 10, ["b"] * 10, sales[:10])))
    assert {(row["store"], row["item"]) for row in found} == {("b", "y")}
    with pytest.raises(DataError, match="has no column 'item'"):
        run.on(table("day,store,sales", day[:10], ["b"] * 10, sales[:10]))


def trials(count: int, seed: int) -> tuple[list[list[Any]], list[NDArray[Any]]]:
    """Sequences of unequal length in long form: lines, and each one's values."""
    rng = np.random.default_rng(seed)
    lines, values = [], []
    for trial in range(count):
        own = np.round(rng.normal(size=(int(rng.integers(4, 9)), 2)) * 3 + 5, 3)
        values.append(own)
        kind = ("apple", "fig", "pear")[trial % 3]
        lines += [[f"t{trial}", step, *pair, kind] for step, pair in enumerate(own)]
    return lines, values


@pytest.mark.parametrize("kinds", [2, 3])
@pytest.mark.parametrize("readout", ["last", "mean"])
def test_classes_of_whole_sequences_by_their_names(kinds: int, readout: str) -> None:
    lines, _ = trials(24, 3)
    if kinds == 2:
        lines = [[*line[:4], line[4] if line[4] != "pear" else "fig"] for line in lines]
    run = Run(table("trial,step,u,v,kind", *zip(*lines, strict=True)), targets=["kind"], id="trial",
              model={"readout": readout})  # fmt: skip
    fresh, values = trials(7, 4)
    found = rows(run.on(table("trial,step,u,v", *zip(*[line[:4] for line in fresh], strict=True))))
    assert [row["trial"] for row in found] == [f"t{k}" for k in range(7)]
    assert len({len(own) for own in values}) > 1
    names = ["apple", "fig", "pear"][:kinds]
    first: dict[str, list[list[Any]]] = {}
    for line in lines:
        first.setdefault(line[0], []).append(line)
    labels = class_labels("kind", [own[0][4] for own in first.values()])
    fake = Sequences("", (), (), offsets_of([1] * 24), tuple(first), (), labels=labels)
    held = _split(fake, labels, 0.2)
    part = np.concatenate(
        [np.array([line[2:4] for line in own], float) for own, out in zip(first.values(), held, strict=True) if not out]
    )
    for own, row in zip(values, found, strict=True):
        outputs = run.plain((own - part.mean(0)) / part.std(0))
        # The mean read-out is linear, so that of states is that of outputs.
        logits = outputs[-1] if readout == "last" else outputs.mean(0)
        logits = np.array([0, logits[0]]) if kinds == 2 else logits
        chances = np.exp(logits) / np.exp(logits).sum()
        assert row["predicted kind"] == names[int(chances.argmax())]
        for name, chance in zip(names, chances, strict=True):
            assert float(row[f"probability of {name}"]) == pytest.approx(chance, rel=2e-3)


def test_an_answer_at_every_timestep() -> None:
    lines, _ = trials(24, 5)
    lines = [[*line[:4], "up" if line[2] > 5 else "down"] for line in lines]
    run = Run(table("trial,step,u,v,move", *zip(*lines, strict=True)), targets=["move"], features=["u", "v"],
              id="trial", model={"readout": "every_step"})  # fmt: skip
    fresh, values = trials(5, 6)
    found = rows(run.on(table("trial,step,u,v", *zip(*[line[:4] for line in fresh], strict=True))))
    assert [(row["trial"], row["step"]) for row in found] == [(line[0], str(line[1])) for line in fresh]
    assert len(found) == sum(map(len, values))
    assert {row["predicted move"] for row in found} <= {"up", "down"}


def test_a_row_is_a_sequence() -> None:
    rng = np.random.default_rng(8)
    cube, kinds = np.round(rng.normal(size=(30, 6)), 3), [("cat", "dog", "cow")[k % 3] for k in range(30)]
    header = ",".join([*(f"t{k}" for k in range(6)), "label"])
    run = Run(table(header, *cube.T, kinds), targets=["label"], layout="rows")
    fresh = np.round(rng.normal(size=(4, 6)), 3)
    found = rows(run.on(table(header.removesuffix(",label"), *fresh.T)))
    assert [row["row"] for row in found] == ["2", "3", "4", "5"]
    assert {row["predicted label"] for row in found} <= {"cat", "dog", "cow"}
    with pytest.raises(DataError, match="has no column 't3'"):
        run.on(table("t0,t1,t2,t4,t5", *fresh.T[[0, 1, 2, 4, 5]]))


def test_texts_with_a_label() -> None:
    said = [("good and fine" if k % 2 else "bad, so bad") + " " * (k % 3) + "yes" * (k % 4) for k in range(24)]
    content = "text,label\n" + "".join(f'"{text}",{"pos" if k % 2 else "neg"}\n' for k, text in enumerate(said))
    run = Run(content.encode())
    prediction = run.on(b'text\n"fine food"\n"qqq"\n')
    found = rows(prediction)
    assert [row["row"] for row in found] == ["2", "3"]
    assert {row["predicted label"] for row in found} <= {"pos", "neg"}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"kind": "task"}, "synthetic task, which has no columns of a file"),
    ],
)
def test_a_run_without_files_says_so(data: dict[str, str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        apply_run(TrainConfig.model_validate({"data": data}), {}, lambda _: b"", [("a.csv", b"a\n1\n")])


def test_a_text_to_be_continued_has_no_columns() -> None:
    run = Run(b"to be or not to be, that is the question. " * 40, "old.txt", {"readout": "every_step"}, window=10)
    with pytest.raises(DataError, match="continue a text"):
        run.on(b"a,b\n1,2\n")


def test_a_run_that_drops_gaps_drops_those_of_the_new_file() -> None:
    lines, _ = trials(24, 5)
    run = Run(table("trial,step,u,v,kind", *zip(*lines, strict=True)), targets=["kind"], id="trial", missing="drop")
    fresh = [line[:4] for line in trials(5, 6)[0]]
    gone = [[*line[:2], float("nan") if place == 2 else line[2], line[3]] for place, line in enumerate(fresh)]
    without = [line for place, line in enumerate(fresh) if place != 2]
    first, second = (rows(run.on(table("trial,step,u,v", *zip(*each, strict=True)))) for each in (gone, without))
    assert first == second


def test_values_at_every_timestep_are_those_of_plain_torch() -> None:
    lines, _ = trials(24, 5)
    lines = [[*line[:4], ("up", "down", "flat")[int(line[2] * 7) % 3]] for line in lines]
    run = Run(table("trial,step,u,v,move", *zip(*lines, strict=True)), targets=["move"], features=["u", "v"],
              id="trial", model={"readout": "every_step", "cell": "gru"}, scaling="none")  # fmt: skip
    fresh, values = trials(5, 6)
    found = rows(run.on(table("trial,step,u,v", *zip(*[line[:4] for line in fresh], strict=True))))
    logits = np.concatenate([run.plain(own) for own in values])
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    names = ("down", "flat", "up")
    for row, expected in zip(found, chances, strict=True):
        assert [float(row[f"probability of {name}"]) for name in names] == pytest.approx(expected, rel=1e-3)


def test_values_of_rows_and_of_texts_are_those_of_plain_torch() -> None:
    cube, goal = np.round(RNG.normal(size=(30, 6)), 3), np.round(RNG.normal(size=30), 3)
    header = ",".join([*(f"t{k}" for k in range(6)), "target"])
    run = Run(table(header, *cube.T, goal), targets=["target"], layout="rows", scaling="none")
    for row, own in zip(rows(run.on(table(header, *cube[:4].T, goal[:4]))), cube, strict=False):
        assert float(row["predicted target"]) == pytest.approx(run.plain(own[:, None])[-1, 0], rel=1e-4, abs=1e-6)
    words = ["one", "two", "six", "ten", "red", "tall", "old", "new"]
    said = [f"{'good' if k % 2 else 'a bad'} {words[k % 8]} {words[k // 3]} of {words[k * k % 8]}" for k in range(24)]
    content = "text,label\n" + "".join(f"{text},{k % 2}\n" for k, text in enumerate(said))
    run = Run(content.encode(), targets=["label"], layout="text")
    symbols = sorted(set("".join(said)))
    (found,) = rows(run.on(b"text\ngoodzbad\n"))
    one_hot = np.array([[float(c == symbol) for symbol in symbols] for c in "goodzbad"])
    chance = 1 / (1 + np.exp(-run.plain(one_hot)[-1, 0]))
    assert float(found["probability of 1"]) == pytest.approx(chance, rel=1e-3)


def test_the_picture_has_the_dates_of_the_file_and_its_own_values() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], window=6)
    picture = run.on(table("day,a,b", days(30), A[:30], B[:30])).picture
    assert (picture["kind"], picture["x_title"], picture["x"]) == ("line", "day", days(30)[6:])
    assert picture["actual"] == pytest.approx(B[6:30].tolist())
    assert len(picture["predicted"]) == 24


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("weather", {"targets": ["temp_max"], "window": 12, "horizon": 2}),
        ("co2", {"window": 9, "horizon": 1}),
        ("vowels", {"layout": "long", "id": "utterance", "targets": ["speaker"]}),
    ],
)
def test_a_run_of_bundled_data_is_applied_as_one_of_the_same_file_is(name: str, chosen: dict[str, Any]) -> None:
    entry = SERIES[name]
    content = bundled_file(entry.file)
    content = gzip.decompress(content) if entry.file.endswith(".gz") else content
    window = {key: value for key, value in chosen.items() if key in ("window", "horizon")}
    rest = {"steps": 3, "batch_size": 4, "model": {"hidden_size": 3}}
    config = TrainConfig.model_validate({"data": {"kind": "bundled", "name": name, **window}, **rest})
    trainer = Trainer(config, load_dataset(config.data))
    list(trainer.records())
    weights = {key: value.cpu().numpy() for key, value in trainer.last_finite_state().items()}
    lines = content.decode().splitlines()
    new = "\n".join(lines[:1] + lines[400:520]).encode()

    def nothing(_: str) -> bytes:
        raise AssertionError("no file of the user's own is read")

    found = apply_run(config, weights, nothing, [("new.csv", new)])
    dataset = load_dataset(config.data)
    assert found.rows > 0
    assert set(found.columns) >= ({lines[0].split(",")[0]} if entry.layout == "series" else {"utterance"})
    if entry.layout == "series":  # the last validation window of the run itself: its target is the last row
        assert dataset.coding is not None
        whole = rows(apply_run(config, weights, nothing, [("all.csv", content)]))
        network, scaled = (
            network_of(config.model, dataset.input_size, dataset.output_size, weights),
            dataset.coding.scales,
        )
        expected = network(dataset.validation.inputs[-1:], None)[0, 0] * scaled[0].unit + scaled[0].zero
        row = next(row for row in whole if row[lines[0].split(",")[0]] == lines[-1].split(",")[0])
        assert float(row[f"predicted {entry.column}"]) == pytest.approx(float(expected), rel=1e-4)


def test_several_files_for_a_run_of_one_series_are_a_series_each() -> None:
    run = Run(table("day,a,b", days(N), A, B), targets=["b"], window=6)
    parts = {"one.csv": (A[:30], B[:30]), "two.csv": (A[60:85], B[60:85])}
    files = {name: table("day,a,b", days(len(a), "2023-01-01"), a, b) for name, (a, b) in parts.items()}
    apart = [row for name, content in files.items() for row in rows(run.on(content, name))]
    together = rows(run.on(zipped(*files.items()), "new.zip"))
    assert len(together) == len(apart) == 25 + 20
    assert [row["predicted b"] for row in together] == [row["predicted b"] for row in apart]
    assert [row["file"] for row in together] == ["one.csv"] * 25 + ["two.csv"] * 20
