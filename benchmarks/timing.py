"""Paired timing: each candidate once per round, ratios within a round, medians over rounds; a browser's CPU; tables."""

import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

LEAST_ROUNDS = 5


def paired(
    candidates: dict[str, Callable[[], object]], seconds: float, rounds: int = 200, warm_up: int = 3, before: int = 0
) -> dict[str, list[float]]:
    """Return the seconds of each call, by candidate; at most `rounds` rounds and about `seconds` in all.

    before: calls of a candidate before the one that is timed, so that the caches hold what is its own.
    CPU seconds of this thread: on an idle machine the time that passes, and on a busy one without the waiting.
    """
    for run in candidates.values():
        for _ in range(warm_up):
            run()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    end = time.perf_counter() + seconds
    for done in range(rounds):
        if done >= LEAST_ROUNDS and time.perf_counter() > end:
            break
        for name, run in candidates.items():
            for _ in range(before):
                run()
            began = time.thread_time()
            run()
            times[name].append(time.thread_time() - began)
    return times


def ratio(times: dict[str, list[float]], name: str, base: str) -> float:
    """Return the median over rounds of one candidate's time relative to another's."""
    return median(a / b for a, b in zip(times[name], times[base], strict=True))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, the first column left, the others right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def thread_seconds(session: Any) -> float:
    """Return the CPU time of the page's main thread so far, in seconds."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])
