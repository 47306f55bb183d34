"""What fills a trace: the `meta` that a figure gives it and the browser reads, see static/fills.js.

Every fill names a run by its place on the board. `option`: the trace is drawn only while that option of its figure is
on.
"""

from typing import Any

Fill = dict[str, Any]


def column(run: int, y: str, *, times: str | None = None, option: str | None = None) -> Fill:
    """Fill a line over the training steps with column `y` of the records, multiplied by column `times`."""
    return _fill("column", run, option, y=y, times=times)


def evaluations(run: int, y: str, *, option: str | None = None) -> Fill:
    """Fill a line over the training steps with column `y` at those steps that have an evaluation."""
    return _fill("evaluations", run, option, y=y)


def metric(run: int, *, option: str | None = None) -> Fill:
    """Fill a line over the steps with an evaluation with the data's own metric, told as `MetricWords` say."""
    return _fill("metric", run, option, y="val_metric")


def baseline(place: int) -> Fill:
    """Fill a horizontal line with a baseline of the data, which all runs share."""
    return {"fill": "baseline", "baseline": place}


def threshold(run: int, value: float) -> Fill:
    """Fill a line over the training steps with the clip threshold: `value`, and what it was changed to meanwhile."""
    return _fill("threshold", run, None, value=value)


def profile(
    run: int, y: str, *, times: str | None = None, gaps: bool = False, fit: bool = False, option: str | None = None
) -> Fill:
    """Fill a line over the timesteps with a profile at the step shown.

    times: column of the records whose value at that step multiplies it. gaps: leave an exact 0 out. fit: draw the
    straight line fitted to its logarithm instead.
    """
    return _fill("profile", run, option, y=y, times=times, gaps=gaps or None, fit=fit or None)


def profile_end(run: int, y: str) -> Fill:
    """Fill a horizontal line with the profile's value at t = T, at the step shown."""
    return _fill("profileEnd", run, None, y=y)


def zone(side: str) -> Fill:
    """Let the rule THROUGH_TIME fill an area: what is "above" or "below" the lines of `profile_end`."""
    return _fill("zone", 0, None, side=side)


def profile_map(run: int, z: str, *, instead: dict[str, str] | None = None) -> Fill:
    """Fill a map of timestep by training step with log10 of a profile; `instead`: option -> the profile it chooses."""
    return _fill("profileMap", run, None, z=z, instead=instead)


def part(run: int, path: str, *at: int | str, option: str | None = None) -> Fill:
    """Fill a line with a vector, or a map with a matrix, of a part of the snapshot at the step shown.

    path: the part and the names on the way in it, with dots. The array there is a list, or made by
    `rnncore.json_arrays.floats`. at: its first indices; "layer" is the layer that the reader chose. Of an array that is
    left with more dimensions than are drawn the first entries are taken. A line counts from 1.
    """
    return _fill("part", run, option, path=path, at=list(at))


def special(fill: str, run: int, part: str, *, option: str | None = None) -> Fill:
    """Fill a trace by the function `fill` of static/part_fills.js, from a part of the snapshot at the step shown."""
    return _fill(fill, run, option, path=part)


def split(run: int, path: str, *, option: str | None = None) -> Fill:
    """Fill bars over the timesteps with the decimal logarithm of one of the factors of "saturation"."""
    return _fill("split", run, option, path=path)


def _fill(fill: str, run: int, option: str | None, **more: Any) -> Fill:
    given = {"option": option, **more}
    return {"fill": fill, "run": run} | {name: value for name, value in given.items() if value is not None}
