"""The real series that ship with the product, with their sources."""

import csv
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Series:
    """A bundled series: what the UI says about it, and where its values stand."""

    title: str
    description: str
    source: str
    licence: str
    file: str
    column: str
    unit: str
    length: int


SERIES: dict[str, Series] = {
    "sunspots": Series(
        title="Monthly sunspots",
        description="Mean number of sunspots in each month from 1749 to 2009. The sun's cycle of about eleven years "
        "(130 months) is far longer than the usual window, so what helps the forecast lies far back.",
        source="National Geophysical Data Center (NOAA), as shipped in statsmodels",
        licence="public domain",
        file="sunspots.csv",
        column="sunspots",
        unit="spots",
        length=3126,
    ),
    "co2": Series(
        title="CO2 on Mauna Loa",
        description="Weekly mean concentration of carbon dioxide in the air on Mauna Loa, Hawaii, from 1958 to 2001: "
        "a yearly cycle (52 weeks) on a rising trend, with 59 missing weeks.",
        source="C. D. Keeling and T. P. Whorf (2004), CDIAC, Oak Ridge National Laboratory, as shipped in statsmodels",
        licence="public domain",
        file="co2.csv",
        column="co2",
        unit="ppmv",
        length=2284,
    ),
}


def series_values(name: str) -> NDArray[np.float64]:
    """Return the values of a bundled series in order, (N,) float64, NaN where one is missing."""
    series = SERIES[name]
    text = (resources.files("rnncore.data") / "bundled" / series.file).read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return np.array([float(row[series.column] or "nan") for row in rows])
