"""Bytes of an uploaded file become UTF-8 text, or one sentence that says what the file is instead."""

import codecs
import re

from rnncore.data.dataset import DataError
from rnncore.data.files.refused import refused

_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0e-\x1b\x1c-\x1f\x7f]")
_PIECE = 1 << 20
_SAMPLE, _EVIDENCE = 1 << 16, 10  # bytes by which an encoding is recognised: in so many, at least so many that tell
_WORD = re.compile(rb"[\x40-\xff]+")  # no encoding of a character has a byte below (but for GB18030's rarest)
_HIGH, _RUN = re.compile(rb"[\x80-\xff]"), re.compile(rb"[\x81-\x9f\xa1-\xff]+")  # beyond ASCII; no euro, no hard space
_OTHER_SCRIPTS = ("cp949", "cp932", "euc_jp", "gb18030", "big5", "cp1251", "koi8_r", "cp1253")
_LATIN = ("cp1252", "cp1250")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def to_utf8(data: bytes, name: str) -> tuple[bytes, str]:
    """Return the text of a file as UTF-8 without a byte order mark, and the name of the encoding it was in.

    Raises:
        DataError: another kind of file, NUL bytes, or bytes that are text in no known encoding.
    """
    if kind := refused(data, name):
        raise DataError(f"'{name}' is {kind.kind}, not a text table; {kind.advice}.")
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _recode(data, name, encoding)
    if wide := _utf16_without_mark(data):
        return _recode(data, name, wide)
    if b"\0" in data:
        place = data.index(b"\0")
        line = data.count(b"\n", 0, place) + 1
        raise DataError(
            f"'{name}' holds a NUL byte in line {line:,} (byte {place:,}), so it is no text; export it again as CSV."
        )
    sample = data[:65536]
    if len(_CONTROL.findall(sample)) > 0.02 * len(sample):
        raise DataError(f"'{name}' is not a text file: it is full of control characters; export the data as CSV.")
    if _fits(data, "utf-8"):
        return data, "utf-8"
    return _recode(data, name, _other_script(data) or ("cp1252" if _fits(data, "cp1252") else "latin-1"))


def _recode(data: bytes, name: str, encoding: str) -> tuple[bytes, str]:
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"'{name}' cannot be read as {encoding.upper()} text: byte {error.start:,} is wrong; "
            "save it again with the encoding UTF-8."
        ) from None
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise DataError(f"'{name}' holds NUL characters, so it is no text file; export it again as CSV.")
    return text.encode("utf-8", "replace"), encoding


def _other_script(data: bytes) -> str | None:
    """Recognise the encodings of texts that are not Latin; None for a Latin one, and where that is not sure.

    Only a Latin text's letters beyond ASCII stand mostly alone, between others that are ASCII; and a few words do not
    tell one of the encodings of Latin texts from another.
    """
    first = _HIGH.search(data)
    words = _WORD.findall(data, first.start(), first.start() + _SAMPLE) if first else []
    words = [word for word in dict.fromkeys(words[:-1] or words) if not word.isascii()]  # the last one may be cut
    runs = [run for word in words for run in _RUN.findall(word)]
    total, together = sum(map(len, runs)), sum(len(run) for run in runs if len(run) > 1)
    if total < _EVIDENCE or together <= 0.6 * total:
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(b" ".join(words), cp_isolation=[*_OTHER_SCRIPTS, *_LATIN]).best()
    found = best.encoding if best else ""
    return found if found in _OTHER_SCRIPTS and _fits(data, found) else None


def _utf16_without_mark(data: bytes) -> str | None:
    """Recognise UTF-16 of mostly Western text by every second byte being NUL."""
    sample = data[:4096]
    if len(sample) < 4 or len(data) % 2:
        return None
    even, odd = sample[0::2], sample[1::2]
    if odd.count(0) > 0.9 * len(odd) and even.count(0) == 0:
        return "utf-16-le"
    if even.count(0) > 0.9 * len(even) and odd.count(0) == 0:
        return "utf-16-be"
    return None


def _fits(data: bytes, encoding: str) -> bool:
    """Whether the bytes can be decoded; piece by piece, because a string may take four bytes for one."""
    decoder = codecs.getincrementaldecoder(encoding)()
    view = memoryview(data)
    try:
        for start in range(0, len(data), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
