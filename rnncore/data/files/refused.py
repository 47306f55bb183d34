"""Kinds of files that hold no data to learn from here, by their first bytes or endings, and what to do instead."""

import re
from dataclasses import dataclass

_CSV = "save or export the data as CSV and upload that"
_SERIES = "turn it into numbers, such as one row for each moment, and upload those as CSV or NPZ"
_PLAIN = "save plain arrays with numpy.savez, or a table as CSV or Parquet"
_TRAINED = "upload the data that it was trained on"
_UNPACK = "unpack it and upload the files in it, or pack them as .zip"


@dataclass(frozen=True, slots=True)
class Refused:
    """A kind of file that is refused: what it is ('a PNG picture'), and what to do, the end of a sentence."""

    kind: str
    advice: str


_SIGNATURES: tuple[tuple[bytes, Refused], ...] = (
    (b"\x89PNG", Refused("a PNG picture", _SERIES)),
    (b"\xff\xd8\xff", Refused("a JPEG picture", _SERIES)),
    (b"GIF8", Refused("a GIF picture", _SERIES)),
    (b"BM", Refused("a bitmap picture", _SERIES)),
    (b"II*\0", Refused("a TIFF picture", _SERIES)),
    (b"MM\0*", Refused("a TIFF picture", _SERIES)),
    (b"RIFF", Refused("a media file", _SERIES)),
    (b"FORM", Refused("a sound file", _SERIES)),
    (b"fLaC", Refused("a sound file", _SERIES)),
    (b"ID3", Refused("a sound file", _SERIES)),
    (b"OggS", Refused("a sound file", _SERIES)),
    (b"MThd", Refused("a MIDI file", _SERIES)),
    (b"\x1aE\xdf\xa3", Refused("a video", _SERIES)),
    (b"%PDF", Refused("a PDF document", _CSV)),
    (b"{\\rtf", Refused("an RTF document", "save it as plain text and upload that")),
    (b"\xfd7zXZ", Refused("an xz archive", _UNPACK)),
    (b"7z\xbc\xaf", Refused("a 7-zip archive", _UNPACK)),
    (b"Rar!", Refused("a RAR archive", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", Refused("a Zstandard archive", _UNPACK)),
    (b"FEA1", Refused("a Feather file of version 1", "write it again as Feather version 2 or Parquet")),
    (b"SQLite format 3", Refused("an SQLite database", "export a table of it as CSV and upload that")),
    (b"\x7fELF", Refused("a program", "upload a file of data")),
    (b"MZ", Refused("a program", "upload a file of data")),
    (b"$FL2", Refused("an SPSS file", _CSV)),
    (b"<stata_dta>", Refused("a Stata file", _CSV)),
    (b"RDX2", Refused("a file of R", _CSV)),
    (b"RDX3", Refused("a file of R", _CSV)),
    (b"CDF\x01", Refused("a NetCDF file", _CSV)),
    (b"CDF\x02", Refused("a NetCDF file", _CSV)),
    (b"Obj\x01", Refused("an Avro file", "save the data as Parquet or CSV and upload that")),
    (b"ORC", Refused("an ORC file", "save the data as Parquet or CSV and upload that")),
)
_ENDINGS: tuple[tuple[str, Refused], ...] = (
    (r"pkl|pickle|p|joblib|dill", Refused("a pickle, which is never opened because it can run programs", _PLAIN)),
    (r"pt|pth|ckpt", Refused("a PyTorch file, which is never opened because it can run programs", _PLAIN)),
    (r"keras|onnx|tflite|safetensors|gguf|pb", Refused("a model", _TRAINED)),
    (r"rds|rda|rdata", Refused("a file of R", _CSV)),
    (r"mp3|wav|flac|m4a|aac|ogg|wma", Refused("a sound file", _SERIES)),
    (r"mp4|avi|mov|mkv|webm", Refused("a video", _SERIES)),
    (r"tar|tgz|tbz2?", Refused("a tar archive", _UNPACK)),
    (r"sas7bdat|xpt", Refused("a SAS file", _CSV)),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_MARKUP = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<svg)", re.IGNORECASE)
_BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")
_VIDEO, _MP3 = re.compile(rb"\0\0\0.ftyp", re.DOTALL), re.compile(rb"\xff[\xfb\xf3\xf2]")


def refused(data: bytes, name: str = "") -> Refused | None:
    """Return the kind of file that `data` begins like, or that its name says it is; None where it may be data."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature) and not (len(signature) <= 4 and _is_plain_ascii(data[:512])):
            return kind
    if _BZIP2.match(data):
        return Refused("a bzip2 archive", _UNPACK)
    if data[257:262] == b"ustar":
        return Refused("a tar archive", _UNPACK)
    if _VIDEO.match(data):
        return Refused("a video", _SERIES)
    if _MP3.match(data) and name.lower().endswith(".mp3"):
        return Refused("a sound file", _SERIES)
    if _MARKUP.match(data[:200]):
        return Refused("a web page or XML file", _CSV)
    if _PICKLE.match(data) and data.rstrip(b"\n")[-1:] == b".":
        return _ENDINGS[0][1]
    if _is_plain_ascii(data[:512]) and b"\0" not in data[:512]:
        return None  # whatever it is called, it can be read
    for endings, kind in _ENDINGS:
        if re.search(rf"\.({endings})$", name, re.I):
            return kind
    return None


def _is_plain_ascii(head: bytes) -> bool:
    """Whether a file that begins with letters of a signature goes on like text."""
    return all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
