"""The real data that ship with the product, with their sources."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from rnncore.config import BundledData, UploadData, UploadedFile
from rnncore.data.dataset import SequenceDataset
from rnncore.data.scaling import Scaling
from rnncore.data.sequences import Feature, Moments, Sequences, class_labels, offsets_of

if TYPE_CHECKING:
    from rnncore.data.files.table import Table
    from rnncore.data.roles.columns import Roles

_UTTERANCE = "utterance"  # the key of the sequences of `vowels`


@dataclass(frozen=True, slots=True)
class Series:
    """Bundled data: what the UI says about them, and where their values stand.

    layout: "series", cut into windows to forecast `column`; or "labelled", whole sequences with one class each, to
    which window and horizon do not apply. columns: the inputs, `column` among them where it is one. length: timesteps
    of a series, or sequences.
    """

    title: str
    description: str
    source: str
    licence: str
    file: str
    column: str
    unit: str
    length: int
    columns: tuple[str, ...]
    layout: Literal["series", "labelled"] = "series"


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
        columns=("sunspots",),
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
        columns=("co2",),
    ),
    "weather": Series(
        title="Weather in Seattle",
        description="Five daily observations from 2012 to 2015: rain, highest and lowest temperature, wind and a word "
        "for the weather. The network sees all of them and forecasts the highest temperature.",
        source="National Climatic Data Center (NOAA), as shipped in vega_datasets",
        licence="public domain",
        file="weather.csv",
        column="temp_max",
        unit="degrees Celsius",
        length=1461,
        columns=("precipitation", "temp_max", "temp_min", "wind", "weather"),
    ),
    "vowels": Series(
        title="Japanese vowels",
        description="640 utterances of the vowels /ae/ by nine male speakers, each 7 to 29 timesteps of twelve LPC "
        "cepstrum coefficients. The network must say who speaks. The published split: 270 for training, 370 to test.",
        source="M. Kudo, J. Toyama and M. Shimbo (1999), UCI Machine Learning Repository, as shipped in aeon",
        licence="Creative Commons Attribution 4.0",
        file="vowels.csv.gz",
        column="speaker",
        unit="",
        length=640,
        columns=tuple(f"c{place}" for place in range(1, 13)),
        layout="labelled",
    ),
}


def bundled_dataset(config: BundledData, scaling: Scaling | None = None) -> SequenceDataset:
    """Build a bundled data set. scaling: other than the configuration says, None = as it says."""
    scaling = scaling or Scaling(config.scaling, config.scaling)
    sequences = bundled_sequences(config.name)
    if sequences.labels is not None:
        from rnncore.data.labelled import labelled_dataset

        return labelled_dataset(sequences, config.val_fraction, max_length=5_000, scaling=scaling)
    from rnncore.data.series import forecast_dataset

    return forecast_dataset(sequences, config.window, config.horizon, 1, config.val_fraction, scaling=scaling)


def as_file(config: BundledData) -> tuple[Table, UploadData, Roles]:
    """Return the file of bundled data as an upload is read: its table, options, and what each column is for.

    A new file that the run is applied to is read so too.
    """
    from rnncore.data.files.csv import read_csv
    from rnncore.data.roles.columns import Roles

    entry = SERIES[config.name]
    data = bundled_file(entry.file)
    table = read_csv(gzip.decompress(data) if entry.file.endswith(".gz") else data, entry.file.removesuffix(".gz"))
    key, time = (_UTTERANCE, "") if entry.layout == "labelled" else ("", table.names[0])
    roles = Roles("long" if key else "series", key, time, entry.columns, (entry.column,), {})
    options = UploadData(
        files=(UploadedFile(file=entry.file),), layout=roles.layout, id=key, time=time, features=roles.features,
        targets=roles.targets, horizon=config.horizon, val_fraction=config.val_fraction, scaling=config.scaling,
    )  # fmt: skip
    return table, options, roles


def bundled_file(name: str) -> bytes:
    """Return a file that ships with the product, as it is."""
    return (resources.files("rnncore.data") / "bundled" / name).read_bytes()


def bundled_sequences(name: str) -> Sequences:
    """Return bundled data as they were published, NaN where a value is missing."""
    entry = SERIES[name]
    data = bundled_file(entry.file)
    text = (gzip.decompress(data) if entry.file.endswith(".gz") else data).decode("utf-8")
    header, *rows = csv.reader(text.splitlines())
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    columns, values = zip(*(_column(column, cells[column]) for column in entry.columns), strict=True)
    every = tuple(range(len(columns)))
    if entry.layout == "series":
        offsets, target = offsets_of([len(rows)]), entry.columns.index(entry.column)
        seconds = np.array(cells[header[0]], "datetime64[s]").astype(np.float64)
        moments = Moments(header[0], seconds, dates=True)
        return Sequences(name, columns, values, offsets, (name,), every, (target,), moments=moments, unit=entry.unit)
    first = np.flatnonzero(np.diff(np.array(cells[_UTTERANCE], int), prepend=0))
    lengths = np.diff(np.append(first, len(rows)))
    labels = class_labels(entry.column, [cells[entry.column][row] for row in first])
    held_out = np.array([cells["split"][row] == "test" for row in first])
    ids = tuple(cells[_UTTERANCE][row] for row in first)
    return Sequences(name, columns, values, offsets_of(lengths), ids, every, (), labels, held_out)


def _column(name: str, cells: Sequence[str]) -> tuple[Feature, NDArray[np.float64]]:
    try:
        return Feature(name), np.array([float(cell or "nan") for cell in cells])
    except ValueError:
        words = sorted(set(cells))
        return Feature(name, tuple(words)), np.array([float(words.index(cell)) for cell in cells])
