"""What a page gives the live board: which runs, how they are drawn, where its slider and its figures begin."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Self

from dashboard import figures
from dashboard.experiment.configs import config_of, known_configs, labels_of
from dashboard.experiment.groups import Group
from dashboard.experiment.told import fingerprint
from dashboard.exports.plotly_js import SMALL, plotly_js
from dashboard.figures.show import AS_USUAL, Show
from dashboard.server.assets import asset_url
from dashboard.server.keys import runs_at_key, watches
from rnncore.choices import CLIP_METHODS
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import Store, StoredRun
from rnncore.runs.watched_forms import is_watched

NO_RUN = "There is no run at this address (any more)."


@dataclass(frozen=True, slots=True)
class BoardRun:
    """One run on the board; `run_id` is None before Train was pressed.

    run_id: by which it is asked for: its id, or its watch key on pages that may only look at it. learning_rate,
    threshold: where the sliders begin. settings: `fingerprint` of its settings. target: the id by which it is steered,
    its group's where all of that is on the board, so that the runs of a group obey at the same step; None: by nobody.
    Of a watched run there are neither settings nor sliders.
    """

    run_id: str | None
    figure: figures.Run
    learning_rate: float | None
    threshold: float | None
    settings: str = ""
    target: str | None = None

    @classmethod
    def of(cls, run_id: str | None, config: TrainConfig, label: str, target: str | None = None) -> Self:
        """Return a run of a config under a name."""
        steered = config.clip.threshold if CLIP_METHODS[config.clip.method].has_threshold else None
        rate, settings = config.optimizer.learning_rate, fingerprint(config)
        return cls(run_id, figures.Run.of(label, config), rate, steered, settings, target)

    @classmethod
    def watched(cls, run: StoredRun) -> Self:
        """Return a run that trains in a program of its user: it is looked at, and steered by nobody."""
        return cls(watch_key(run.id), figures.Run.watched(run.label, run.config), None, None)


def runs_at(store: Store, address: str) -> tuple[list[StoredRun], list[str]]:
    """Return the runs that an address names (`?run=KEY,KEY`), and a sentence for each whose settings cannot be read.

    A key is a watch key or, in addresses of before, an id.
    """
    named = [run for each in address.split(",")[: figures.MAX_RUNS] for run in runs_at_key(store, each)]
    readable, problems = [], []
    for run in named[: figures.MAX_RUNS]:
        try:
            if not is_watched(run.config):
                config_of(run)
            readable.append(run)
        except ConfigError as error:
            problems.append(f"{error} What it recorded can be downloaded from History.")
    return readable, problems


def board_of(
    store: Store,
    shown: Sequence[StoredRun],
    *,
    workspace: str | None = None,
    show: Show = AS_USUAL,
    trains: bool = False,
    tries: bool = False,
    tried: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the board of stored runs, whose settings can be read (`board_data`).

    workspace: of whoever looks; only runs of their own are steered from the board, and named by their ids on it.
    """
    labels, targets = labels_of(shown), _targets(store, shown)
    runs = [
        BoardRun.watched(run) if is_watched(run.config) else _board_run(run, label, target, mine(run, workspace))
        for run, label, target in zip(shown, labels, targets, strict=True)
    ]
    configs = known_configs(shown)
    matched = len(configs) == len(shown) and Group(tuple(configs)).matched
    return board_data(runs, matched=matched, show=show, trains=trains, tries=tries, tried=tried)


def _board_run(run: StoredRun, label: str, target: str, own: bool) -> BoardRun:
    config = config_of(run)
    return BoardRun.of(run.id, config, label, target) if own else BoardRun.of(watch_key(run.id), config, label)


def mine(run: StoredRun, workspace: str | None) -> bool:
    """Tell whether whoever is in a workspace owns a run."""
    return workspace is not None and run.workspace == workspace


def _targets(store: Store, shown: Sequence[StoredRun]) -> list[str]:
    """Return for each run the id by which it is steered: its group's where all of that is on the board."""
    ids = {run.id for run in shown}
    whole = {group for group in {run.group for run in shown} if all(run.id in ids for run in store.group(group))}
    return [run.group if run.group in whole else run.id for run in shown]


def board_data(
    runs: Sequence[BoardRun],
    *,
    matched: bool = False,
    show: Show = AS_USUAL,
    empty: str = "",
    trains: bool = False,
    tries: bool = False,
    tried: Mapping[str, Any] | None = None,
    example: bool = False,
) -> dict[str, Any]:
    """Return what the board's script is mounted with, `BoardData` of static/types.d.ts, for up to six runs.

    matched: they are of one seed, so that the step at which they part is worth a mark. show: where it begins; readers
    go on from there as they like. empty: what the board says as long as there are no runs. trains: it has a button
    Train. tries: it has "Try it" beside a finding's remedy. tried: what came of the last press. example: fill it with
    the recorded example until there are runs.
    """
    drawing, small = _drawing(tuple(run.figure for run in runs))
    return {
        "module": asset_url("board.js"),
        "plotly": asset_url("plotly.min.js" if small else "plotly-whole.min.js"),
        "matched": matched,
        "trains": trains,
        "tries": tries,
        "tried": tried,
        "show": asdict(show),
        "runs": [_of_run(run) for run in runs],
        "drawing": drawing,
        "empty": empty,
        "example": asset_url("example.json") if example else None,
        "glossary": asset_url("glossary.json"),
        "instruments": {"script": asset_url("instruments.js"), "list": asset_url("instruments.json")},
    }


def _of_run(run: BoardRun) -> dict[str, Any]:
    return {
        "id": run.run_id,
        "learning_rate": run.learning_rate,
        "threshold": run.threshold,
        "settings": run.settings,
        "watch": run.run_id and (run.run_id if watches(run.run_id) else watch_key(run.run_id)),
        "target": run.target,
    }


def warm_board(runs: Sequence[figures.Run]) -> None:
    """Build the figures for these runs before a page asks for them: a quarter of a second of CPU."""
    _drawing(tuple(runs))


def _drawing(runs: tuple[figures.Run, ...]) -> tuple[str, bool]:
    with _building:  # a class that opens the page at once builds the figures once
        return _built(runs)


_building = threading.Lock()


@lru_cache(maxsize=256)
def _built(runs: tuple[figures.Run, ...]) -> tuple[str, bool]:
    """Return how everything is drawn as JSON text, and whether the small plotly.js can draw it.

    Streamlit would search, and encode, a dict anew for every page.
    """
    drawing = figures.drawing(runs)
    return json.dumps(drawing, separators=(",", ":"), allow_nan=False), plotly_js(drawing) == SMALL
