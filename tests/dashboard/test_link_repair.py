"""What is wrong with a link, told within bounds; and its text, packed, within bounds too."""

import base64
import binascii
import zlib

import pytest

from dashboard.experiment import share
from dashboard.experiment.link_defaults import FIRST
from dashboard.experiment.link_packing import MAX_BYTES, compact_json, pack, unpack
from dashboard.experiment.link_repair import Problems, _left_out, flag, quoted, valid_config
from dashboard.experiment.share import ShareError, decode, encode
from rnncore.config import BundledData, TrainConfig, UploadData, UploadedFile

ID = b"sha256:" + b"0123456789abcdef" * 4
OTHER = b"sha256:" + b"fe" * 32


def repaired(given: dict) -> tuple[TrainConfig, list[str]]:
    problems = Problems()
    return valid_config(given, FIRST, problems), problems.sentences()


@pytest.mark.parametrize(("count", "last"), [(19, "19."), (20, "20."), (21, "1 more part of the link was not "
    "understood."), (1254, "1,234 more parts of the link were not understood.")])  # fmt: skip
def test_at_most_twenty_problems_are_told_and_the_rest_counted(count: int, last: str) -> None:
    problems = Problems()
    for number in range(1, count + 1):
        problems.note(f"{number}.")
        problems.note(f"{min(number, 20)}.")
    assert problems.sentences()[-1] == last
    assert len(problems.sentences()) == min(count, 21)
    assert Problems().sentences() == []


def test_markup_and_what_cannot_be_printed_become_question_marks() -> None:
    problems = Problems()
    problems.note("a[b](c)<d>*e*`f`$g$!\\#|&\x07\u200b\U0001f600 \u00e4 ok")
    assert problems.noted == ["a?b?(c)?d??e??f??g????????? \u00e4 ok"]


@pytest.mark.parametrize(
    ("length", "text"), [(40, "'" + "x" * 40 + "'"), (41, "'" + "x" * 37 + "...'"), (1, "'x'"), (0, "''")]
)
def test_a_piece_of_a_link_is_quoted_short(length: int, text: str) -> None:
    assert quoted("x" * length) == text


def test_whether_twins_are_compared() -> None:
    problems = Problems()
    assert [flag(value, problems) for value in (True, False, 0, None)] == [True, False, True, True]
    assert problems.noted == [
        "compare: '0' is not allowed; allowed: yes or no.",
        "compare: 'None' is not allowed; allowed: yes or no.",
    ]


def test_a_link_of_120_settings_is_read_whole_and_of_more_the_first() -> None:
    many = {f"x{number}": 1 for number in range(119)} | {"seed": 7}
    assert repaired(many)[0].seed == 7
    config, problems = repaired({"y": 1} | many)
    assert config.seed == 0
    assert problems[0] == "The link has 121 settings; only the first 120 were read."
    assert sum("settings" in each for each in problems) == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "window was"),
        (2, "window, data1 were"),
        (3, "window, data1, data2 were"),
        (4, "window, data1, data2 and more were"),
    ],
)
def test_of_what_was_left_out_three_are_named(count: int, text: str) -> None:
    assert _left_out(["data.window", "data1", "data.data2", "model.cell"][:count]) == f"{text} left out"


def test_a_link_says_what_differs_and_nothing_else() -> None:
    assert encode(TrainConfig(seed=3), True) == "2." + pack(b'{"seed":3}')
    assert encode(TrainConfig(), False) == "2." + pack(b'{"compare":false}')
    bundled = TrainConfig(seed=3, data=BundledData(window=9))
    assert encode(bundled, True) == "2." + pack(b'{"data":{"kind":"bundled","window":9},"seed":3}')


@pytest.mark.parametrize(
    ("absent", "count"),
    [(0, 0), (1, 1), (3, 3), (4, 4), (13, 4)],
)
def test_of_missing_files_three_are_named_and_the_others_counted(absent: int, count: int) -> None:
    ids = [f"sha256:{number:02x}{0:062x}" for number in range(15)]
    link = encode(TrainConfig(data=UploadData(files=tuple(UploadedFile(file=each) for each in ids))), True)
    problems = decode(link, lambda file: file not in ids[:absent]).problems
    assert len(problems) == count
    if count == 4:
        more = "1 more file" if absent == 4 else f"{absent - 3} more files"
        assert problems[3] == f"It needs {more} that this workspace has not got."


@pytest.mark.parametrize(
    ("given", "kept", "problem"),
    [
        ({"model.hidden_size": 0, "steps": 5}, {"steps": 5},
         "model.hidden_size: 0 is not allowed; allowed: 1 to 2,048; model.hidden_size was left out."),
        ({"data.kind": "upload", "data.horizon": 3, "steps": 5}, {"steps": 5},
         "data.files: a value is needed; the default data are used."),
        ({"data.kind": "task", "data.task": "parity", "data.seq_len": -1}, {"data": {"kind": "task", "task": "parity"}},
         "data.seq_len: -1 is not allowed; allowed: 2 to 5,000; seq_len was left out."),
    ],
)  # fmt: skip
def test_what_is_left_out_is_named(given: dict, kept: dict, problem: str) -> None:
    config, problems = repaired(given)
    assert config == TrainConfig.model_validate(kept)
    assert problems == [problem]


@pytest.mark.parametrize(
    ("given", "kept", "left_out"),
    [
        ({"init.forget_bias": 1, "init.chrono": True, "model.cell": "lstm"},
         {"init": {"forget_bias": 1}, "model": {"cell": "lstm"}}, "init.chrono"),
        ({"optimizer.momentum": 0.9, "optimizer.name": "adamw"},
         {"optimizer": {"name": "adamw"}}, "optimizer.momentum"),
        ({"omega": 1.0, "model.cell": "lstm", "data.kind": "bundled", "data.window": 9, "data.horizon": 2},
         {"model": {"cell": "lstm"}, "data": {"kind": "bundled", "window": 9, "horizon": 2}}, "omega"),
        ({"data.kind": "upload", "data.files": [{"file": "x"}], "data.targets": [5], "data.window": 9},
         {"data": {"kind": "upload", "files": [{"file": "x"}], "window": 9, "scaling": "standard",
                   "placeholders": "numbers"}}, "targets"),
        ({"data.kind": "upload", "data.files": [{"file": "x"}, {"file": ""}], "data.window": 9, "steps": 7},
         {"steps": 7}, "the default data are used"),
    ],
)  # fmt: skip
def test_of_settings_that_do_not_fit_together_the_later_goes(given: dict, kept: dict, left_out: str) -> None:
    config, problems = repaired(given)
    assert config == TrainConfig.model_validate(kept)
    assert problems[-1].endswith((f"; {left_out} was left out.", f"; {left_out}."))


def test_long_names_and_values_in_a_link_are_told_short() -> None:
    for given in ({"x" * 999: 1}, {"model.cell": "x" * 999}, {f"data.{'y' * 999}": 1}, {f"data.{'y' * 300}": 1}):
        config, problems = repaired({"steps": 5} | given)
        assert config == TrainConfig(steps=5)
        assert len(problems) == 1
        assert len(problems[0]) < 370
        assert problems[0].endswith(" was left out.")
    assert repaired({"x" * 260: 1})[1] == [f"{'x' * 260}: there is no such field; {'x' * 20}…{'x' * 19} was left out."]
    told = repaired({"x" * 290: 1})[1][0]
    assert told == f"{'x' * 150}…{'x' * 125}: there is no such field; {'x' * 20}…{'x' * 19} was left out."


def test_a_dot_in_a_name_makes_no_other_group() -> None:
    assert repaired({"data.a.b": 1, "steps": 5}) == (
        TrainConfig(steps=5),
        ["data.a.b: there is no such field; a.b was left out."],
    )


def test_a_link_may_have_all_the_characters_that_are_allowed_and_not_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(seed=3)
    content, text = b'{"seed":3}', encode(config, True)
    for name, size in (("MAX_CHARS", len(text)), ("MAX_BYTES", len(content))):
        with monkeypatch.context() as patch:
            patch.setattr(share, name, size)
            assert encode(config, True) == text
            patch.setattr(share, name, size - 1)
            with pytest.raises(ShareError, match="do not fit into a link of "):
                encode(config, True)
    with pytest.raises(ShareError) as refused:
        encode(TrainConfig(data=UploadData(files=(UploadedFile(file="/home/me/x.csv"),))), True)
    assert str(refused.value) == (
        "This experiment reads a file of one machine; a link can only name a file that was uploaded."
    )


def test_a_text_says_what_went_in_without_padding() -> None:
    for number in range(300):
        assert unpack(pack(b"%d" % number)) == b"%d" % number
    for content in (b"", b"{}", b'{"f":"' + ID + b'"}', b"[" + ID + b"," + OTHER + b"]", b" " * MAX_BYTES):
        assert unpack(pack(content)) == content
        assert "=" not in pack(content)
    assert compact_json({"a": ["\u00e4", 1, None]}) == '{"a":["\u00e4",1,null]}'.encode()


def test_a_text_is_read_up_to_its_bound_and_not_beyond() -> None:
    assert unpack(pack(b" " * (MAX_BYTES + 1))) == b" " * (MAX_BYTES + 1)
    assert unpack(pack(b" " * (MAX_BYTES + 2))) is None
    assert MAX_BYTES == 20_000


def test_a_checksum_of_a_file_that_is_cut_or_too_much_is_noticed() -> None:
    text = pack(b'{"f":"' + ID + b'"}')
    raw = base64.urlsafe_b64decode(text[:-4] + "=" * (-len(text[:-4]) % 4))
    for wrong in (raw[:-1], raw + b"\0", raw[:-32]):
        again = base64.urlsafe_b64encode(wrong).decode().rstrip("=") + text[-4:]
        assert unpack(again) is None


def test_a_text_that_is_no_text_of_ours() -> None:
    assert unpack("") is None
    assert unpack("zzzz") is None
    assert unpack("!0000") is None
    assert unpack("A0000") is None, "base64 that cannot be"
    with pytest.raises(binascii.Error):
        base64.urlsafe_b64decode("A===")


def test_the_checksum_is_the_lower_half_of_a_crc32_in_four_digits() -> None:
    for number in range(300):
        content = b"%d" % number
        assert int(pack(content)[-4:], 16) == zlib.crc32(content) % 65536


@pytest.mark.parametrize(("length", "told"), [(4000, False), (4001, True)])
def test_a_link_is_read_up_to_its_bound(length: int, told: bool) -> None:
    problems = decode("2." + "x" * (length - 2)).problems
    assert ("The link has 4,001 characters; only the first 4,000 were read." in problems) is told
    assert len(problems) == 1 + told
