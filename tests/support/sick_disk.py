"""A disk on which one write or flush of SQLite fails: a layer (VFS) between SQLite and the files of the store.

As SQLite's own tests of I/O errors do it. Only where Python's sqlite3 uses a shared library that ctypes can reach.
"""

import ctypes
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_POINTER = ctypes.c_void_p
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, ctypes.c_int, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int64)
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, _POINTER, ctypes.c_int, _POINTER)
_WORD = ctypes.sizeof(_POINTER)


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = [
        ("version", ctypes.c_int), ("close", _POINTER), ("read", _POINTER), ("write", _POINTER), ("truncate", _POINTER),
        ("sync", _POINTER), ("rest", _POINTER * 13),
    ]  # fmt: skip


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = [
        ("version", ctypes.c_int), ("file_size", ctypes.c_int), ("max_path", ctypes.c_int), ("next", _POINTER),
        ("name", ctypes.c_char_p), ("data", _POINTER), ("open", _POINTER), ("rest", _POINTER * 15),
    ]  # fmt: skip


class SickDisk:
    """Counts what SQLite writes and flushes by kind ('wal write', 'database sync' ...); lets one of it fail.

    at: kind and number, from 1, of what fails, once. code: with which error. half: write the first half before.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.at: tuple[str, int] | None = None
        self.code, self.half = 0, False
        self.failed = False
        self._kept: list[Any] = []  # what SQLite has pointers to
        self._patched: dict[tuple[int, str], _Methods] = {}

    def fails(self, kind: str) -> bool:
        """Count one; tell whether it is the one that is to fail."""
        self.counts[kind] += 1
        if self.at != (kind, self.counts[kind]):
            return False
        self.failed = True
        return True

    def begin(self, at: tuple[str, int] | None = None, code: int = 0, half: bool = False) -> None:
        """Count anew."""
        self.counts.clear()
        self.at, self.code, self.half, self.failed = at, code, half, False

    def layer_over(self, original: _Vfs, address: int) -> _Vfs:
        """Return a layer that opens files as the original one does."""
        open_file = _OPEN(original.open)
        layer = _Vfs.from_buffer_copy(original)
        layer.name = b"sick"

        def opens(_: int, path: int | None, file: int, flags: int, out: int) -> int:
            code = open_file(address, path, file, flags, out)
            name = ctypes.string_at(path) if path else b""
            if code == 0 and b"runs.sqlite" in name:
                place = _POINTER.from_address(file)
                what = "wal" if name.endswith(b"-wal") else "database"
                place.value = ctypes.addressof(self._methods(place.value or 0, what))
            return code

        callback = _OPEN(opens)
        layer.open = ctypes.cast(callback, _POINTER)
        self._kept += [callback, layer, open_file]
        return layer

    def _methods(self, address: int, what: str) -> _Methods:
        if (address, what) not in self._patched:
            methods = _Methods.from_buffer_copy(_Methods.from_address(address))
            write, sync, truncate = _WRITE(methods.write), _SYNC(methods.sync), _TRUNCATE(methods.truncate)

            def writes(file: int, data: int, size: int, offset: int) -> int:
                if not self.fails(f"{what} write"):
                    return write(file, data, size, offset)
                if self.half:
                    write(file, data, size // 2, offset)
                return self.code

            def syncs(file: int, flags: int) -> int:
                return self.code if self.fails(f"{what} sync") else sync(file, flags)

            def truncates(file: int, size: int) -> int:
                return self.code if self.fails(f"{what} truncate") else truncate(file, size)

            callbacks = _WRITE(writes), _SYNC(syncs), _TRUNCATE(truncates)
            methods.write, methods.sync, methods.truncate = (ctypes.cast(each, _POINTER) for each in callbacks)
            self._kept += [*callbacks, write, sync, truncate]
            self._patched[address, what] = methods
        return self._patched[address, what]


def library() -> Any:
    """Return the SQLite that Python's sqlite3 uses; None where it cannot be reached."""
    try:
        found = ctypes.CDLL("libsqlite3.so.0")
    except OSError:
        return None
    found.sqlite3_libversion.restype = ctypes.c_char_p
    found.sqlite3_vfs_find.restype = _POINTER
    same = found.sqlite3_libversion().decode() == sqlite3.sqlite_version
    return found if same and "libsqlite3" in Path("/proc/self/maps").read_text() else None


@contextmanager
def sick_disk() -> Iterator[SickDisk]:
    """Let every store that is opened meanwhile lie on such a disk."""
    sqlite = library()
    address = sqlite.sqlite3_vfs_find(None)
    disk = SickDisk()
    layer = disk.layer_over(_Vfs.from_address(address), address)
    sqlite.sqlite3_vfs_register(ctypes.byref(layer), 1)
    try:
        yield disk
    finally:
        sqlite.sqlite3_vfs_register(_POINTER(address), 1)
        sqlite.sqlite3_vfs_unregister(ctypes.byref(layer))
