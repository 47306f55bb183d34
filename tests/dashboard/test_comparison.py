"""Comparisons as runs and back: one setting apart, as the sidebar would choose it, whatever else is chosen."""

from typing import Any

import pytest

from dashboard.experiment.compare_by import (
    CLIPPING,
    COMPARE_BY,
    FIELD,
    NOTHING,
    key_for,
    other_fields,
    path_of,
    varied_by,
)
from dashboard.experiment.comparison import (
    ONE_RUN,
    WITH_AND_WITHOUT_CLIPPING,
    Comparison,
    Sizes,
    counts,
    runs_of,
    said_of,
    sent_as,
    sizes_of,
    varied,
)
from dashboard.experiment.groups import MOST, Group, meaning
from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.presets import PRESETS
from dashboard.experiment.setting_values import choices, suggestions, text_of, value_of
from dashboard.experiment.share import decode, encode
from dashboard.experiment.twins import twins
from dashboard.lessons import LESSONS
from rnncore.cells import CELLS
from rnncore.checks import check_run
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.errors import ConfigError

BUNDLED = TrainConfig.model_validate({"data": {"kind": "bundled"}})
VOWELS = TrainConfig.model_validate({"data": {"kind": "bundled", "name": "vowels"}})
FILES = TrainConfig.model_validate({"data": {"kind": "upload", "files": [{"file": "sha256:" + "0" * 64}], "window": 9}})
ADDING = TrainConfig()


def base(**fields: Any) -> TrainConfig:
    return TrainConfig.model_validate(fields)


def test_the_entries_are_those_promised() -> None:
    assert list(COMPARE_BY) == [
        NOTHING, CLIPPING, "cell", "thirty_years", "initialization", "optimizer", "learning_rate", "seq_len", "seed",
        FIELD,
    ]  # fmt: skip
    assert all(entry.help.endswith(".") for entry in COMPARE_BY.values())
    assert (key_for("model.cell"), key_for("data.window"), key_for("truncation")) == ("cell", "seq_len", FIELD)


@pytest.mark.parametrize(
    ("config", "path"),
    [(ADDING, "data.seq_len"), (BUNDLED, "data.window"), (FILES, "data.window"), (VOWELS, None)],
    ids=["a task", "a series", "files", "whole sequences"],
)
def test_the_sequence_length_is_what_it_is_with_the_data(config: TrainConfig, path: str | None) -> None:
    assert path_of(COMPARE_BY["seq_len"], config) == path


@pytest.mark.parametrize("config", [DEFAULT, ADDING, BUNDLED, VOWELS, FILES], ids=["opening", *"abcd"])
def test_every_suggested_comparison_is_whole_and_is_known_again_from_its_runs_and_its_link(config: TrainConfig) -> None:
    for path in varied_by(config):
        own = meaning(config)[path]
        values = (own, *suggestions(path, own, config))
        if len(values) == 1:
            continue
        runs = runs_of(config, Comparison(key_for(path), path, values))
        group = Group(runs)
        assert (len(runs), runs[0]) == (len(values), config), path
        assert path in group.differs, path
        assert len(set(group.labels())) == len(runs), path
        assert {run.seed for run in runs} == ({config.seed} if path != "seed" else set(values))
        if not path.startswith("data."):
            assert group.differs == (path,)
            assert said_of(runs) == (config, Comparison(key_for(path), path, values), ())
        link = decode(encode(*sent_as(runs)), lambda file: True)
        back = (*(twins(link.config) if link.compare else (link.config,)), *link.others)
        assert said_of(back) == said_of(runs), path


def test_what_means_nothing_beside_another_cell_goes_back_to_its_default() -> None:
    lstm, gru = (varied(DEFAULT, "model.cell", cell) for cell in ("lstm", "gru"))
    assert (DEFAULT.model.nonlinearity, lstm.model.nonlinearity, gru.model.nonlinearity) == ("relu", "tanh", "tanh")
    assert lstm.init == DEFAULT.init, "a spectral radius means something to it"
    regular = varied(base(omega=2.0), "model.cell", "gru")
    assert regular.omega == 0
    forgetful = base(model={"cell": "lstm"}, init={"forget_bias": 1.0})
    assert varied(forgetful, "model.cell", "rnn").init.forget_bias is None
    assert varied(forgetful, "init.chrono", True).init.forget_bias is None
    sgd = base(optimizer={"name": "sgd", "momentum": 0.9, "nesterov": True})
    assert varied(sgd, "optimizer.name", "adam").optimizer.momentum == 0
    assert varied(sgd, "optimizer.momentum", 0.0).optimizer.nesterov is False
    assert [run.model.cell for run in runs_of(DEFAULT, Comparison("cell", "model.cell", tuple(CELLS)))] == list(CELLS)[
        :MOST
    ]


def test_other_tasks_get_a_read_out_and_a_loss_that_fit() -> None:
    regression = base(loss="mae")
    for task in choices("data.task", ADDING) or ():
        run = varied(regression, "data.task", task)
        check_run(run, load_dataset(run.data))


def test_clipping_is_compared_as_before() -> None:
    assert runs_of(DEFAULT, WITH_AND_WITHOUT_CLIPPING) == tuple(twins(DEFAULT))
    assert said_of(twins(DEFAULT)) == (DEFAULT, WITH_AND_WITHOUT_CLIPPING, ())
    assert said_of([DEFAULT]) == (DEFAULT, ONE_RUN, ())
    three = [*twins(DEFAULT), varied(DEFAULT, "clip.method", "value")]
    assert said_of(three).comparison == Comparison(FIELD, "clip.method", ("norm", "off", "value"))


def test_runs_that_no_comparison_gives_are_left_over() -> None:
    other = base(seed=4, steps=20)
    assert said_of([ADDING, other]) == (ADDING, ONE_RUN, (other,))
    assert said_of([*twins(DEFAULT), other]) == (DEFAULT, WITH_AND_WITHOUT_CLIPPING, (other,))


def test_equal_values_are_one_run_and_there_are_at_most_six() -> None:
    assert len(runs_of(ADDING, Comparison("seq_len", "data.seq_len", (50, 50, None)))) == 1, "50 is the task's own"
    assert len(runs_of(ADDING, Comparison("seed", "seed", tuple(range(9))))) == 6


def test_parameter_counts_are_matched_by_the_hidden_size() -> None:
    sizes = Sizes(2, 1)
    comparison = Comparison("cell", "model.cell", ("rnn", "lstm", "gru"), same_size=True)
    runs = runs_of(ADDING, comparison, sizes)
    first, *others = counts(runs, sizes)
    for run, count in zip(runs[1:], others, strict=True):
        for size in (run.model.hidden_size - 1, run.model.hidden_size + 1):
            near = run.model_copy(update={"model": run.model.model_copy(update={"hidden_size": size})})
            assert abs(counts([near], sizes)[0] - first) >= abs(count - first)
    assert said_of(runs) == (ADDING, comparison, ())
    assert sizes_of(ADDING.data) == sizes
    layers = runs_of(ADDING, Comparison(FIELD, "model.num_layers", (1, 2, 3), same_size=True), sizes)
    assert [run.model.num_layers for run in layers] == [1, 2, 3]
    assert max(counts(layers, sizes)) < 1.1 * min(counts(layers, sizes))


def test_what_lessons_and_presets_train_is_what_the_controls_then_say() -> None:
    groups = [[run.config for run in lesson.runs] for lesson in LESSONS.values()]
    for configs in (*groups, *(list(preset.configs) for preset in PRESETS.values() if preset.configs)):
        said = said_of(configs)
        assert [*runs_of(said.config, said.comparison, sizes_of(said.config.data)), *said.others] == configs
    gated = said_of([run.config for run in LESSONS["gru-lstm"].runs]).comparison
    assert gated == Comparison("cell", "model.cell", ("lstm", "gru"), same_size=True)


@pytest.mark.parametrize("config", [DEFAULT, BUNDLED, FILES], ids=["opening", "a series", "files"])
def test_every_value_can_be_written_and_read(config: TrainConfig) -> None:
    for path in varied_by(config):
        own = meaning(config)[path]
        for value in (own, *suggestions(path, own, config), *(choices(path, config) or ())):
            assert value_of(path, f" {text_of(path, value)} ", config) == value, (path, value)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("optimizer.learning_rate", "0", "compare.values: '0' is not allowed; allowed: above 0 to 100"),
        ("optimizer.learning_rate", "fast", "compare.values: 'fast' is not allowed; allowed: above 0 to 100"),
        ("model.hidden_size", "2.5", "compare.values: '2.5' is not allowed; allowed: 1 to 2,048"),
        ("seed", "-1", "compare.values: '-1' is not allowed; allowed: 0 to 2,147,483,647"),
        ("truncation", "0", "compare.values: '0' is not allowed; allowed: 1 to 5,000"),
        (
            "model.cell",
            "sru",
            "compare.values: 'sru' is not allowed; allowed: 'rnn', 'lstm', 'gru', 'orthogonal', "
            "'antisymmetric', 'indrnn', 'lstm1997', 'peephole', 'coupled', 'slstm', 'mingru', 'minlstm', 'lru'",
        ),
        ("omega", "nan", "compare.values: 'nan' is not allowed; allowed: 0 to 100"),
    ],
)
def test_a_value_that_is_not_allowed_is_a_sentence(path: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        value_of(path, text, ADDING)
    assert str(error.value) == said


def test_other_fields_are_all_that_mean_something() -> None:
    fields = other_fields(ADDING)
    assert {"truncation", "batch_size", "omega", "clip.method", "mistake", "dtype", "data.task"} <= set(fields)
    assert not {"model.cell", "seed", "data.kind", "init.chrono", "schedule.decay"} & set(fields)
    assert {"data.scaling", "data.missing", "data.stride"} <= set(other_fields(FILES))
