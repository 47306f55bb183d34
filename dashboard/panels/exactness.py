"""Checked on this machine: recompute random gradients independently and say how far the recorded ones are off."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass

import streamlit as st

SECONDS = 120
_one_at_a_time = threading.Lock()


@dataclass(slots=True)
class _Last:
    """The last check's closing lines, shared by all sessions: it says something of the machine, not of a user."""

    lines: tuple[str, ...] = ()


_last = _Last()


def exactness_check() -> None:
    """Draw a button that runs `python -m rnncore verify` in a process of its own, and what it found."""
    pressed = st.button(
        "Check the gradients here",
        width="stretch",
        help="Compare recorded gradients of random networks with plain autograd on unrolled cells, on this machine.",
    )
    if pressed:
        with st.spinner("Recomputing …"):
            check()
    for line in _last.lines:
        st.caption(line)


def check() -> tuple[str, ...]:
    """Run the check, or take the result of one that is under way, and return its closing sentences."""
    with _one_at_a_time:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "rnncore", "verify"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            _last.lines = ("The check could not be run on this machine.",)
            return _last.lines
        worst = [line for line in done.stdout.splitlines() if line.startswith("worst")]
        said = [line.replace("worst relative error", "Checked on this machine: worst relative error") for line in worst]
        _last.lines = tuple(said) or ("The check ended without a result; the server's log says more.",)
        return _last.lines
