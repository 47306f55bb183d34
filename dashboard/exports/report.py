"""One HTML file with everything there is to see of a group of runs; interactive, opens anywhere without a network."""

import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from importlib.metadata import version
from typing import Any

from dashboard import figures
from dashboard.experiment.configs import config_of, known_configs, labels_of
from dashboard.experiment.groups import Group
from dashboard.experiment.setting_paths import defaults, values
from dashboard.experiment.share import ShareError, encode
from dashboard.experiment.words import mistake_words, progress_words
from dashboard.exports.code import script
from dashboard.exports.modules import STATIC, inline_modules, json_in_html
from dashboard.exports.payload import run_payload, run_readings, run_snapshots
from dashboard.exports.plotly_js import plotly_js
from rnncore import __version__
from rnncore.config import TrainConfig
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.runs.read.insights import look
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import Store, StoredRun
from rnncore.runs.watched_forms import is_watched

_PACKAGES = ("torch", "numpy", "plotly", "pydantic")
# Nothing may be loaded from anywhere: what is not in the file does not exist.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def report_html(store: Store, runs: Sequence[StoredRun]) -> Iterator[bytes]:
    """Return, in pieces, a page with the figures, verdicts, configuration and script of up to six runs.

    It needs no network. It holds the runs' watch keys, by which they can be looked at in the lab, and no id by which
    they could be steered. Raises ConfigError.
    """
    runs = runs[: figures.MAX_RUNS]
    configs = known_configs(runs)
    return _pieces(
        store, [replace(run, label=label) for run, label in zip(runs, labels_of(runs), strict=True)], configs
    )


def _pieces(store: Store, runs: Sequence[StoredRun], configs: Sequence[TrainConfig]) -> Iterator[bytes]:
    title = "RNN Gradient Lab: " + " and ".join(run.label for run in runs)
    css = "".join((STATIC / f"{name}.css").read_text("utf-8") for name in ("theme", "board", "report"))
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n<h1>RNN Gradient Lab</h1>\n"
        f'<p class="lead">{escape(_lead(runs))}</p>\n'
    ).encode()
    yield from (_run_lines(store, number, run).encode() for number, run in enumerate(runs))
    yield b'<div id="board" class="rgl-board"></div>\n'
    known = [run for run in runs if not is_watched(run.config)]
    if known:
        yield _config_table(known, configs).encode()
    yield _reproduce(store, runs, configs).encode()
    data = _data(store, runs, configs)
    yield f'<script type="application/json" id="data">{json_in_html(data)}</script>\n'.encode()
    yield b"<script>" + plotly_js(data).read_bytes() + b"</script>\n"
    yield (
        f'<script type="module">\n{inline_modules("report")}\n'
        'const data = JSON.parse(document.getElementById("data").textContent);\n'
        'await report.show(document.getElementById("board"), data, window.Plotly);\n'
        'document.documentElement.dataset.ready = "true";\n</script>\n</body>\n</html>\n'
    ).encode()


def _lead(runs: Sequence[StoredRun]) -> str:
    day = time.strftime("%d %B %Y", time.gmtime(runs[0].created_at)).lstrip("0")
    return (
        "How the gradient of the loss travelled back through time, measured at every timestep while a recurrent "
        f"network trained. Runs of {day}. Move over a figure or the slider to look at another training step."
    )


def _run_lines(store: Store, number: int, run: StoredRun) -> str:
    found = look(store, run.id)["verdicts"] if run.step else []
    sentences = [verdict["sentence"] for verdict in found]
    if broken := mistake_words(run.config):
        sentences.insert(0, f"This run is {broken}.")
    verdicts = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return (
        f'<div class="run"><span class="rgl-swatch" data-run-color="{number}"></span>'
        f'<strong>{escape(run.label)}</strong><span class="{escape(run.status)}">{escape(run.status)}</span>'
        f"<span>{progress_words(run.step, run.steps)}</span><span>{escape(run.reason)}</span>"
        f"<ul>{verdicts}</ul></div>\n"
    )


def _config_table(runs: Sequence[StoredRun], configs: Sequence[TrainConfig]) -> str:
    columns = [dict(values(config)) for config in configs]
    paths = list(dict.fromkeys(path for column in columns for path in column))
    head = "".join(f"<th>{escape(run.label)}</th>" for run in runs)
    rows = []
    for path in paths:
        cells = [column.get(path, "") for column in columns]
        differs = ' class="differs"' if any(cell != cells[0] for cell in cells) else ""
        shown = "".join(
            f"<td{' class=default' if _is_default(config, path, cell) else ''}>{escape(_show(cell))}</td>"
            for config, cell in zip(configs, cells, strict=True)
        )
        rows.append(f"<tr{differs}><td>{escape(path)}</td>{shown}</tr>")
    return f"<h2>Configuration</h2>\n<table>\n<tr><th>setting</th>{head}</tr>\n" + "\n".join(rows) + "\n</table>\n"


def _is_default(config: TrainConfig, path: str, value: Any) -> bool:
    known = defaults(config.data.kind)
    return path in known and known[path] == value


def _show(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_show(item) for item in value)
    return str(getattr(value, "name", value))


def _reproduce(store: Store, runs: Sequence[StoredRun], configs: Sequence[TrainConfig]) -> str:
    parts = ["<h2>Do it again</h2>\n"]
    try:
        if configs:
            group = Group(tuple(configs))
            link = escape(encode(*group.experiment, group.others))
            parts.append(f"<p>In the lab: add <code>?config={link}</code> to its address.</p>\n")
    except ShareError as error:
        parts.append(f"<p>{escape(str(error))}</p>\n")
    keys = ",".join(watch_key(run.id) for run in runs)
    parts.append(f"<p>To watch these runs in the lab: add <code>?run={keys}</code> to its address.</p>\n")
    for run in runs:
        try:
            code = escape(script(store, run))
        except (DataError, ConfigError) as error:
            parts.append(f"<p>{escape(str(error))}</p>\n")
            continue
        parts.append(
            f"<details><summary>The run '{escape(run.label)}' in plain torch</summary><pre>{code}</pre></details>\n"
        )
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return "".join(parts) + (
        f"<h2>Versions</h2>\n<p>RNN Gradient Lab {__version__}, Python {platform.python_version()}, {packages}.</p>\n"
    )


def _drawn(run: StoredRun) -> figures.Run:
    if is_watched(run.config):
        return figures.Run.watched(run.label, run.config)
    return figures.Run.of(run.label, config_of(run))


def _data(store: Store, runs: Sequence[StoredRun], configs: Sequence[TrainConfig]) -> dict[str, Any]:
    drawn, share = [_drawn(run) for run in runs], len(runs)
    return figures.drawing(drawn) | {
        "matched": len(configs) == len(runs) and Group(tuple(configs)).matched,
        "measured": [
            {"info": run.info, "answer": run_payload(store, run, share), "snapshots": run_snapshots(store, run, share)}
            for run in runs
        ],
        "readings": [reading for color, run in enumerate(runs) for reading in run_readings(store, run, color)],
    }
