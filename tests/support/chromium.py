"""Chromium as tests and benchmarks start it: where it is on this machine, and its flags."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str | None:
    """Return the path of the program, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
