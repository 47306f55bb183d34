"""Links of format 1, which nobody writes any more: they mean what they meant, and wrong ones are told in sentences."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.experiment.share import decode
from rnncore.config import TaskData, TrainConfig
from tests.support.links import CORPUS, meant

ID = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("link", "compare", "given"), CORPUS["1"]["links"], ids=[link[0][:60] for link in CORPUS["1"]["links"]]
)
def test_a_link_of_version_0_1_0_means_what_it_meant(link: str, compare: bool, given: dict[str, Any]) -> None:
    decoded = decode(link)
    assert (decoded.config, decoded.compare, decoded.problems) == (meant("1", given), compare, [])


def test_it_does_not_depend_on_the_defaults_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tomorrow(TrainConfig):
        steps: int = 77
        seed: int = 5

    monkeypatch.setattr("dashboard.experiment.link_repair.TrainConfig", Tomorrow)
    config = decode("1.seed-0~end").config
    assert (type(config), config.steps, config.seed) == (Tomorrow, 1000, 0)


@pytest.mark.parametrize(
    ("text", "kept", "problems"),
    [
        ("1.hidden-0~lr-0.01~end", "1.lr-0.01~end", ["model.hidden_size: '0' is not allowed; allowed: 1 to 2,048"]),
        ("1.steps-9~colour-red~end", "1.steps-9~end", ["There is no setting 'colour'."]),
        ("1.seed-1~seed-2~end", "1.seed-1~end", ["The setting 'seed' is there twice; the first one is used."]),
        ("1.seed-1~seed-2~seed-3~end", "1.seed-1~end", ["The setting 'seed' is there twice; the first one is used."]),
        ("1.seed-7~cell-lst", "1.seed-7~end", ["cut off at its end; its last part 'cell-lst' was left out."]),
        ("1.", "1.end", ["The link is cut off: nothing of it is left."]),
        ("1.cell-gru~nonlinearity-relu~end", "1.cell-gru~end", ["nonlinearity 'relu' is for the cells 'rnn', "]),
        ("1.omega-2~cell-gru~end", "1.cell-gru~end", ["omega 2.0 is defined for the cell 'rnn' only"]),
        ("1.task-parity~window-9~end", "1.task-parity~end", ["'window' does not belong to this kind of data."]),
        ("1.data-csv~window-9~seed-3~end", "1.seed-3~end", ["data: the kind 'csv' needs a value for 'file'; the def"]),
        ("1.data-upload~window-9~seed-3~end", "1.seed-3~end", ["data.files: a value is needed; the default data"]),
        ("1.data-moon~seed-3~end", "1.seed-3~end", ["data: 'moon' is not allowed; allowed: task, bundled"]),
        ("1.compare-perhaps~end", "1.end", ["compare: 'perhaps' is not allowed; allowed: yes or no."]),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_a_sentence_each_and_the_rest_is_kept(
    text: str, kept: str, problems: list[str]
) -> None:
    decoded, expected = decode(text), decode(kept)

    assert (decoded.config, decoded.compare) == (expected.config, expected.compare)
    assert len(decoded.problems) == len(problems) + len(expected.problems)
    for problem, words in zip(decoded.problems, problems, strict=True):
        assert words in problem


def test_a_compressed_link_that_is_cut_off_is_read_up_to_there() -> None:
    link = next(link for link, *_ in CORPUS["1"]["links"] if link.startswith("1z."))
    cut = decode(link[: len(link) // 2])
    assert cut.config.data.kind == "upload"
    assert "cut off" in cut.problems[0]


def test_a_path_of_this_machine_is_not_taken_out_of_a_link() -> None:
    decoded = decode("1.data-csv~file-.2Fetc.2Fpasswd~target-x~end")
    assert decoded.config.data == TaskData()
    assert decoded.problems[0] == "file: '.2Fetc.2Fpasswd' cannot be read."


def test_a_link_about_a_file_says_which_one_is_missing() -> None:
    text = "1.data-csv~file-ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8~target-temperature~end"

    assert decode(text, has_file=lambda file: file == ID).problems == []
    absent = decode(text, has_file=lambda file: False)
    assert absent.needs == (ID,)
    assert absent.problems == [
        "This link needs the file with the checksum sha256:01234567..., which this workspace has not got; upload it."
    ]


@settings(max_examples=60, deadline=None)
@given(st.from_regex(r"1z?\.([a-z_.]{1,9}-[A-Za-z0-9._-]{0,9}~){0,9}(end)?", fullmatch=True))
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
