"""The process that reads instruments as the server sees it: a request goes in, and an answer comes out in time."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from rnncore.data.dataset import DataError
from rnncore.runs.backend.frames import Frame, ProtocolError, read_frame, write_frame
from rnncore.runs.reader.piped import PipedProcess
from rnncore.runs.reader.wire import join_files

logger = logging.getLogger(__name__)

START_S = 90.0
NO_PROCESS = "The process that reads instruments could not be started; try again."
ENDED = "The process that reads instruments has ended unexpectedly; try again."


class InspectorProcess(PipedProcess):
    """A process that reads instruments. Not safe for threads: `Desk` has one thread that uses it."""

    def __init__(self, memory_mb: int, nice: int) -> None:
        super().__init__("rnncore.runs.inspector", memory_mb, nice, {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"})
        self._ready = False

    def ask(
        self,
        request: dict[str, Any],
        files: Sequence[tuple[str, bytes]],
        seconds: float,
        tell: Callable[[float, str], None],
    ) -> bytes:
        """Return the reading as bytes. tell: takes the share that is done, and what is done now, or ''.

        Raises DataError where it is refused, or takes longer than `seconds`, which ends the process.
        """
        late = threading.Event()
        if not self._ready:
            with _deadline(self, START_S, late):
                self._next(NO_PROCESS)
            self._ready = True
        sizes, blob = join_files(files)
        with _deadline(self, seconds, late):
            try:
                write_frame(self.requests, {**request, "type": "read", "files": sizes}, blob)
            except OSError:
                raise DataError(ENDED) from None
            while True:
                try:
                    frame = self._next(ENDED)
                except DataError:
                    if late.is_set():
                        raise DataError(
                            f"Reading this instrument took longer than {seconds:.0f} seconds, so it was given up; "
                            "an earlier step, or a smaller network, takes less."
                        ) from None
                    raise
                if frame.type == "progress":
                    tell(float(frame.header["share"]), str(frame.header["doing"]))
                    continue
                if frame.header.get("spent"):  # what a failed attempt holds is seldom given back
                    self.kill()
                if frame.type == "refused":
                    raise DataError(frame.header["sentence"])
                return frame.blob

    def _next(self, problem: str) -> Frame:
        try:
            frame = read_frame(self.replies)
        except (OSError, ProtocolError, ValueError):
            frame = None
        if frame is None:
            raise DataError(problem)
        return frame


class _deadline:  # noqa: N801 - used like a function
    """Ends a process that is not done in time, and notes that it was late."""

    def __init__(self, process: InspectorProcess, seconds: float, late: threading.Event) -> None:
        def end() -> None:
            late.set()
            process._process.kill()

        self._timer = threading.Timer(seconds, end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
