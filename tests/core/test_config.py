"""The config: ranges, combinations, JSON round trip, and the sentence that says what is wrong."""

import math
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from rnncore import TrainConfig
from rnncore import config as configs
from rnncore.cells import CELLS
from rnncore.config import explain
from rnncore.data import SERIES, TASKS
from rnncore.key_of import either

FULL = {
    "data": {
        "kind": "upload", "files": [{"file": "rain.csv"}], "targets": ["mm"], "window": 20, "horizon": 3,
        "val_fraction": 0.25,
    },
    "model": {"cell": "lstm", "hidden_size": 7, "num_layers": 2, "dropout": 0.1, "readout": "attention"},
    "init": {"scheme": "sparse", "spectral_radius": 1.1, "std": 0.02, "forget_bias": -1.5},
    "loss": "huber",
    "optimizer": {"name": "sgd", "learning_rate": 1e-3, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
    "schedule": {"name": "cosine", "warmup_steps": 5, "final_fraction": 0.1},
    "clip": {"method": "autoclip", "percentile": 12.5},
    "truncation": 10,
    "early_stopping": 4,
    "steps": 123,
    "dtype": "float64",
}  # fmt: skip

FORGETFUL = "'lstm', 'peephole', 'slstm' and 'minlstm'"


def complaint(value: Any) -> str:
    with pytest.raises(ValidationError) as error:
        TrainConfig.model_validate(value)
    sentence = explain(error.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("names", "registry"),
    [(configs.TaskName, TASKS), (configs.SeriesName, SERIES)],
)
def test_the_names_of_a_choice_are_the_keys_of_its_registry(names: Any, registry: dict[str, Any]) -> None:
    assert set(get_args(names)) == set(registry)


@pytest.mark.parametrize(
    ("model", "field", "keys"),
    [("ModelConfig", "cell", ["rnn", "lstm", "gru", "orthogonal", "antisymmetric", "indrnn", "lstm1997", "peephole",
      "coupled", "slstm", "mingru", "minlstm", "lru"]),
     ("ModelConfig", "readout", ["last", "mean", "attention", "every_step"]),
     ("TrainConfig", "loss", ["auto", "mse", "mae", "huber", "bce", "cross_entropy"]),
     ("OptimizerConfig", "name", ["sgd", "adam", "adamw", "rmsprop", "adagrad"]),
     ("ScheduleConfig", "name", ["constant", "exponential", "linear", "cosine", "step"]),
     ("ClipConfig", "method", ["off", "norm", "value", "parameter_norm", "recursion", "autoclip", "agc"]),
     ("InitConfig", "scheme", ["default", "orthogonal", "identity", "spectral", "normal", "sparse"])],
)  # fmt: skip
def test_the_schema_lists_the_keys_of_each_registry(model: str, field: str, keys: list[str]) -> None:
    schema = TrainConfig.model_json_schema()
    described = schema if model == "TrainConfig" else schema["$defs"][model]
    assert described["properties"][field]["enum"] == keys


@pytest.mark.parametrize("value", [{}, FULL, {"data": {"kind": "bundled", "name": "co2"}}])
def test_json_round_trip(value: dict[str, Any]) -> None:
    config = TrainConfig.model_validate(value)
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
    assert TrainConfig.model_validate(config.model_dump()) == config


def test_a_config_is_frozen_and_refuses_unknown_fields() -> None:
    with pytest.raises(ValidationError):
        TrainConfig().steps = 5  # type: ignore[misc]
    assert complaint({"stepz": 5}) == "stepz: there is no such field"
    assert complaint({"model": {"units": 5}}) == "model.units: there is no such field"


def numeric_fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Every number of a config with its limits."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from numeric_fields(annotation, (*path, name))
        elif {int, float} & {annotation, *get_args(annotation)} and annotation is not bool:
            yield (*path, name), field.metadata


def needed(model: type[BaseModel]) -> dict[str, Any]:
    """Some value for every field without default: texts, and sequences of one object each."""
    required = {name: field.annotation for name, field in model.model_fields.items() if field.is_required()}
    return {name: "x" if kind is str else [needed(get_args(kind)[0])] for name, kind in required.items()}


DATA_MODELS: tuple[type[BaseModel], ...] = get_args(get_args(configs.DataConfig)[0])
NUMBERS = [
    *((path, metadata, {}) for path, metadata in numeric_fields(TrainConfig)),
    *(
        (("data", *path), metadata, {"kind": model.model_fields["kind"].default} | needed(model))
        for model in DATA_MODELS
        for path, metadata in numeric_fields(model)
    ),
]


@pytest.mark.parametrize(("path", "metadata", "data"), NUMBERS, ids=[".".join(path) for path, *_ in NUMBERS])
def test_every_number_has_a_range_and_both_ends_are_kept(
    path: tuple[str, ...], metadata: list[Any], data: dict[str, Any]
) -> None:
    limits = {key: getattr(m, key) for m in metadata for key in ("ge", "gt", "le", "lt") if hasattr(m, key)}
    assert {"ge", "gt"} & set(limits), "no lower limit"
    assert {"le", "lt"} & set(limits), "no upper limit"
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    beyond = [low - 1, high * 2 + 1, math.nan, math.inf, "many", [1]]
    beyond += [low] * ("gt" in limits) + [high] * ("lt" in limits)
    for value in beyond:
        wrong: dict[str, Any] = {path[-1]: value}
        for name in reversed(path[:-1]):
            wrong = {name: wrong}
        if data:
            wrong["data"] |= data
        sentence = complaint(wrong)
        assert sentence.startswith(f"{'.'.join(path)}: "), sentence
        assert " is not allowed; allowed: " in sentence
        assert " to " in sentence, "the range is named"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"steps": 0}, "steps: 0 is not allowed; allowed: 1 to 1,000,000"),
        ({"model": {"dropout": 1}}, "model.dropout: 1 is not allowed; allowed: 0 to below 1"),
        ({"optimizer": {"learning_rate": 0}}, "optimizer.learning_rate: 0 is not allowed; allowed: above 0 to 100"),
        ({"data": {"kind": "task", "seq_len": 1}}, "data.seq_len: 1 is not allowed; allowed: 2 to 5,000"),
        ({"data": {"task": "noise"}}, "data.kind: a value is needed"),
        ({"data": {"kind": "upload"}}, "data.files: a value is needed"),
        ({"data": {"kind": "upload", "files": [{"file": 5}]}}, "data.files.0.file: 5 is not allowed; allowed: a text "
         "(and 1 more problem)"),
        ({"loss": "hinge"}, "loss: 'hinge' is not allowed; allowed: one of 'auto', 'mse', 'mae', 'huber', 'bce' or "
         "'cross_entropy'"),
        ({"model": {"cell": "elman"}}, f"model.cell: 'elman' is not allowed; allowed: one of {either(CELLS)}"),
        ({"clip": {"method": ["off"]}}, "clip.method: ['off'] is not allowed; allowed: one of 'off', 'norm', 'value', "
         "'parameter_norm', 'recursion', 'autoclip' or 'agc'"),
        ({"init": {"chrono": 7}}, "init.chrono: 7 is not allowed; allowed: true or false"),
        ({"model": 5}, "model: 5 is not allowed; allowed: an object with named fields"),
        ([], "config: [] is not allowed; allowed: an object with named fields"),
        ({"steps": 0, "seed": -1, "batch_size": 0}, "steps: 0 is not allowed; allowed: 1 to 1,000,000 "
         "(and 2 more problems)"),
        ({"device": "x" * 200}, "device: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... is not allowed; "
         "allowed: one of 'auto', 'cpu', 'cuda' or 'mps'"),
    ],
)  # fmt: skip
def test_the_sentence_names_field_value_and_what_is_allowed(value: Any, sentence: str) -> None:
    assert complaint(value) == sentence


def test_an_unknown_kind_of_data_is_told_the_known_ones() -> None:
    sentence = complaint({"data": {"kind": "xls"}})
    assert sentence.startswith("data: {'kind': 'xls'} is not allowed; allowed: one of 'task', ")
    assert all(repr(model.model_fields["kind"].default) in sentence for model in DATA_MODELS)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ({"model": {"cell": "gru", "nonlinearity": "relu"}}, "'relu' is for the cells 'rnn', 'orthogonal' and "),
        ({"optimizer": {"name": "sgd", "nesterov": True}}, "nesterov needs the optimizer 'sgd' with a momentum above"),
        ({"optimizer": {"name": "rmsprop", "nesterov": True, "momentum": 0.5}}, "nesterov needs the optimizer 'sgd'"),
        ({"optimizer": {"name": "adam", "momentum": 0.5}}, "momentum 0.5 is for 'sgd' and 'rmsprop', not 'adam'"),
        ({"omega": 1, "model": {"cell": "lstm"}}, "omega 1.0 is defined for the cell 'rnn' only, not 'lstm'"),
        ({"init": {"forget_bias": 1}}, f"forget_bias is for the cells {FORGETFUL} only, not 'rnn'"),
        ({"init": {"forget_bias": 1}, "model": {"cell": "gru"}},
         f"forget_bias is for the cells {FORGETFUL} only, not 'gru'"),
        ({"init": {"chrono": True}}, "chrono sets the biases of gates, and the cell 'rnn' has none"),
        ({"init": {"chrono": True, "forget_bias": 1}, "model": {"cell": "lstm"}}, "choose one of them"),
    ],
)  # fmt: skip
def test_combinations_that_make_no_sense_are_refused(value: dict[str, Any], part: str) -> None:
    assert part in complaint(value)
