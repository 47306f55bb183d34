"""Throughput of a study of 200 small runs (adding, T = 30, H = 32, 300 steps) against the same runs in one process.

    OMP_NUM_THREADS=1 python -m benchmarks.study [RUNS] [WORKERS]

Two figures, and the worse of them has to reach the target. Wall clock: runs per second of the study, over cores times
those of one process. Processor time: what a run takes alone, over what it takes in a study with everything around it
(workers, scheduler, store); the start is that of the processes, which import torch once each. On a machine that has
other things to do neither is what a free one would give: alone, a run waits for its turn, which makes the first figure
too good; in a study it shares caches and the halves of a core, which makes the second one too bad. So the load is told.
"""

import json
import os
import resource
import statistics
import sys
import time
from typing import Any

from rnncore import TrainConfig, study, train
from rnncore.runs.machine import available_cores

BASE: dict[str, Any] = {
    "data": {"kind": "task", "task": "adding", "seq_len": 30}, "model": {"hidden_size": 32}, "steps": 300,
}  # fmt: skip
TARGET = 0.95
ALONE = 12  # runs in this process; half of them before the study, half after


def alone(count: int, first_seed: int) -> list[tuple[float, float]]:
    """Return wall clock and processor time of runs one after another in this process."""
    times = []
    for seed in range(first_seed, first_seed + count):
        config = TrainConfig.model_validate(BASE | {"seed": seed})
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in train(config):
            pass
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return times


def processor_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(runs: int = 200, workers: int | None = None) -> int:
    """Print the figures as JSON; return 1 if the target is missed."""
    import torch

    torch.set_num_threads(1)
    cores = available_cores()
    alone(1, 1000)  # warm
    cpu = processor_seconds()
    study({"base": BASE | {"steps": 1}, "seeds": 2}, workers=workers or cores)
    start = processor_seconds() - cpu
    times = alone(ALONE // 2, 0)
    wall, cpu = time.perf_counter(), processor_seconds()
    result = study({"base": BASE, "seeds": runs}, workers=workers or cores)
    wall, cpu = time.perf_counter() - wall, processor_seconds() - cpu
    times += alone(ALONE // 2, ALONE // 2)
    one_wall, one_cpu = (statistics.median(column) for column in zip(*times, strict=True))
    assert all(run["status"] == "finished" for run in result.runs.values())
    figures = {
        "runs": runs,
        "cores": cores,
        "seconds_alone": round(one_wall, 3),
        "processor_seconds_alone": round(one_cpu, 3),
        "study_seconds": round(wall, 2),
        "study_processor_seconds_per_run": round(cpu / runs, 3),
        "wall_clock_ratio": round(runs / wall / (cores / one_wall), 3),
        "processor_seconds_of_the_start": round(start, 2),
        "processor_ratio": round(one_cpu / (cpu / runs), 3),
        "processor_ratio_once_started": round(one_cpu / ((cpu - start) / runs), 3),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(figures))
    return int(min(figures["wall_clock_ratio"], figures["processor_ratio"]) < TARGET)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
