"""What came out of a study, cell by cell: medians over its runs, successes with their interval, shares."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Any

from rnncore.studies.summary import FLOWS, NUMBERS

LEVEL = 0.95  # of confidence intervals


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """A cell with what is known of its runs so far.

    values: by axis. planned: runs that it is to have. runs: those that are over, diverged ones among them. successes:
    None without a criterion; a diverged run is no success. failed: runs that ended for a reason of the machine (out of
    memory, a lost process); they count nowhere else. medians: by name of `NUMBERS`, over what is finite, None where
    nothing is. left_out: how many runs have no finite value, by the same names. low, high: quartiles. flows: how many
    runs have each kind of gradient flow. baseline: loss of the best simple answer.
    """

    index: int
    values: dict[str, Any]
    planned: int
    runs: int
    successes: int | None
    diverged: int
    failed: int
    medians: dict[str, float | None]
    low: dict[str, float | None]
    high: dict[str, float | None]
    left_out: dict[str, int]
    flows: dict[str, int]
    baseline: float | None
    parameters: int | None

    @property
    def success_rate(self) -> float | None:
        """Share of the runs that succeeded; None without a criterion or without a run."""
        return self.successes / self.runs if self.successes is not None and self.runs else None

    @property
    def success_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the success rate."""
        return None if self.successes is None or not self.runs else wilson(self.successes, self.runs)

    def share(self, flow: str) -> float | None:
        """Return the share of the runs with this kind of gradient flow, of those with any; None where none has."""
        known = sum(self.flows.values())
        return self.flows.get(flow, 0) / known if known else None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "values": self.values,
            "runs": self.runs,
            "planned": self.planned,
            "successes": self.successes,
            "success_rate": self.success_rate,
            "success_interval": self.success_interval,
            "diverged": self.diverged,
            "failed": self.failed,
            **{f"median_{name}": value for name, value in self.medians.items()},
            "left_out": {name: count for name, count in self.left_out.items() if count},
            "flows": {flow: count for flow, count in self.flows.items() if count},
            "baseline": self.baseline,
            "parameters": self.parameters,
        }


def outcome_of(
    index: int, values: Mapping[str, Any], planned: int, runs: Sequence[Mapping[str, Any]], counts_success: bool
) -> CellOutcome:
    """Return what came out of a cell; runs: `RunSummary.to_json()` of those that are over, in any order."""
    over = [run for run in runs if run["status"] in ("finished", "diverged")]
    columns = {name: sorted(run[name] for run in over if run[name] is not None) for name in NUMBERS}
    flows = [run["flow"] for run in over]
    baselines = [run["baseline"] for run in over if run["baseline"] is not None]
    parameters = [run["parameters"] for run in over if run["parameters"] is not None]
    return CellOutcome(
        index=index,
        values=dict(values),
        planned=planned,
        runs=len(over),
        successes=sum(run["success"] is True for run in over) if counts_success else None,
        diverged=sum(run["status"] == "diverged" for run in over),
        failed=len(runs) - len(over),
        medians={name: median(column) if column else None for name, column in columns.items()},
        low={name: quantile(column, 0.25) for name, column in columns.items()},
        high={name: quantile(column, 0.75) for name, column in columns.items()},
        left_out={name: len(over) - len(column) for name, column in columns.items()},
        flows={flow: flows.count(flow) for flow in FLOWS},
        baseline=median(baselines) if baselines else None,
        parameters=parameters[0] if parameters else None,
    )


def quantile(ascending: Sequence[float], share: float) -> float | None:
    """Return a quantile of ascending numbers, linear between them (numpy's default); None of none."""
    if not ascending:
        return None
    place = share * (len(ascending) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (place - below) * (ascending[above] - ascending[below])


def wilson(successes: int, runs: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the score interval of a share (Wilson 1927): it stays within 0 to 1 and means something for few runs."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, spread = successes / runs, z * z / runs
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / runs + spread / (4 * runs))
    return (0.0 if successes == 0 else max(0.0, centre - half), 1.0 if successes == runs else min(1.0, centre + half))
