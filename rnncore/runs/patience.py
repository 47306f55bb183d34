"""Commands that try again for a moment when another program holds the store."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from rnncore.runs.store.database import is_locked, may_pass
from rnncore.runs.trouble import StoreTrouble

PATIENCE_S = 2.0
PAUSE_S = 0.1

S = TypeVar("S")
P = ParamSpec("P")
T = TypeVar("T")


def patient(command: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Let a command, which does all or nothing, try again for a moment; if it cannot write then: StoreTrouble."""

    @wraps(command)
    def carry_out(scheduler: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return command(scheduler, *args, **kwargs)
            except Exception as error:
                if not may_pass(error):
                    raise
                if not is_locked(error) or time.monotonic() > deadline:
                    sentence = f"The run store cannot be written at this moment ({error}); try again in a minute."
                    raise StoreTrouble(sentence) from error
            time.sleep(PAUSE_S)

    return carry_out
