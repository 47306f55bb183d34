"""One reader process as the server sees it: a request goes in, an answer comes out, or the process is ended."""

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import psutil

from rnncore.data.dataset import DataError
from rnncore.data.findings import Arrays
from rnncore.runs.backend.frames import Frame, ProtocolError, read_frame, write_frame
from rnncore.runs.reader.piped import PipedProcess
from rnncore.runs.reader.wire import join_files, unpack_arrays
from rnncore.words import many

logger = logging.getLogger(__name__)

LARGE_BYTES = 400 * 2**20  # a reader that holds more after an answer is replaced: memory is seldom given back
WATCH_S = 0.1
START_S = 60.0
NO_READER = "The process that reads files could not be started; try again."
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "ARROW_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # Arrow's own one takes address space by the gigabyte, which is limited here
}


class ReaderProcess(PipedProcess):
    """A process that reads files. Not safe for threads: `ReaderPool` hands it to one at a time."""

    def __init__(self, memory_mb: int, nice: int) -> None:
        super().__init__("rnncore.runs.reader", memory_mb, nice, _ENVIRONMENT)
        self._memory = memory_mb * 2**20
        self._ready = False
        self.owner = ""  # whose files it has read last: a second look at them is cheap

    def ask(self, job: str, request: dict[str, Any], files: Sequence[tuple[str, bytes]], seconds: float) -> tuple[
        dict[str, Any], Arrays
    ]:  # fmt: skip
        """Return the answer to a request.

        Raises:
            DataError: the file is refused, or its reader took longer than `seconds`, or more memory than it may have.
        """
        sizes, blob = join_files(files)
        self._wait_until_ready()
        watch = _Watch(self._process, seconds, self._memory)
        try:
            write_frame(self.requests, {**request, "type": job, "files": sizes}, blob)
            frame = self._read()
        except (OSError, ProtocolError, EOFError):
            self.kill()
            raise DataError(watch.verdict(seconds)) from None
        finally:
            watch.end()
        if frame.header.get("spent"):  # what a failed attempt holds is seldom given back
            self.kill()
        if frame.type == "refused":
            raise DataError(frame.header["sentence"])
        return frame.header["plain"], unpack_arrays(frame.header["arrays"], frame.blob)

    def _wait_until_ready(self) -> None:
        """Wait for the process to start, which is not the file's fault. Raises DataError."""
        if self._ready:
            return
        watch = _Watch(self._process, START_S, self._memory)
        try:
            self._read()
            self._ready = True
        except (OSError, ProtocolError, EOFError):
            self.kill()
            raise DataError(NO_READER) from None
        finally:
            watch.end()

    def grown(self) -> bool:
        """Tell whether the process holds so much memory that it is better replaced."""
        try:
            return bool(psutil.Process(self._process.pid).memory_info().rss > LARGE_BYTES)
        except psutil.Error:
            return True

    def _read(self) -> Frame:
        frame = read_frame(self.replies)
        if frame is None:
            raise EOFError
        return frame


class _Watch:
    """Ends a process that takes too long, or, where the system sets no limit itself, too much memory."""

    def __init__(self, process: "subprocess.Popen[bytes]", seconds: float, memory: int) -> None:
        self._process, self._memory = process, memory
        self._over = threading.Event()
        self._cause = ""
        self._steps = max(1, round(seconds / WATCH_S))
        threading.Thread(target=self._watch, name="reader-watch", daemon=True).start()

    def end(self) -> None:
        """Stop watching."""
        self._over.set()

    def verdict(self, seconds: float) -> str:
        """Return why the process has ended, one sentence for the user."""
        if self._cause == "slow":
            return (
                f"Reading this took longer than {many(seconds, 'second')}, so it was given up; upload a smaller file."
            )
        if self._cause == "large" or self._process.poll() in (-9, -6, -11):
            return "Reading this takes more memory than the server allows; upload a smaller file, or fewer of them."
        return "The process that reads files has ended unexpectedly; try again."

    def _watch(self) -> None:
        limited = sys.platform == "linux"  # there the process's address space has a limit of its own
        for _ in range(self._steps):
            if self._over.wait(WATCH_S):
                return
            if not limited and self._takes_too_much():
                self._cause = "large"
                self._process.kill()
                return
        if not self._over.is_set():
            self._cause = "slow"
            self._process.kill()

    def _takes_too_much(self) -> bool:
        try:
            return bool(psutil.Process(self._process.pid).memory_info().rss > self._memory)
        except psutil.Error:
            return False
