"""Archives become the files in them; how much they unpack to is bounded before and while they are unpacked."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_BYTES, MAX_MEMBERS, MAX_RATIO, MAX_UNPACKED_BYTES
from rnncore.words import shorten

_LEAST, _PIECE = 1 << 10, 1 << 20  # bytes that are unpacked at once
_SMALL = 1_000_000  # bytes that may be packed at any ratio
_ENCRYPTED = 0x1
_HIDDEN = re.compile(r"(^|/)(__MACOSX/|\.|thumbs\.db$|desktop\.ini$)", re.I)
_BESIDE = re.compile(  # what lies beside the data in many archives
    r"(^|/)((read_?me|licen[cs]e|copying|changelog|description|about|"
    r"citation|sources?)(\.(txt|md|rst|html?|pdf))?$)|\.(pdf|docx?|png|jpe?g|gif|svg|html?|py|ipynb|m|r)$",
    re.I,
)


def zip_members(data: bytes, name: str) -> list[str]:
    """Return the names of the files in a ZIP archive.

    Raises:
        DataError: damaged, or too many files.
    """
    with _opened(data, name) as archive:
        return [entry.filename for entry in archive.infolist() if not entry.is_dir()]


def unzip(data: bytes, name: str, most: int = MAX_BYTES) -> list[tuple[str, bytes]]:
    """Return name and bytes of each file in a ZIP archive, without those that are no data (read-me, pictures).

    most: bytes that all of them together may unpack to.

    Raises:
        DataError: damaged, encrypted, no data in it, names that lead out of the archive, or too much in it.
    """
    with _opened(data, name) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        for entry in entries:
            _check_name(entry.filename, name)
        entries = [entry for entry in entries if not _HIDDEN.search(entry.filename)]
        chosen = [entry for entry in entries if not _BESIDE.search(entry.filename)] or entries
        if not chosen:
            raise DataError(f"'{name}' is a ZIP archive without a file of data in it.")
        return list(_unpacked(archive, chosen, name, len(data), most))


def stored_again(data: bytes, name: str) -> tuple[bytes, dict[str, bytes]]:
    """Return a ZIP archive with the same files, not compressed, and these: for a reader that unpacks unbounded.

    Raises:
        DataError: as `unzip`.
    """
    with _opened(data, name) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        files = dict(_unpacked(archive, entries, name, len(data), MAX_UNPACKED_BYTES))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as again:
        for member, content in files.items():
            again.writestr(member, content)
    return out.getvalue(), files


def gunzip(data: bytes, name: str) -> list[tuple[str, bytes]]:
    """Return name and bytes of the one file in a gzip archive.

    Raises:
        DataError: damaged, or too much in it.
    """
    parts, size, place = [], 0, 0
    allowed = min(MAX_BYTES, max(_SMALL, MAX_RATIO * len(data)))
    try:
        while data.startswith(b"\x1f\x8b", place):  # archives may stand one behind the other, by the hundred thousand
            unpacker, given = zlib.decompressobj(wbits=31), _LEAST
            while not unpacker.eof:
                packed = data[place : place + given]
                piece = unpacker.decompress(packed, _PIECE)
                taken = len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
                if not taken and not piece:
                    raise DataError(f"'{name}' is a gzip archive that ends too early; download or pack it again.")
                parts.append(piece)
                size += len(piece)
                if size > allowed:
                    raise _too_much(name, None, len(data), MAX_BYTES)
                place, given = place + taken, min(_PIECE, 2 * given)
    except zlib.error as error:
        raise DataError(f"'{name}' is a damaged gzip archive ({_first_line(error)}); pack it again.") from None
    inner = re.sub(r"\.(gz|gzip)$", "", name, flags=re.I)
    return [(inner[:-4] + ".tar" if inner.lower().endswith(".tgz") else inner, b"".join(parts))]


def _opened(data: bytes, name: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:  # anything can be wrong in a damaged archive
        raise DataError(
            f"'{name}' begins like a ZIP archive or an Excel workbook, but is damaged ({_first_line(error)})."
        ) from None
    if (count := len(archive.infolist())) > MAX_MEMBERS:
        raise DataError(f"'{name}' holds {count:,} files; at most {MAX_MEMBERS:,} can be read.")
    return archive


def _check_name(member: str, name: str) -> None:
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in member or "\0" in member or len(member) > 500:
        raise DataError(
            f"'{name}' holds a file called '{shorten(member, 60)}', which leads out of the archive; pack it again."
        )


def _unpacked(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str, packed: int, most: int
) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of files, once what the archive says of their sizes is within bounds."""
    total = sum(entry.file_size for entry in entries)
    if total > most or total > max(_SMALL, MAX_RATIO * packed):
        raise _too_much(name, total, packed, most)
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise DataError(f"'{name}' needs a password; save it without one.")
    for entry in entries:
        try:
            with archive.open(entry) as stream:  # which gives no more than the size that was checked
                content = stream.read(entry.file_size + 1)
        except Exception as error:
            raise DataError(
                f"'{shorten(entry.filename, 60)}' in '{name}' is damaged ({_first_line(error)}); pack the data again."
            ) from None
        yield entry.filename, content


def _too_much(name: str, total: int | None, packed: int, most: int) -> DataError:
    size = (
        f"{total / 1e6:,.0f} MB"
        if total is not None
        else f"more than {min(most, max(_SMALL, 100 * packed)) / 1e6:,.0f} MB"
    )
    return DataError(
        f"'{name}' unpacks to {size}; at most {most / 1e6:.0f} MB, and {MAX_RATIO} times its own size, can be read."
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
