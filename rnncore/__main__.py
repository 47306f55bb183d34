"""`python -m rnncore` or `rnnlab`: one command; a Ctrl-C ends it with status 130 and without a traceback."""

import sys
from collections.abc import Sequence

from rnncore.interrupts import INTERRUPTED, leave_while_importing


def rnnlab() -> int:
    """Do what the command `rnnlab` says: without a word it starts the app, otherwise as `python -m rnncore`."""
    leave_while_importing()
    if len(sys.argv) > 1:
        return main(prog="rnnlab")
    try:
        from rnncore.command_line import start

        return start()
    except KeyboardInterrupt:
        return INTERRUPTED


def main(arguments: Sequence[str] | None = None, prog: str = "python -m rnncore") -> int:
    """Run one command and return its exit status."""
    try:
        from rnncore.command_line import run

        return run(arguments, prog)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    leave_while_importing()
    sys.exit(main())
