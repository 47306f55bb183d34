"""What each message of an execution engine does to the run that it is about."""

import logging
from collections.abc import Callable, Iterable

from rnncore.flossing import Progress, progress_in_words
from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.protocol import Lost, Message
from rnncore.runs.lifecycle import Lifecycle, NotStarted
from rnncore.runs.limits import LimitError, check_parameters

logger = logging.getLogger(__name__)


MOST_MOVES = 20  # of one run from a node that has died to another
CANNOT_START = "This run cannot be started; the server's log says why."
Heard = Message | NotStarted


def receive(lifecycle: Lifecycle, message: Heard) -> None:
    """Take a message in, inside of a transaction; messages about runs that do not execute are dropped."""
    if not isinstance(message, Frame | Lost | NotStarted):
        return
    if message.run in lifecycle.leaving:
        if is_last_word(message):
            lifecycle.leaving.discard(message.run)
        return
    run = lifecycle.runs.get(message.run)
    if run is None or not run.executing:
        return
    if isinstance(message, Frame):
        RECEIVERS[message.type](lifecycle, run, message)
    elif isinstance(message, Lost) and message.again and run.ending is None and run.moves < MOST_MOVES:
        lifecycle.move(run)
    elif isinstance(message, Lost):
        lost = Ending("interrupted", f"{message.cause}, after step {{step}}; this run can be continued.")
        lifecycle.end(run, run.ending or (Ending("killed", message.cause) if message.by_itself else lost))
    elif run.ending is not None:
        lifecycle.end(run, run.ending)
    elif message.again:
        lifecycle.put_back(run)
    else:
        lifecycle.end(run, Ending("failed", CANNOT_START))


def is_last_word(message: Heard) -> bool:
    """Whether nothing follows of this execution of the run."""
    return isinstance(message, Lost | NotStarted) or (isinstance(message, Frame) and message.type == "done")


def by_run(messages: Iterable[Heard]) -> dict[str, list[Heard]]:
    """Return the messages about each run in their order; those about none are left out."""
    groups: dict[str, list[Heard]] = {}
    for message in messages:
        if isinstance(message, Frame | Lost | NotStarted):
            groups.setdefault(message.run, []).append(message)
    return groups


def _info(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    info = frame.header["info"]
    lifecycle.store.set_info(run.id, info)
    try:
        check_parameters(info["parameter_count"], lifecycle.settings)
    except LimitError as error:
        lifecycle.ask_to_end(run, Ending("failed", str(error)))


def _records(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    recorder = lifecycle.recorder(run)
    recorder.add(frame)
    run.step, run.flossing = recorder.step, None


def _flossing(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    header = frame.header
    progress = Progress(header["done"], header["updates"], header["size"])
    run.flossing = progress_in_words(header["step"], progress, run.config["flossing"]["exponents"])


def _event(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    lifecycle.recorder(run).add_event(frame)


def _checkpoint(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    lifecycle.recorder(run).add_checkpoint(frame)


def _together(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    lifecycle.store.keep_study_batch(run.id, frame.header["summaries"])


def _paused(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    now = lifecycle.clock.monotonic()
    run.clock_stops(now)
    run.paused_since = now
    lifecycle.set_status(run, "paused")


def _resumed(lifecycle: Lifecycle, run: ActiveRun, frame: Frame) -> None:
    run.paused_since, run.running_since = None, lifecycle.clock.monotonic()
    lifecycle.recorder(run).forget_rate()
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
    "flossing": _flossing,
    "event": _event,
    "checkpoint": _checkpoint,
    "together": _together,
    "paused": _paused,
    "resumed": _resumed,
    "done": _done,
}
