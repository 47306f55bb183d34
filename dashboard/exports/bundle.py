"""Everything about a group of runs in one zip file, made piece by piece."""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from dashboard.exports.code import script, script_data
from dashboard.exports.profiles import profiles_csv
from dashboard.exports.report import report_html
from dashboard.exports.weights import weights_file
from rnncore import __version__
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.reading import Reading
from rnncore.runs.read.damage import damage
from rnncore.runs.read.export import export_csv, export_parquet
from rnncore.runs.read.pieces import Pieces
from rnncore.runs.store.store import Store, StoredRun
from rnncore.runs.watched_forms import is_watched

_README = """RNN Gradient Lab {version}: runs taken out of the lab

report.html          all figures, to open in any browser, without a network
For each run a folder with
  config.json         the configuration: python -m rnncore train config.json
  info.json           sizes, baselines, what was found about the data
  records.csv         a line per training step
  profiles.csv        gradient norms: a line per recorded step, layer and timestep
  records.parquet     both in one table: a row per step, the profiles as lists (layers of timesteps)
  weights.safetensors the last finite weights
  script.py           the same run in plain torch, without this program
  instruments/        what the instruments that were opened have found last, as numpy's .npz
A run that was watched in a program of its own has its records and profiles alone.
"""


def everything_zip(store: Store, runs: Sequence[StoredRun], with_data: bool) -> Iterator[bytes]:
    """Yield a zip file with all that is known of the runs of a group.

    with_data: whether to add the data files that script.py reads. Uploaded data belong to the workspace that brought
    them: pass True only when the request comes from there.
    """
    sink = Pieces()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr("README.txt", _README.format(version=__version__))
        for name, content in _files(store, runs, with_data):
            with archive.open(name, "w", force_zip64=True) as file:
                for piece in content:
                    file.write(piece)
                    if sink.waiting > 1 << 16:
                        yield sink.take()
            yield sink.take()
    yield sink.take()


Content = Iterable[bytes]


def _files(store: Store, runs: Sequence[StoredRun], with_data: bool) -> Iterator[tuple[str, Content]]:
    try:
        yield "report.html", report_html(store, runs)
    except ConfigError as error:
        yield "no report.txt", [f"{error}\n".encode()]
    for number, run in enumerate(runs, start=1):
        folder = f"{number} {re.sub('[^A-Za-z0-9. ]+', '-', run.label).strip('. -')}".strip()
        for name, make in _OF_RUN.items():
            if is_watched(run.config) and name in _OF_OWN:
                continue
            yield f"{folder}/{name}", make(store, run)
        for reading in map(Reading.from_bytes, store.newest_readings(run.id)):
            yield f"{folder}/instruments/{reading.stem}.npz", [reading.to_bytes()]
        if lost := damage(store, run):
            yield f"{folder}/damaged.txt", [f"{lost}\n".encode()]
        try:
            if (weights := weights_file(store, run)) is not None:
                yield f"{folder}/weights.safetensors", [weights]
            yield f"{folder}/script.py", [script(store, run).encode()]
            if with_data:
                yield from ((f"{folder}/{name}", [content]) for name, content in script_data(store, run).items())
        except (DataError, ConfigError) as error:
            yield f"{folder}/no script.txt", [f"{error}\n".encode()]


def _json(value: Any) -> Content:
    return [(json.dumps(value, indent=2) + "\n").encode()]


_OF_OWN = ("config.json", "info.json")  # what a watched run has not
_OF_RUN: dict[str, Callable[[Store, StoredRun], Content]] = {
    "config.json": lambda store, run: _json(run.config),
    "info.json": lambda store, run: _json(run.info),
    "records.csv": export_csv,
    "profiles.csv": profiles_csv,
    "records.parquet": export_parquet,
}
