"""Limits of a worker process: low priority, and bounded memory where the platform supports it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

if sys.platform != "win32":
    import resource

SHORT_BYTES = 8 * 2**20  # less than that left is as good as nothing


def lower_priority(nice: int) -> None:
    """Give way to the page and everything interactive (nice 0 to 19; on Windows: below normal)."""
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if nice else psutil.NORMAL_PRIORITY_CLASS)
    elif process.nice() < nice:
        process.nice(nice)


def memory_is_short() -> bool:
    """Tell whether this process has hardly any of the memory left that it may use."""
    if sys.platform != "linux":
        return False
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return soft != resource.RLIM_INFINITY and soft - int(psutil.Process().memory_info().vms) < SHORT_BYTES


def limit_memory(allowance_mb: int | None) -> None:
    """Let this process's address space grow by `allowance_mb` from now on; None lifts the limit.

    Only on Linux: elsewhere the system does not enforce it. Not for CUDA, which maps address space far beyond what
    it uses.
    """
    if sys.platform != "linux":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if allowance_mb is None:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return
    wanted = psutil.Process().memory_info().vms + allowance_mb * 2**20
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


@contextmanager
def not_counted() -> Iterator[None]:
    """Do not count what a block of our own code maps, such as the libraries of a package that it loads, as growth.

    torch for CUDA maps gigabytes of address space, far more than it uses.
    """
    if sys.platform != "linux":
        yield
        return
    process = psutil.Process()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = process.memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    try:
        yield
    finally:
        if soft != resource.RLIM_INFINITY:
            wanted = soft + max(0, process.memory_info().vms - before)
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
