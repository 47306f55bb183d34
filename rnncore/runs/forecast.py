"""When a queued run will start, estimated from the speed of other runs."""

from collections.abc import Iterable, Sequence
from heapq import heapify, heapreplace

from rnncore.runs.active import ActiveRun
from rnncore.runs.lifecycle import Lifecycle


def position(lifecycle: Lifecycle, run_id: str) -> tuple[int | None, float | None]:
    """Return a queued run's place, from 1, and the estimated seconds until it starts; None where not known."""
    with lifecycle.lock:
        if run_id not in lifecycle.queue:
            return None, None
        waiting, runs = list(lifecycle.queue), lifecycle.runs
        place = waiting.index(run_id)
        usual = usual_rate(lifecycle.rates, runs.values())
        busy = [run.remaining_seconds(usual) for run in runs.values() if run.executing]
        ahead = [runs[other].remaining_seconds(usual) for other in waiting[: place + 1]]
        if None in busy or None in ahead:
            return place + 1, None
        size = lifecycle.backend.capacity().size
        times = waiting_times([s for s in busy if s], [s for s in ahead if s is not None], size)
        return place + 1, times[-1]


def usual_rate(ended: Iterable[float], active: Iterable[ActiveRun]) -> float | None:
    """Return the median steps per second of the latest and the running runs; None if nothing is known."""
    rates = sorted([*ended, *(run.free_rate for run in active if run.free_rate)])
    return rates[len(rates) // 2] if rates else None


def waiting_times(busy: Sequence[float], queued: Sequence[float], workers: int) -> list[float]:
    """Return when each queued run starts, in seconds from now, if runs take as long as given and start in order.

    busy: seconds left of each running run. queued: duration of each queued run, in the order of the queue.
    """
    free = list(busy)[:workers] + [0.0] * (workers - len(busy))
    heapify(free)
    starts = []
    for duration in queued:
        starts.append(free[0])
        heapreplace(free, free[0] + duration)
    return starts
