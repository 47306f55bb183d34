"""The readers that all parts of a server share; opened when the first file is to be read."""

import threading

from rnncore.runs.reader.pool import ReaderPool
from rnncore.runs.settings import Settings

_readers: ReaderPool | None = None
_lock = threading.Lock()


def readers(settings: Settings | None = None) -> ReaderPool:
    """Return this process's readers. settings: for their first use, by default those of the environment."""
    global _readers
    with _lock:
        if _readers is None:
            limits = settings or Settings.from_env()
            _readers = ReaderPool(limits.readers, limits.reader_seconds, limits.reader_memory_mb, limits.worker_nice)
        return _readers


def close_readers() -> None:
    """End the readers."""
    global _readers
    with _lock:
        if _readers is not None:
            _readers.close()
            _readers = None
