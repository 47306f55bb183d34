"""`python -m rnncore.runs.reader`: answers requests on its pipes, one after another, in bounded memory."""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from rnncore.data.dataset import DataError
from rnncore.runs.backend.frames import Frame, ProtocolError, read_frame, write_frame
from rnncore.runs.reader.jobs import JOBS, Files, Reply
from rnncore.runs.reader.wire import pack_arrays, split_files
from rnncore.runs.worker.confine import limit_memory, lower_priority, not_counted

logger = logging.getLogger("rnncore.runs.reader")

NO_MEMORY = "Reading this takes more memory than the server allows; upload a smaller file, or fewer of them."
FAILED = "This file cannot be read; the server's log says more."

Job = Callable[[dict[str, Any], Files], Reply]


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    jobs = {name: make() for name, make in JOBS.items()} | {"predict": _predict}
    write_frame(replies, {"type": "ready"})
    while (frame := read_frame(requests)) is not None:
        header, blob = _answer(jobs[frame.type], frame)
        write_frame(replies, header, blob)


def _predict(request: dict[str, Any], files: Files) -> Reply:
    """Apply a run's weights to a file; torch is loaded only here."""
    with not_counted():
        from rnncore.runs.reader.predicting import predict

    return predict(request, files)


def _answer(job: Job, frame: Frame) -> tuple[dict[str, Any], bytes]:
    """Return the reply to one request; whatever goes wrong becomes one sentence."""
    try:
        plain, arrays = job(frame.header, split_files(frame))
        shapes, blob = pack_arrays(arrays)
        return {"type": "done", "plain": plain, "arrays": shapes}, blob
    except DataError as error:
        return {"type": "refused", "sentence": str(error)}, b""
    except MemoryError:
        return {"type": "refused", "sentence": NO_MEMORY, "spent": True}, b""
    except Exception as error:
        if type(error).__module__.startswith("pyarrow") and "malloc" in str(error):
            return {"type": "refused", "sentence": NO_MEMORY, "spent": True}, b""
        logger.exception("a file could not be read")
        return {"type": "refused", "sentence": FAILED}, b""


def main() -> None:
    """Take the pipes, then serve. Whatever else prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    parser = argparse.ArgumentParser(description="Read uploaded files for a server; talks frames on its pipes.")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--memory-mb", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s reader %(process)d %(levelname)s %(message)s", stream=sys.stderr)
    lower_priority(options.nice)
    limit_memory(options.memory_mb or None)
    try:
        serve(os.fdopen(os.dup(0), "rb"), replies)
    except (OSError, ProtocolError):
        logger.debug("nobody listens any more")


main()
