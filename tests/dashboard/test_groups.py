"""Groups of runs: the settings in which they differ, what they are called by them, and what the controls can say."""

from typing import Any

import pytest

from dashboard.experiment.groups import Group, changes_in_words, difference
from dashboard.experiment.presets import PRESETS
from dashboard.experiment.setting_paths import values
from dashboard.experiment.share import decode, encode
from dashboard.experiment.twins import twins
from dashboard.lessons import LESSONS
from rnncore.changes import changed
from rnncore.config import TrainConfig

BASE = TrainConfig.model_validate({"clip": {"method": "norm"}, "optimizer": {"learning_rate": 0.1}})

# A change, the settings that differ then, what both runs are called, and the change in words.
CHANGES: list[tuple[dict[str, Any], list[str], tuple[str, str], list[str]]] = [
    ({"optimizer": {"learning_rate": 0.01}}, ["optimizer.learning_rate"],
     ("learning rate 0.1", "learning rate 0.01"), ["learning rate 0.1 → 0.01"]),
    ({"clip": {"method": "off"}}, ["clip.method"], ("clipped at 1", "not clipped"), ["clipped at 1 → not clipped"]),
    ({"clip": {"threshold": 0.25}}, ["clip.threshold"],
     ("clipped at 1", "clipped at 0.25"), ["clipped at 1 → clipped at 0.25"]),
    ({"clip": {"method": "off", "threshold": 7}}, ["clip.method"],
     ("clipped at 1", "not clipped"), ["clipped at 1 → not clipped"]),
    ({"model": {"cell": "lstm"}}, ["model.cell"], ("RNN", "LSTM"), ["cell: RNN → LSTM"]),
    ({"model": {"nonlinearity": "relu"}}, ["model.nonlinearity"],
     ("tanh RNN", "ReLU RNN"), ["non-linearity: tanh → relu"]),
    ({"model": {"readout": "mean"}}, ["model.readout"],
     ("read-out: Last step", "read-out: Mean over time"), ["read-out: Last step → Mean over time"]),
    ({"data": {"seq_len": 80}}, ["data.seq_len"],
     ("sequence length 50", "sequence length 80"), ["sequence length 50 → 80"]),
    ({"data": {"task": "copy_memory"}}, ["data.task"],
     ("Adding problem, T = 50", "Copy memory, T = 50"),
     ["task: Adding problem → Copy memory"]),
    ({"data": {"kind": "bundled", "name": "co2"}}, ["data"],
     ("Adding problem, T = 50", "CO2 on Mauna Loa"), ["Adding problem, T = 50 → CO2 on Mauna Loa"]),
    ({"truncation": 5}, ["truncation"],
     ("truncated backpropagation off", "truncated backpropagation 5"), ["truncated backpropagation off → 5"]),
    ({"seed": 3}, ["seed"], ("seed 0", "seed 3"), ["seed 0 → 3"]),
    ({"steps": 20_000, "init": {"scheme": "orthogonal"}}, ["init.scheme", "steps"],
     ("initial recurrent weights: torch's default, steps 1,000",
      "initial recurrent weights: Orthogonal, steps 20,000"),
     ["initial recurrent weights: torch's default → Orthogonal", "steps 1,000 → 20,000"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "differs", "names", "words"), CHANGES)
def test_two_runs_are_called_by_what_differs(
    changes: dict[str, Any], differs: list[str], names: tuple[str, str], words: list[str]
) -> None:
    other = changed(BASE, changes)
    group = Group((BASE, other))
    assert list(group.differs) == differs
    assert tuple(group.labels()) == names
    assert group.matched is ("seed" not in changes)
    assert changes_in_words(BASE, other) == words
    assert changed(BASE, difference(BASE, other)) == other


def test_every_setting_can_be_compared_told_and_carried_by_a_link() -> None:
    """Nothing is listed anywhere: a setting that is added is a difference at once."""
    others: dict[str, Any] = {"loss": "mae", "dtype": "float64", "device": "cpu", "early_stopping": 3, "truncation": 4}
    told = set()
    for path, value in values(BASE):
        section, _, name = path.rpartition(".")
        new = others.get(path, value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else None)
        if new is None:
            continue
        try:
            other = changed(BASE, {section: {name: new}} if section else {name: new})
        except ValueError:
            continue
        group = Group((BASE, other))
        told.add(path)
        assert decode(encode(BASE, compare=False, others=(other,))).others == (other,), path
        if group.differs:
            assert len(set(group.labels())) == 2, path
            assert changes_in_words(BASE, other), path
    assert {"optimizer.learning_rate", "steps", "seed", "batch_size", "dtype", "truncation", "loss"} <= told


def test_up_to_six_runs_have_different_names_that_say_all_that_differs() -> None:
    rates = [changed(BASE, {"optimizer": {"learning_rate": rate}}) for rate in (0.1, 0.2, 0.3)]
    group = Group((*rates, *(changed(each, {"model": {"cell": "gru"}}) for each in rates)))
    assert group.labels()[0] == "RNN, learning rate 0.1"
    assert group.labels()[-1] == "GRU, learning rate 0.3"
    assert len(set(group.labels())) == 6
    assert group.words() == "cell and learning rate"
    many = Group((BASE, changed(BASE, {"seed": 1, "steps": 5, "batch_size": 3, "model": {"cell": "gru"}})))
    assert many.words() == "cell, steps, batch size and 1 more"
    assert not many.matched


def test_runs_that_differ_in_nothing_are_numbered() -> None:
    group = Group((BASE, BASE, changed(BASE, {"clip": {"percentile": 50}})))
    assert (group.differs, group.words()) == ((), "")
    assert group.labels() == ["clipped at 1", "clipped at 1 (2)", "clipped at 1 (3)"]
    assert group.labels(["a", "b", "a"]) == ["clipped at 1", "clipped at 1 (2)", "clipped at 1 (3)"]


def test_given_names_stay_as_long_as_they_tell_the_runs_apart() -> None:
    lstm = changed(BASE, {"model": {"cell": "lstm"}})
    assert Group((BASE, lstm)).labels(["plain", "gated"]) == ["plain", "gated"]
    assert Group((BASE, lstm)).labels(["same", "same"]) == ["RNN", "LSTM"]
    assert Group((BASE, lstm)).labels(["clipped at 1", "LSTM"]) == ["RNN", "LSTM"], "the first name says nothing here"
    assert Group(tuple(twins(BASE))).labels(["clipped at 1", "not clipped"]) == ["clipped at 1", "not clipped"]
    assert Group((BASE,)).labels(["a name"]) == ["a name"]


def test_what_presets_and_lessons_call_their_runs_stays() -> None:
    for preset in PRESETS.values():
        assert preset.configs == () or Group(preset.configs).labels(preset.names) == list(preset.names)
    for lesson in LESSONS.values():
        names = [run.label for run in lesson.runs]
        assert Group(tuple(run.config for run in lesson.runs)).labels(names) == names


def test_the_controls_say_the_first_run_that_has_an_unclipped_twin_and_the_others_are_known() -> None:
    slow = changed(BASE, {"optimizer": {"learning_rate": 0.001}})
    group = Group((*twins(BASE), slow))
    assert (group.experiment, group.others) == ((BASE, True), (slow,))
    off = changed(BASE, {"clip": {"method": "off"}})
    clipped = changed(off, {"clip": {"method": "norm", "threshold": 0.9}})
    assert Group((off, clipped)).experiment == (clipped, True), "a threshold means nothing to a run without clipping"
    assert Group((off, clipped)).others == ()
    assert (Group((slow, BASE)).experiment, Group((slow, BASE)).others) == ((slow, False), (BASE,))
