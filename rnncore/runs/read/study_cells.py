"""What came out of a study so far, read from the store: kept in memory, and brought up to date with what is new."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache

from rnncore.runs.store.store import Store
from rnncore.runs.store.studies import StoredStudy
from rnncore.studies.config import StudyConfig, read_study
from rnncore.studies.expansion import StudyCell, cells_of
from rnncore.studies.outcome import CellOutcome
from rnncore.studies.table import outcomes_of

KEPT_STUDIES = 8  # in memory; one of 10,000 runs takes about 10 MB


@dataclass(slots=True)
class StudyView:
    """A study with all that is known of it: summaries by number of the run, and outcomes by index of the cell."""

    config: StudyConfig
    cells: list[StudyCell]
    summaries: dict[int, dict[str, Any]] = field(default_factory=dict)
    outcomes: list[CellOutcome] = field(default_factory=list)
    mark: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, store: Store, stored: StoredStudy) -> None:
        """Take in what is new. Only cells that have changed are reckoned anew."""
        if len(self.summaries) > stored.over:  # failed runs were taken back, to train again
            self.summaries, self.outcomes, self.mark = {}, [], 0
        new, self.mark = store.study_summaries(stored.key, self.mark)
        self.summaries |= dict(new)
        if not self.outcomes:
            self.outcomes = outcomes_of(self.config, self.cells, self.summaries)
            return
        changed = sorted({number // len(self.config.seeds) for number, _ in new})
        fresh = outcomes_of(self.config, [self.cells[index] for index in changed], self.summaries)
        for outcome in fresh:
            self.outcomes[outcome.index] = outcome


_views: LRUCache[tuple[str, str], StudyView] = LRUCache(KEPT_STUDIES)
_lock = threading.Lock()


def study_view(store: Store, stored: StoredStudy) -> StudyView:
    """Return what is known of a study now. Raises ConfigError where its configuration is damaged."""
    key = (str(store.path), stored.id)
    with _lock:
        view = _views.get(key)
    if view is None:
        config = read_study(stored.config)
        view = StudyView(config, cells_of(config))
        with _lock:
            view = _views.setdefault(key, view)
    with view.lock:
        view.update(store, stored)
    return view


def curves_of(store: Store, stored: StoredStudy, seeds: int, cells: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the thinned curves and profiles of the runs of some cells, by number of the run."""
    found: dict[int, dict[str, Any]] = {}
    for cell in cells:
        found |= store.study_thinned(stored.key, cell * seeds, cell * seeds + seeds - 1)
    return found
