"""Small files that nobody would upload on purpose: good ones after damage, tables of odd cells, any bytes at all."""

from collections.abc import Callable
from random import Random

from tests.support.corpus import GOOD

NAMES = (
    "x.csv",
    "x.txt",
    "x.ts",
    "x.npz",
    "x.npy",
    "x.parquet",
    "x.arff",
    "x.xlsx",
    "x.zip",
    "x.gz",
    "x.json",
    "x",
    "",
)
SMALL = [data for good in GOOD for _, data in good.files[:1] if len(data) < 20_000]
PIECES = (
    b"", b"\n", b",", b";", b"\t", b'"', b"\0", b"nan", b"inf", b"1e308", b"-", b"\xff", b"\r", b"9" * 400, b"@data\n",
    b"#", b"2020-13-45", b"\xef\xbb\xbf", b"PK\x03\x04", b"," * 50, b"1,2\n" * 30, b":", b"?", b"'", b"\\", b"%",
    b"\x1f\x8b",
)  # fmt: skip
CELLS = ("", "1", "-2.5", "a", "b", "NA", "1,5", "2020-01-01", "inf", '"q', "=1+1", "1e999", "12:00", "1/2", "é", " ")


def _damaged(random: Random) -> bytes:
    data = random.choice(SMALL)
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(data))
        end = min(len(data), start + random.choice([0, 0, 1, 3, 50, 5_000]))
        data = data[:start] + random.choice([*PIECES, random.randbytes(random.randint(0, 8))]) + data[end:]
    return data


def _table(random: Random) -> bytes:
    delimiter = random.choice([",", ";", "\t", "|", " "])
    width = random.randint(1, 6)
    rows = [
        [random.choice(CELLS) for _ in range(width + (random.random() < 0.05))] for _ in range(random.randint(0, 40))
    ]
    return "\n".join(delimiter.join(row) for row in rows).encode()


def _any_bytes(random: Random) -> bytes:
    return random.randbytes(random.randint(0, 600))


def _any_text(random: Random) -> bytes:
    return "".join(
        chr(random.choice([random.randint(1, 127), random.randint(128, 0xD7FF)])) for _ in range(200)
    ).encode()


MAKERS: tuple[Callable[[Random], bytes], ...] = (_damaged, _damaged, _damaged, _table, _any_bytes, _any_text)


def damaged_file(number: int, seed: int) -> tuple[str, bytes]:
    """Return name and content of one of them; the same for the same numbers."""
    random = Random(f"{seed} {number}")
    return random.choice(NAMES), random.choice(MAKERS)(random)
