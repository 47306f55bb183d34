"""The memory limit of processes that read what others have sent."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces the limit")

PROGRAM = """
import mmap
from rnncore.runs.worker.confine import limit_memory, not_counted

MB = 2**20
limit_memory(200)
with not_counted():
    library = mmap.mmap(-1, 600 * MB)
kept = mmap.mmap(-1, 120 * MB)
try:
    mmap.mmap(-1, 120 * MB)
except (MemoryError, OSError):
    print("limited")
"""


def test_what_a_package_maps_while_it_is_loaded_is_not_counted_and_the_limit_holds_after_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "limited\n"), done.stderr
