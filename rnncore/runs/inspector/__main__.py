"""`python -m rnncore.runs.inspector`: reads instruments, one after another, in bounded memory; the home of torch."""

import argparse
import logging
import math
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

from rnncore.config import TrainConfig
from rnncore.data.dataset import DataError
from rnncore.errors import ConfigError
from rnncore.on_demand import EVERY
from rnncore.registry import PLUGINS, load_plugins
from rnncore.runs.backend.frames import Frame, ProtocolError, read_frame, write_frame
from rnncore.runs.backend.memory import speaks_of_memory
from rnncore.runs.reader.wire import split_files
from rnncore.runs.worker.confine import limit_memory, lower_priority
from rnncore.runs.worker.lean_torch import load_torch
from rnncore.runs.worker.main import TorchEngine

logger = logging.getLogger("rnncore.runs.inspector")

NO_MEMORY = "Reading this instrument takes more memory than the server allows for it."
FAILED = "This instrument could not be read; the server's log says more."
KEPT_RUNS = 3  # whose data and states are at hand

Tell = Callable[[float, str], None]  # the share that is done, and what is done, or ''


class Reader:
    """Reads instruments; the runs that were looked at last are kept, so that another step of them is near."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Any] = OrderedDict()

    def read(self, frame: Frame, tell: Tell) -> bytes:
        """Return `Reading.to_bytes` of what a request asks for. Raises DataError, ConfigError."""
        from rnncore.data import load_dataset
        from rnncore.engine.inspection import Inspection

        asked, files = frame.header, split_files(frame)
        (_, checkpoint), *uploads = files
        inspection = self._runs.pop(asked["run"], None)
        if inspection is None:
            config = TrainConfig.model_validate(asked["config"])
            data = load_dataset(config.data, dict(uploads).__getitem__, config.mistake)
            inspection = Inspection(config.model_copy(update={"device": "cpu"}), data)
        self._runs[asked["run"]] = inspection
        while len(self._runs) > KEPT_RUNS:
            self._runs.popitem(last=False)

        def share_of(share: float) -> None:
            tell(share, inspection.doing)

        inspection.change([(step, name, value) for step, name, value in asked["changes"]])
        if checkpoint:
            inspection.keep(TorchEngine().state(checkpoint))
        if asked["course"]:
            every = asked["chosen"].get(EVERY)
            seconds = asked["seconds"] or math.inf
            return bytes(inspection.follow(asked["instrument"], asked["step"], share_of, every, seconds).to_bytes())
        found = inspection.read(asked["instrument"], asked["step"], asked["chosen"], share_of)
        return bytes(found.to_bytes())


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more; each answer may have frames "progress" before it."""
    reader = Reader()

    def tell(share: float, doing: str) -> None:
        write_frame(replies, {"type": "progress", "share": share, "doing": doing})

    while (frame := read_frame(requests)) is not None:
        try:
            blob = reader.read(frame, tell)
        except (ConfigError, DataError) as error:
            write_frame(replies, {"type": "refused", "sentence": str(error)})
        except Exception as error:
            if isinstance(error, MemoryError) or speaks_of_memory(str(error)):
                write_frame(replies, {"type": "refused", "sentence": NO_MEMORY, "spent": True})
                continue
            logger.exception("an instrument could not be read")
            write_frame(replies, {"type": "refused", "sentence": FAILED})
        else:
            write_frame(replies, {"type": "done"}, blob)


def main() -> None:
    """Take the pipes, load torch, then serve. Whatever else prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    parser = argparse.ArgumentParser(description="Read instruments for a server; talks frames on its pipes.")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--memory-mb", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s inspector %(process)d %(levelname)s %(message)s", stream=sys.stderr)
    lower_priority(options.nice)
    try:
        load_plugins(os.environ.get(PLUGINS, ""))
        load_torch()
        write_frame(replies, {"type": "ready"})
        limit_memory(options.memory_mb or None)
        serve(os.fdopen(os.dup(0), "rb"), replies)
    except (OSError, ProtocolError):
        logger.debug("nobody listens any more")
    except ConfigError as error:  # a plugin that cannot be imported
        logger.error("this process ends: %s", error)


main()
