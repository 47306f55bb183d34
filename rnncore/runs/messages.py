"""What each message of an execution engine does to the run that it is about."""

import logging
import time
from collections.abc import Callable

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.protocol import Lost, Message
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.limits import LimitError, check_parameters

logger = logging.getLogger(__name__)


def receive(lifecycle: Lifecycle, message: Message) -> None:
    """Take a message in, inside of a transaction; messages about runs that do not execute are dropped."""
    if not isinstance(message, Frame | Lost):
        return
    run = lifecycle.runs.get(message.run)
    if run is None or not run.executing:
        return
    if isinstance(message, Frame):
        RECEIVERS[message.type](lifecycle, run, message)
    else:
        lifecycle.end(run, run.ending or Ending("killed", f"{message.cause}, after step {{step}}."))


def _info(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    info = frame.header["info"]
    lifecycle.store.set_info(run.id, info)
    try:
        check_parameters(info["parameter_count"], lifecycle.settings)
    except LimitError as error:
        lifecycle.ask_to_end(run, Ending("failed", str(error)))


def _records(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    if run.recorder is not None:
        run.recorder.add(frame)
        run.step = run.recorder.step


def _event(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    if run.recorder is not None:
        run.recorder.add_event(frame)


def _checkpoint(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    if run.recorder is not None:
        run.recorder.add_checkpoint(frame)


def _paused(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    now = time.monotonic()
    run.clock_stops(now)
    run.paused_since = now
    lifecycle.set_status(run, "paused")


def _resumed(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    run.paused_since, run.running_since = None, time.monotonic()
    if run.recorder is not None:
        run.recorder.forget_rate()
    lifecycle.set_status(run, "running")


def _done(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    header = frame.header
    if header["traceback"]:
        facts = {"event": "run_failed", "run": run.id, "step": header["step"]}
        logger.error("%s\n%s", header["reason"], header["traceback"], extra=facts)
    if header["status"] in ("stopped", "parked") and run.ending is not None:
        lifecycle.end(run, run.ending)
    elif header["status"] == "parked":
        lifecycle.let_go(run)
    else:
        lifecycle.end(run, Ending(header["status"], header["reason"]))


RECEIVERS: dict[str, Callable[[Lifecycle, ActiveRun, Frame], None]] = {
    "info": _info,
    "records": _records,
    "event": _event,
    "checkpoint": _checkpoint,
    "paused": _paused,
    "resumed": _resumed,
    "done": _done,
}
