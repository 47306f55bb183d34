"""Text files in the encodings of all scripts give back their words; what is not sure is read as Western text."""

import random
import re
import time

import pytest

from rnncore.data.files import decode
from rnncore.data.files.csv import read_csv
from rnncore.data.files.decode import to_utf8
from tests.support.server import ROOT

WORDS = {
    "cp949": ("날짜", "도시", ("서울", "부산", "대구광역시")),
    "cp932": ("日付", "都市", ("東京", "大阪", "とうきょう", "カナ")),
    "euc_jp": ("日付", "都市", ("東京", "大阪", "とうきょう")),
    "gb18030": ("日期", "城市", ("北京", "上海", "广州市")),
    "big5": ("日期", "城市", ("臺北", "高雄")),
    "cp1251": ("дата", "город", ("Москва", "Казань", "Санкт-Петербург")),
    "koi8_r": ("дата", "город", ("Москва", "Казань", "Санкт-Петербург")),
    "cp1253": ("ημέρα", "πόλη", ("Αθήνα", "Πάτρα", "Θεσσαλονίκη")),
}


def table(day: str, place: str, words: tuple[str, ...], rows: int = 60) -> str:
    return f"{day},{place}\n" + "".join(f"{row},{words[row % len(words)]}\n" for row in range(rows))


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("ascii_above", [0, 30_000])
def test_words_of_other_scripts(encoding: str, ascii_above: int) -> None:
    text = table(*WORDS[encoding])
    comment = "# nothing but ASCII here\n" * (ascii_above // 25)
    assert to_utf8((comment + text).encode(encoding), "x.csv") == ((comment + text).encode(), encoding)

    read = read_csv(text.encode(encoding), "x.csv")
    assert read.names == WORDS[encoding][:2]
    assert read.columns[1].categories == tuple(sorted(WORDS[encoding][2]))
    assert read.notes[-1] == f"The file was read as {encoding}."


def test_the_documentation_names_these_encodings() -> None:
    paragraph = (ROOT / "docs" / "data.md").read_text("utf-8").partition("**Encodings**")[2].partition("\n\n")[0]
    assert set(re.findall("`(.+?)`", paragraph)) == {*WORDS, "cp1252", "latin-1"}
    assert set(decode._OTHER_SCRIPTS) == set(WORDS)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Łódź,1\nŻyć,2\n", "cp1250"), ("İstanbul,1\n", "cp1254"), ("שלום,1\n" * 9, "cp1255"), ("سلام,1\n" * 9, "cp1256"),
     ("สวัสดี,1\n" * 9, "tis-620")],
)  # fmt: skip
def test_encodings_that_are_not_recognised_are_read_as_western_text(text: str, encoding: str) -> None:
    assert to_utf8(text.encode(encoding), "x.csv")[1] in ("cp1252", "latin-1")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_characters(encoding: str) -> None:
    text = "day,value\n" + "1,Ä\n" * 20
    assert to_utf8(text.encode(encoding), "x.csv") == (text.encode(), encoding)


@pytest.mark.parametrize(
    "text",
    [
        table("day", "Temperatur (°C)", ("1", "2")),
        table("Tag", "Größe", ("Müller", "Österreich", "schön", "Fuß")),
        table("jour", "température", ("déjà", "forêt", "garçon", "créée", "«été»")),
        table("día", "señal", ("niño", "corazón", "pingüino", "ocho")),
        table("day", "town", ("a", "b", "c", "Köln")),
        table("day", "value", ("5\xa0°C", "1\xa0200\xa0€", "“a”…", "3\xa0µg/m³")),
        "äöü\n" + "1\n" * 50,
        "ÄÖÜ,ÉÈÀ,ß\n" * 30,
    ],
)
def test_western_texts(text: str) -> None:
    assert to_utf8(text.encode("cp1252"), "x.csv") == (text.encode(), "cp1252")


def test_a_fault_far_below_is_no_fault_of_the_reader() -> None:
    """The encoding found in the first words does not fit the whole file: it is read as Western text, as it was."""
    data = table(*WORDS["cp932"]).encode("cp932") + b"9,\x81\n" * 5
    assert to_utf8(data, "x.csv")[1] == "latin-1"


@pytest.mark.parametrize("size", [1 << 12, 1 << 22])
@pytest.mark.parametrize("lowest", [32, 128])
def test_any_bytes_take_little_time(size: int, lowest: int) -> None:
    data = bytes(random.Random(1).choices([*range(lowest, 256), 10], k=size))
    begun = time.perf_counter()
    assert to_utf8(data, "x.csv")[0].decode()
    assert time.perf_counter() - begun < 3
