"""A worker process as the scheduler sees it: frames in, frames out, and how it died."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BufferedReader
from queue import SimpleQueue
from typing import Any, BinaryIO, cast

from rnncore.runs.backend.frames import Frame, ProtocolError, read_frame, write_frame
from rnncore.runs.backend.memory import EXIT_CODE, speaks_of_memory
from rnncore.runs.machine import count_oom_kills

logger = logging.getLogger(__name__)

LAST_WORDS = 8192  # bytes
WORKER_COMMAND = (sys.executable, "-m", "rnncore.runs.worker")
# One thread per worker: OpenMP threads of several busy workers spin and slow each other down a hundredfold.
# Arrow's own memory pool takes address space by the gigabyte, which is limited there.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


class WorkerProcess:
    """Starts a worker; calls `deliver(self, frame)` from a thread of its own, with None once the worker has gone."""

    def __init__(
        self,
        command: Sequence[str],
        deliver: Callable[["WorkerProcess", Frame | None], None],
        environment: Mapping[str, str],
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT, **environment},
            # Out of the terminal's process group: Ctrl-C is for the server, which ends its workers itself.
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self.pid = self._process.pid
        self.started = time.monotonic()
        self.ready = False
        self.run: str | None = None  # what it executes
        self.aborted = False  # told to end by a signal
        self._last_words = b""
        self._deliver = deliver
        self._outgoing: SimpleQueue[tuple[Mapping[str, Any], bytes] | None] = SimpleQueue()
        self._oom_kills = count_oom_kills()
        self._listening = threading.Thread(target=self._listen, name=f"worker-{self.pid}-words", daemon=True)
        self._listening.start()
        for target in (self._receive, self._send):
            threading.Thread(target=target, name=f"worker-{self.pid}", daemon=True).start()

    def take(self, run: str) -> None:
        """Note that the worker executes a run from now on."""
        self.run, self._last_words = run, b""

    def send(self, header: Mapping[str, Any], blob: bytes = b"") -> None:
        """Send a frame; returns at once."""
        self._outgoing.put((header, blob))

    def close(self) -> None:
        """Close the worker's input, upon which it ends."""
        self._outgoing.put(None)

    def terminate(self) -> None:
        """Ask the system to end the process (SIGTERM)."""
        self._process.terminate()

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        self._process.kill()

    def wait(self, timeout: float) -> int | None:
        """Return the exit code, None if the process still runs after `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def cause_of_death(self) -> str:
        """Say in words how the process ended, as the end of a sentence."""
        code = self.wait(1.0)
        if code is None:
            self.kill()
            return "closed its connection"
        if code == -9 and count_oom_kills() > self._oom_kills:
            return "was killed by the system: the machine ran out of memory"
        if code < 0:
            return f"was killed by signal {signal.Signals(-code).name}"
        return f"ended unexpectedly with exit code {code}"

    def exceeded_its_memory(self) -> bool:
        """Tell whether the process, which has ended, did so because it may not use more memory.

        What kills it from outside (SIGKILL, SIGTERM) is never that, whatever it said before.
        """
        self._listening.join(1.0)
        code = self.wait(0.0)
        if code == EXIT_CODE:
            return True
        return code not in (None, 0, -9, -15) and speaks_of_memory(self._last_words.decode("utf-8", "replace"))

    def _listen(self) -> None:
        """Pass on what the worker says beside its frames, to the log, and remember the end of it."""
        stream = cast(BufferedReader, self._process.stderr)
        while words := stream.read1(LAST_WORDS):
            self._last_words = (self._last_words + words)[-LAST_WORDS:]
            with suppress(OSError):
                os.write(2, words)
        stream.close()

    def _receive(self) -> None:
        stream = cast(BinaryIO, self._process.stdout)
        try:
            while (frame := read_frame(stream)) is not None:
                self._deliver(self, frame)
        except (OSError, ProtocolError) as error:
            logger.warning("worker %d: %s", self.pid, error)
        stream.close()
        self._outgoing.put(None)
        self._deliver(self, None)

    def _send(self) -> None:
        stream = cast(BinaryIO, self._process.stdin)
        try:
            while (item := self._outgoing.get()) is not None:
                write_frame(stream, *item)
        except (OSError, ProtocolError) as error:
            logger.warning("worker %d: %s", self.pid, error)
        try:
            stream.close()
        except OSError:
            logger.debug("worker %d had closed its input", self.pid)
