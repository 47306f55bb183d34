"""Ctrl-C on the command line: while things are imported the process ends at once, later it finishes what it does."""

import os
import signal
from types import FrameType

INTERRUPTED = 130
_IMPORT = "<frozen importlib"  # begins the file names of the code that imports


def leave_while_importing() -> None:
    """End at once, silently and with status 130, at a Ctrl-C that comes while something is imported.

    Such a Ctrl-C would end the import with a traceback, or get lost in it. Where Ctrl-C is ignored or handled already,
    nothing changes. Raises ValueError in another than the main thread.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def finish_first() -> None:
    """From here on raise KeyboardInterrupt at a Ctrl-C, wherever it comes: there is something to finish."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> None:
    within = frame
    while within is not None:
        if within.f_code.co_filename.startswith(_IMPORT):
            os._exit(INTERRUPTED)
        within = within.f_back
    signal.default_int_handler(number, frame)
