"""What this machine, or the container this process is confined to, has to offer: cores and memory."""

import os
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return the number of cores this process may use: its affinity, or less under a container's CPU quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _read("cpu.max").split()  # "200000 100000": microseconds per period, or "max 100000"
    if len(quota) == 2 and quota[0].isdecimal():
        cores = min(cores, max(1, int(quota[0]) // int(quota[1])))
    return cores


def available_memory_mb() -> int:
    """Return the memory of the machine, or the container's limit if that is less."""
    memory: int = psutil.virtual_memory().total
    limit = _read("memory.max").strip()
    if limit.isdecimal():
        memory = min(memory, int(limit))
    return memory // 2**20


def count_oom_kills() -> int:
    """Return how often the kernel has killed a process for memory, in this control group or on this machine."""
    for text in (_read("memory.events"), _read("/proc/vmstat")):
        for line in text.splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _read(name: str) -> str:
    try:
        return (_CGROUP / name).read_text()
    except OSError:
        return ""  # not Linux, or an older kernel
