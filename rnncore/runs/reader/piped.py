"""A process of this package that answers frames on its pipes: how it is started and ended, and whether it runs."""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import BinaryIO, cast

logger = logging.getLogger(__name__)


class PipedProcess:
    """`python -m MODULE`, in bounded memory. requests, replies: the ends of the pipes to it and from it."""

    def __init__(self, module: str, memory_mb: int, nice: int, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, f"--memory-mb={memory_mb}", f"--nice={nice}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | environment,
            start_new_session=sys.platform != "win32",  # Ctrl-C is for the server, which ends its processes itself
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self.requests = cast(BinaryIO, self._process.stdin)
        self.replies = cast(BinaryIO, self._process.stdout)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait(5.0)
        for stream in (self.requests, self.replies):
            try:
                stream.close()
            except OSError:
                logger.debug("the process had closed its pipe")
