"""Share links: what goes in comes out; whatever else comes in, a valid configuration and plain sentences come out."""

import base64
import json
import random
import re
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from dashboard.experiment import share
from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.setting_paths import DATA_MODELS, values
from dashboard.experiment.share import MAX_CHARS, VERSION, ShareError, decode, encode
from dashboard.lessons import LESSONS
from rnncore.changes import changed
from rnncore.config import BundledData, TaskData, TrainConfig, UploadData, UploadedFile
from rnncore.key_of import KeyOf
from tests.support.links import CORPUS, meant, saying, sealed

ID = "sha256:" + "0123456789abcdef" * 4
BROKEN = "The link is cut off or damaged, so nothing in it was used; ask for the whole link."
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
    if keys := next((rule for rule in info.metadata if isinstance(rule, KeyOf)), None):
        return st.sampled_from(keys._keys())
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
        return of_model(info.annotation)
    types = (get_origin(info.annotation) is not Literal and get_args(info.annotation)) or (info.annotation,)
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
    apart = {name: value for name, value in fields.items() if name not in ("init", "omega", "flossing", "optimizer")}
    plain = {name: fields["model"][name] for name in ("cell", "readout") if name in fields.get("model", {})}
    for each in (fields, apart | {"model": plain}):  # where they do not go together, those that always do
        with suppress(ValidationError):
            return TrainConfig.model_validate(each)
    return None


CONFIGS = of_model(TrainConfig).map(config_or_none).filter(lambda config: config is not None)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(config=CONFIGS, compare=st.booleans())
def test_any_configuration_comes_back_from_a_short_link_of_address_characters(
    config: TrainConfig, compare: bool
) -> None:
    text = encode(config, compare)

    assert len(text) <= MAX_CHARS
    assert re.fullmatch(r"2\.[A-Za-z0-9_-]*[A-Za-z0-9]", text)
    decoded = decode(text)
    assert (decoded.config, decoded.compare, decoded.problems) == (config, compare, [])


@pytest.mark.parametrize(("link", "compare", "given"), CORPUS["2"]["links"])
def test_a_link_once_given_away_means_what_it_meant(link: str, compare: bool, given: dict[str, Any]) -> None:
    decoded = decode(link)
    assert (decoded.config, decoded.compare, decoded.problems) == (meant("2", given), compare, [])


# Links of this format were given away before there was the setting; what is not its old meaning is said in new ones.
NOT_AS_LINKS_MEAN = {"scaling": "auto", "placeholders": "missing"}
# Settings that came later still, whose default is what links mean that do not know them.
NEWER = {"part": ""}


@pytest.mark.parametrize("scaling", ["auto", "standard", "per_series", "none"])
def test_a_link_says_how_an_upload_is_scaled_unless_it_is_as_before_there_was_a_choice(scaling: Any) -> None:
    data = UploadData(files=(UploadedFile(file=ID, name="a.csv"),), scaling=scaling)
    link = encode(TrainConfig(data=data), True)

    assert decode(link).config.data == data
    without = UploadData(files=data.files)
    assert (link == encode(TrainConfig(data=without.model_copy(update={"scaling": "standard"})), True)) == (
        scaling == "standard"
    )


def test_the_defaults_of_this_format_still_hold() -> None:
    """A link leaves defaults out.

    A new setting: add its default to the corpus of this version. A default that changes: raise VERSION, give `DEFAULTS`
    a table of the new ones beside the old, and begin a new corpus.
    """
    frozen = CORPUS[VERSION]
    assert TrainConfig().model_dump(mode="json", exclude={"data"}) == frozen["defaults"]
    for kind, model in DATA_MODELS.items():
        defaults = {name: info.default for name, info in model.model_fields.items() if not info.is_required()}
        assert defaults == frozen["data"][kind] | (NOT_AS_LINKS_MEAN | NEWER if kind == "upload" else {})


@pytest.mark.parametrize("version", CORPUS)
def test_links_are_read_with_the_defaults_of_their_format(version: str) -> None:
    """Only settings that are newer than the format may be missing in its table: they have the defaults of today."""
    table = share.DEFAULTS[version]
    for kind, own in CORPUS[version]["data"].items():
        assert table.data[kind] == {f"data.{name}": value for name, value in own.items()}
    known = {path: value for path, value in values(meant(version, {})) if not path.startswith("data.")}
    assert table.settings.items() <= known.items()


def test_a_changed_default_does_not_change_what_a_link_means(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tomorrow(TrainConfig):
        steps: int = 77

    monkeypatch.setattr("dashboard.experiment.link_repair.TrainConfig", Tomorrow)
    config = decode(saying(seed=3)).config
    assert (type(config), config.steps, config.seed) == (Tomorrow, 1000, 3)


def test_links_of_lessons_are_no_longer_than_those_of_format_1() -> None:
    old = {json.dumps([given, compare]): link for link, compare, given in CORPUS["1"]["links"]}
    lengths = []
    for config, compare in ((lesson.config, lesson.compare) for lesson in LESSONS.values()):
        given = json.dumps([config.model_dump(mode="json", exclude_defaults=True), compare])
        if given in old:  # those that there were then
            lengths.append((len(encode(config, compare)), len(old[given])))
    assert len(lengths) >= 17
    assert all(new <= before + 1 for new, before in lengths)
    assert sum(new for new, _ in lengths) < 0.9 * sum(before for _, before in lengths)


def test_a_hopelessly_long_link_is_refused_in_a_sentence() -> None:
    data = {"kind": "upload", "files": [{"file": ID, "name": "a.csv"}]}
    names = [str(random.Random(seed).getrandbits(200)) for seed in range(40)]
    for features in (names, ["x" * 25_000]):
        too_long = TrainConfig.model_validate({"data": data | {"features": features}})
        with pytest.raises(ShareError, match=r"do not fit into a link of 1,200 characters; share its config\.json"):
            encode(too_long, True)


def test_a_path_of_this_machine_is_never_put_into_a_link_nor_taken_out_of_one() -> None:
    config = TrainConfig(data=UploadData(files=(UploadedFile(file="/home/somebody/secret.csv"),)))
    with pytest.raises(ShareError, match="a link can only name a file that was uploaded"):
        encode(config, True)

    of_version_0_1 = {"kind": "csv", "file": "/etc/passwd", "target": "x"}
    files = ([{"file": "/etc/passwd"}], [{"file": ID}, {"file": "sha256:1"}], [{"file": ID.upper()}])
    for data in (of_version_0_1, *({"kind": "upload", "files": each} for each in files)):
        decoded = decode(saying(data=data, seed=3), has_file=lambda file: True)
        assert (decoded.config, decoded.needs) == (TrainConfig(seed=3), ())
        assert re.fullmatch(r"file: .+ is no uploaded file; the default data are used\.", decoded.problems[0])


def test_a_link_about_a_file_says_which_one_is_missing() -> None:
    text = encode(TrainConfig(data=UploadData(files=(UploadedFile(file=ID, name="a.csv"),))), True)

    assert decode(text, has_file=lambda file: file == ID).problems == []
    absent = decode(text, has_file=lambda file: False)
    assert absent.needs == (ID,)
    assert absent.config.data.kind == "upload"
    assert absent.problems == [
        "This link needs the file with the checksum sha256:01234567..., which this workspace has not got; upload it."
    ]


def test_a_link_carries_a_group_of_runs() -> None:
    clipped = TrainConfig.model_validate({"clip": {"method": "norm"}, "steps": 300})
    others = (
        changed(clipped, {"optimizer": {"learning_rate": 0.1}}),
        changed(clipped, {"data": {"kind": "bundled", "name": "co2"}, "model": {"cell": "lstm"}}),
        changed(clipped, {"data": {"kind": "upload", "files": [{"file": ID, "name": "a.csv"}]}}),
    )
    for compare in (False, True):
        read = decode(encode(clipped, compare, others), lambda file: True)
        assert (read.config, read.compare, read.others, read.problems) == (clipped, compare, others, [])
        assert read.needs == (ID,)
    assert "needs the file" in decode(encode(clipped, False, others), lambda file: False).problems[0]
    assert encode(clipped, True, ()) == encode(clipped, True)
    with pytest.raises(ShareError, match="uploaded"):
        encode(clipped, False, [changed(others[2], {"data": {"files": [{"file": "/home/me/a.csv", "name": ""}]}})])


@pytest.mark.parametrize(
    ("others", "kept", "problem"),
    [
        (7, 0, "What the link says of further runs was not understood."),
        ([{"seed": 1}, 3], 0, "What the link says of further runs was not understood."),
        ([{"seed": -1}, {"seed": 2}], 1, "Run 2 of the link was left out: seed: -1 is not allowed"),
        ([{"no such": {"field": 1}}], 0, "Run 2 of the link was left out: no such: there is no such field"),
        ([{"model": 5}], 0, "Run 2 of the link was left out: model: 5 is not allowed"),
        ([{"seed": seed} for seed in range(1, 9)], 5, "The link has 8 further runs; only the first 5 were read."),
    ],
)
def test_what_is_wrong_with_further_runs_is_said_and_the_rest_kept(others: Any, kept: int, problem: str) -> None:
    read = decode(saying(compare=False, seed=4, others=others))
    assert (read.config.seed, len(read.others)) == (4, kept)
    assert read.problems[0].startswith(problem)


def test_a_path_of_this_machine_in_a_further_run_is_not_used() -> None:
    path = {"data": {"kind": "upload", "files": [{"file": "/etc/passwd"}]}}
    read = decode(saying(compare=False, others=[path]))
    assert (read.others, read.needs) == ((), ())
    assert "is no uploaded file" in read.problems[0]


@pytest.mark.parametrize(
    ("said", "kept", "problems"),
    [
        ({"model": {"hidden_size": 0}, "seed": 3}, {"seed": 3}, ["model.hidden_size: 0 is not allowed; allowed: 1 to"]),
        ({"steps": 9, "colour": "red"}, {"steps": 9}, ["colour: there is no such field; colour was left out."]),
        ({"steps": 9, "model.cell": "gru"}, {"steps": 9}, ["There is no setting 'model.cell'."]),
        ({"model": {"units": 9}, "seed": 3}, {"seed": 3}, ["model.units: there is no such field; model.units was"]),
        ({"model": 5, "seed": 3}, {"seed": 3}, ["model: 5 is not allowed; allowed: an object with named fields"]),
        ({"model": {"cell": "gru", "nonlinearity": "relu"}}, {"model": {"cell": "gru"}}, ["'relu' is for the cell"]),
        ({"omega": 2, "model": {"cell": "gru"}}, {"model": {"cell": "gru"}}, ["omega 2.0 is defined for the cell"]),
        ({"data": {"task": "parity", "window": 9}}, {"data": {"task": "parity"}}, ["data.window: there is no such"]),
        ({"data": {"kind": "upload", "window": 9}, "seed": 3}, {"seed": 3}, ["data.files: a value is needed; the def"]),
        ({"data": {"kind": "moon"}, "seed": 3}, {"seed": 3}, ["; the default data are used."]),
        ({"data": {"kind": ["task"]}, "seed": 3}, {"seed": 3}, ["; the default data are used."]),
        ({"data": [], "seed": 3}, {"seed": 3}, ["data"]),
        ({"omega": float("nan")}, {}, ["omega: nan is not allowed; allowed: 0 to 100; omega was left out."]),
        ({"compare": "perhaps"}, {}, ["compare: 'perhaps' is not allowed; allowed: yes or no."]),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_a_sentence_each_and_the_rest_is_kept(
    said: dict[str, Any], kept: dict[str, Any], problems: list[str]
) -> None:
    decoded = decode(saying(**said))

    assert decoded.config == TrainConfig.model_validate(kept | {"data": {"kind": "task"} | kept.get("data", {})})
    assert len(decoded.problems) == len(problems)
    for problem, expected in zip(decoded.problems, problems, strict=True):
        assert expected in problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "The link does not begin as a link of this program does, so nothing in it was used."),
        ("", "The link does not begin as a link of this program does, so nothing in it was used."),
        ("3.abcd", "The link is of format 3, this program reads formats up to 2; nothing in it was used."),
        ("2.", BROKEN),
    ],
)
def test_what_is_no_link_of_ours_is_not_used(text: str, problem: str) -> None:
    assert decode(text) == share.Decoded(TrainConfig(), True, [problem])


def test_whatever_is_cut_off_or_changed_in_a_link_is_noticed() -> None:
    link = encode(DEFAULT, True)
    for place in range(2, len(link)):
        changed = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
        for broken in (link[:place], changed, link[:place] + link[place + 1 :]):
            found = decode(broken)
            assert found == share.Decoded(TrainConfig(), True, [BROKEN]) or found.config == DEFAULT, broken
        assert decode(link[:place]).problems == [BROKEN]


@pytest.mark.parametrize("end", [".", ")", "!", "&run=x", " and look", "\n"])
def test_what_a_message_puts_behind_a_link_is_no_part_of_it(end: str) -> None:
    assert decode(encode(DEFAULT, True) + end) == share.Decoded(DEFAULT, True, [])


@settings(max_examples=100, deadline=None)
@given(st.text() | st.from_regex(r"[12]\.[A-Za-z0-9_-]{0,90}", fullmatch=True))
def test_no_text_breaks_the_reader(text: str) -> None:
    decoded = decode(text)

    assert TrainConfig.model_validate_json(decoded.config.model_dump_json()) == decoded.config
    assert all(problem.isprintable() for problem in decoded.problems)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["gru", "upload", ID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMED = st.sampled_from(["kind", "files", "file", "task", "cell", "name", "window", "target", "threshold", "compare"])
SAID = st.dictionaries(
    st.sampled_from([*TrainConfig.model_fields, "compare", "colour"]),
    JSON | st.dictionaries(NAMED, JSON, max_size=4) | st.fixed_dictionaries({"files": st.lists(JSON, max_size=2)}),
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(SAID)
def test_no_settings_break_the_reader(said: dict[str, Any]) -> None:
    decoded = decode(saying(**said))

    assert TrainConfig.model_validate_json(decoded.config.model_dump_json()) == decoded.config
    assert all(problem.isprintable() for problem in decoded.problems)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 19_000,
        b'{"a":' * 3_000,
        b'{"seed":' + b"9" * 15_000 + b"}",
        b'{"omega":1e999}',
        b"{" + b",".join(b'"x%d":1' % number for number in range(2_000)) + b"}",
        b'{"data":{"kind":"upload","files":[' + b",".join([b"{}"] * 5_000) + b"]}}",
        b'{"seed":' + b" " * 10**7 + b"3}",
        b'{"loss":"\xff"}',
        b"[1]",
        b'{"loss":"\0\0"}',
        b"7",
        b"",
    ],
    ids=lambda content: content[:9].decode("latin-1"),
)
def test_a_hostile_link_is_little_work_and_few_words(content: bytes) -> None:
    begun = time.perf_counter()
    decoded = decode(sealed(content))

    assert time.perf_counter() - begun < 5
    assert decoded.config == TrainConfig()
    assert 1 <= len(decoded.problems) <= 21
    assert sum(map(len, decoded.problems)) < 9_000


def test_a_bomb_is_not_unpacked() -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = base64.urlsafe_b64encode(machine.compress(b" " * 2 * 10**6) + machine.flush()).decode()
    assert len(bomb) < 4_000
    assert decode(f"2.{bomb}0000").problems == [BROKEN]


def test_markup_in_a_link_does_not_reach_the_page() -> None:
    decoded = decode(saying(**{"<img src=x onerror=alert(1)>": 1, "loss": "<b>", "[a](http)": 1, "compare": "$x$"}))

    assert len(decoded.problems) == 4
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
