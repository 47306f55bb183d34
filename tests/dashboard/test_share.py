"""Share links: what goes in comes out; whatever else comes in, a valid configuration and plain sentences come out."""

import json
import random
import re
import subprocess
import sys
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from dashboard.experiment.share import MAX_CHARS, ShareError, decode, encode
from rnncore.config import BundledData, TaskData, TrainConfig, UploadData, UploadedFile

ID = "sha256:" + "0123456789abcdef" * 4
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=25)
IDS = st.binary(min_size=32, max_size=32).map(lambda content: f"sha256:{content.hex()}")
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "file": IDS,
    "target": NAMES,
    "files": st.lists(st.fixed_dictionaries({"file": IDS, "name": NAMES}), min_size=1, max_size=3),
    "features": st.none() | st.lists(NAMES, max_size=4),
    "targets": st.none() | st.lists(NAMES, max_size=2),
    "id": st.none() | st.just("") | NAMES,
    "time": st.none() | st.just("") | NAMES,
}


def of_model(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: of_field(name, info) for name, info in model.model_fields.items() if name != "kind"}
    needed = {name: each for name, each in fields.items() if model.model_fields[name].is_required()}
    optional = {name: each for name, each in fields.items() if name not in needed}
    kind = {"kind": st.just(model.model_fields["kind"].default)} if "kind" in model.model_fields else {}
    return st.fixed_dictionaries(needed | kind, optional=optional)


def of_field(name: str, info: Any) -> st.SearchStrategy[Any]:
    if name in SPECIAL:
        return SPECIAL[name]
    if name == "data":
        return st.one_of([of_model(kind) for kind in (TaskData, BundledData, UploadData)])
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
        return of_model(info.annotation)
    types = get_args(info.annotation) if get_origin(info.annotation) is not Literal else (info.annotation,)
    if not types:
        types = (info.annotation,)
    choices = [choice for each in types for choice in (get_args(each) if get_origin(each) is Literal else ())]
    if choices or get_origin(info.annotation) is Literal:
        return st.sampled_from(choices or list(get_args(info.annotation)))
    if bool in types:
        return st.booleans()
    limits = {
        key: getattr(rule, key) for rule in info.metadata for key in ("ge", "gt", "le", "lt") if hasattr(rule, key)
    }
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if int in types:
        return st.integers(low, high)
    return st.floats(low, high, exclude_min="gt" in limits, exclude_max="lt" in limits)


def config_or_none(fields: dict[str, Any]) -> TrainConfig | None:
    try:
        return TrainConfig.model_validate(fields)
    except ValidationError:  # a combination that makes no sense
        return None


CONFIGS = of_model(TrainConfig).map(config_or_none).filter(lambda config: config is not None)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(config=CONFIGS, compare=st.booleans())
def test_any_configuration_comes_back_from_a_short_link_of_address_characters(
    config: TrainConfig, compare: bool
) -> None:
    text = encode(config, compare)

    assert len(text) <= MAX_CHARS
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", text)
    decoded = decode(text)
    assert (decoded.config, decoded.compare, decoded.problems) == (config, compare, [])


def test_a_link_holds_what_differs_from_the_defaults_in_words() -> None:
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "parity", "seq_len": 20},
            "model": {"cell": "lstm"},
            "clip": {"method": "norm", "threshold": 0.5},
        }
    )

    assert encode(config, True) == "1.task-parity~T-20~cell-lstm~clip-norm~threshold-0.5~end"
    assert encode(TrainConfig(), False) == "1.compare-no~end"


def test_the_defaults_of_format_1_still_hold() -> None:
    """A link leaves defaults out. If one of these has to change, links need a new VERSION that knows the old ones."""
    expected = {
        "data": {"kind": "task", "task": "adding", "seq_len": None, "delay": None, "symbols": None},
        "model": {"cell": "rnn", "nonlinearity": "tanh", "hidden_size": 32, "num_layers": 1, "dropout": 0.0,
                  "readout": "last"},
        "init": {"scheme": "default", "spectral_radius": 0.95, "std": 0.01, "forget_bias": None, "chrono": False},
        "loss": "auto",
        "optimizer": {"name": "adam", "learning_rate": 0.005, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
        "schedule": {"name": "constant", "warmup_steps": 0, "decay": 0.5, "decay_steps": 500, "final_fraction": 0.0},
        "clip": {"method": "off", "threshold": 1.0, "percentile": 10.0, "agc_factor": 0.01},
        "omega": 0.0, "truncation": None, "early_stopping": None, "steps": 1000, "batch_size": 32, "seed": 0,
        "eval_every": 25, "profile_every": 5, "dtype": "float32", "device": "auto",
    }  # fmt: skip
    defaults = TrainConfig().model_dump(mode="json")
    for name, value in expected.items():
        assert defaults[name] == (defaults[name] | value if isinstance(value, dict) else value)
    windowed = {"window": 50, "horizon": 1, "val_fraction": 0.2}
    assert BundledData().model_dump().items() >= (windowed | {"name": "sunspots"}).items()
    upload = UploadData.model_validate({"files": [{"file": ID}]}).model_dump()
    assert upload.items() >= {"layout": "auto", "window": None, "horizon": 1, "stride": 1, "max_length": 1000}.items()


def test_a_long_link_is_compressed_and_a_hopeless_one_is_refused_in_a_sentence() -> None:
    columns = [f"sensor {number:03}, degrees" for number in range(90)]
    data = {"kind": "upload", "files": [{"file": ID, "name": "a.csv"}], "features": columns}
    config = TrainConfig.model_validate({"data": data})

    text = encode(config, True)
    assert text.startswith("1z.")
    assert len(text) <= MAX_CHARS
    assert decode(text).config == config

    cut = decode(text[: len(text) // 2])
    assert cut.config.data.kind == "upload"
    assert "cut off" in cut.problems[0]

    names = [str(random.Random(seed).getrandbits(200)) for seed in range(40)]
    too_long = TrainConfig.model_validate({"data": data | {"features": names}})
    with pytest.raises(ShareError, match=r"do not fit into a link of 1,200 characters; share its config\.json"):
        encode(too_long, True)


def test_a_path_of_this_machine_is_never_put_into_a_link_nor_taken_out_of_one() -> None:
    config = TrainConfig(data=UploadData(files=(UploadedFile(file="/home/somebody/secret.csv"),)))
    with pytest.raises(ShareError, match="a link can only name a file that was uploaded"):
        encode(config, True)

    decoded = decode("1.data-csv~file-.2Fetc.2Fpasswd~target-x~end")
    assert decoded.config.data == TaskData()
    assert decoded.problems[0] == "file: '.2Fetc.2Fpasswd' cannot be read."


def test_a_link_about_a_file_says_which_one_is_missing() -> None:
    text = encode(TrainConfig(data=UploadData(files=(UploadedFile(file=ID, name="a.csv"),))), True)

    assert decode(text, has_file=lambda file: file == ID).problems == []
    absent = decode(text, has_file=lambda file: False)
    assert absent.needs == (ID,)
    assert absent.config.data.kind == "upload"
    assert absent.problems == [
        "This link needs the file with the checksum sha256:01234567..., which this workspace has not got; upload it."
    ]


@pytest.mark.parametrize(
    ("text", "kept", "problems"),
    [
        ("1.hidden-0~lr-0.01~end", "1.lr-0.01~end", ["model.hidden_size: '0' is not allowed; allowed: 1 to 2,048"]),
        ("1.steps-9~colour-red~end", "1.steps-9~end", ["There is no setting 'colour'."]),
        ("1.seed-1~seed-2~end", "1.seed-1~end", ["The setting 'seed' is there twice; the first one is used."]),
        ("1.seed-1~seed-2~seed-3~end", "1.seed-1~end", ["The setting 'seed' is there twice; the first one is used."]),
        ("1.seed-7~cell-lst", "1.seed-7~end", ["cut off at its end; its last part 'cell-lst' was left out."]),
        ("2.cell-gru~end", "1.cell-gru~end", ["The link is of format 2, this program writes format 1"]),
        ("1.cell-gru~nonlinearity-relu~end", "1.cell-gru~end", ["nonlinearity 'relu' is for the cell 'rnn' only"]),
        ("1.omega-2~cell-gru~end", "1.cell-gru~end", ["omega 2.0 is defined for the cell 'rnn' only"]),
        ("1.task-parity~window-9~end", "1.task-parity~end", ["'window' does not belong to this kind of data."]),
        ("1.data-csv~window-9~seed-3~end", "1.seed-3~end", ["data: the kind 'csv' needs a value for 'file'; "]),
        ("1.data-moon~seed-3~end", "1.seed-3~end", ["data: 'moon' is not allowed; allowed: task, bundled"]),
        ("1.compare-perhaps~end", "1.end", ["compare: 'perhaps' is not allowed; allowed: yes or no."]),
        ("hello", "1.end", ["The link does not begin as a link of this program does, so nothing in it was used."]),
        ("", "1.end", ["The link does not begin as a link of this program does, so nothing in it was used."]),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_a_sentence_each_and_the_rest_is_kept(
    text: str, kept: str, problems: list[str]
) -> None:
    decoded = decode(text)

    assert encode(decoded.config, True) == kept
    assert len(decoded.problems) == len(problems)
    for problem, expected in zip(decoded.problems, problems, strict=True):
        assert expected in problem


@settings(max_examples=60, deadline=None)
@given(st.text() | st.from_regex(r"1z?\.([a-z_.]{1,9}-[A-Za-z0-9._-]{0,9}~){0,9}(end)?", fullmatch=True))
def test_no_text_breaks_the_reader(text: str) -> None:
    decoded = decode(text)

    assert TrainConfig.model_validate_json(decoded.config.model_dump_json()) == decoded.config
    assert all(problem.isprintable() for problem in decoded.problems)


@pytest.mark.parametrize(
    "text", ["1." + "x-1~" * 10**6, "1z." + "A" * 10**6, "1.seed-" + "9" * 10**6, "1.T-" + "\0" * 999]
)
def test_a_huge_text_is_little_work_and_few_words(text: str) -> None:
    decoded = decode(text)

    assert decoded.config == TrainConfig()
    assert 1 <= len(decoded.problems) <= 21
    assert sum(map(len, decoded.problems)) < 9_000


def test_a_bomb_is_not_unpacked() -> None:
    import base64
    import zlib

    bomb = base64.urlsafe_b64encode(zlib.compress(b"seed-3~" + b"a" * 10**7, 9)).decode()
    assert len(decode("1z." + bomb).problems) < 5


def test_markup_in_a_link_does_not_reach_the_page() -> None:
    decoded = decode("1.<img src=x onerror=alert(1)>-1~loss-.3Cb.3E~[a](http)-1~end")

    assert len(decoded.problems) == 3
    assert not re.search(r"[<>\[\]`*$]", " ".join(decoded.problems))


def test_an_opened_link_trains_bit_for_bit_the_same_in_a_fresh_process() -> None:
    config = TrainConfig.model_validate(
        {"data": {"kind": "task", "seq_len": 8},
         "model": {"cell": "gru", "hidden_size": 5, "num_layers": 2, "dropout": 0.2},
         "clip": {"method": "norm", "threshold": 0.01}, "steps": 6, "batch_size": 4, "profile_every": 2, "seed": 3}
    )  # fmt: skip
    opened = decode(encode(config, True)).config
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "rnncore", "train", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    answers = [
        process.communicate(each.model_dump_json(), timeout=60)[0]
        for process, each in zip(processes, (config, opened), strict=True)
    ]
    records = [[json.loads(line) | {"elapsed_s": 0} for line in answer.splitlines()] for answer in answers]
    assert len(records[0]) == 6
    assert records[0] == records[1]
