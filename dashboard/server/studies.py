"""Studies for the pages and the API alike: what is checked before one starts, how long it takes, opening a cell."""

from dataclasses import dataclass

from dashboard.experiment.groups import Group
from dashboard.experiment.words import label
from dashboard.server import services
from dashboard.server.starting import described
from rnncore.config import TrainConfig
from rnncore.data.dataset import Described
from rnncore.errors import ConfigError
from rnncore.runs import active
from rnncore.runs.read.study_cells import StudyView, study_view
from rnncore.runs.store.keys import WATCH_KEY
from rnncore.runs.store.studies import StoredStudy
from rnncore.runs.studies import UnknownStudy
from rnncore.studies.config import ASKS_ABOVE, StudyConfig
from rnncore.studies.expansion import cells_of, check_cells
from rnncore.studies.forecast import study_seconds, told_duration
from rnncore.words import many

MOST_OPENED = 6  # runs of a cell that a board shows at once


@dataclass(frozen=True, slots=True)
class Planned:
    """A study that may start. seconds: estimated. asks: whether that is to be confirmed first."""

    runs: int
    cells: int
    seconds: float
    places: int

    @property
    def asks(self) -> bool:
        """Whether a person is asked before it starts."""
        return self.runs > ASKS_ABOVE

    @property
    def sentence(self) -> str:
        """How large it is and how long it takes."""
        size = f"{many(self.runs, 'run')} in {many(self.cells, 'cell')}"
        return f"{size}, {told_duration(self.seconds)} with {many(self.places, 'run')} at once"


def plan(workspace: str, owner: str, study: StudyConfig) -> Planned:
    """Check a study as its runs would be checked one by one, and estimate how long it takes.

    Raises ConfigError, DataError or LimitError, one sentence.
    """
    scheduler = services.scheduler()
    scheduler.studies.check_size(study)
    known: dict[tuple[str, str], Described] = {}

    def describe(config: TrainConfig) -> Described:
        key = (config.data.model_dump_json(), config.mistake)
        if key not in known:
            known[key] = described(workspace, owner or workspace, config)
        return known[key]

    cells = cells_of(study)
    check_cells(cells, describe, study.success)
    places = scheduler.overview().workers
    return Planned(study.run_count, len(cells), study_seconds(cells, describe, places), places)


def start(workspace: str, study: StudyConfig, name: str, owner: str = "") -> str:
    """Start a study that was planned; return its id. Raises as `Studies.submit`."""
    return services.scheduler().studies.submit(workspace, study, name, owner)


def found(study_id: str) -> StoredStudy:
    """Return the study that an id or a watch key stands for. Raises UnknownStudy."""
    store = services.scheduler().store
    stored = store.watched_study(study_id) if WATCH_KEY.fullmatch(study_id) else store.study(study_id)
    if stored is None:
        raise UnknownStudy("There is no such study (any more).")
    return stored


def view(stored: StoredStudy) -> StudyView:
    """Return what is known of a study now. Raises ConfigError where its configuration is damaged."""
    return study_view(services.scheduler().store, stored)


def open_cell(workspace: str, stored: StoredStudy, cell: int, owner: str = "") -> active.Group:
    """Train the runs of a cell on a board, at most `MOST_OPENED`, with everything recorded; return their group.

    A study keeps a summary of each run alone. A run is the same, bit for bit, each time it trains.
    Raises ConfigError, DataError, LimitError.
    """
    known = view(stored)
    if not 0 <= cell < len(known.cells):
        raise ConfigError(f"cell: {cell} is not allowed; allowed: 0 to {len(known.cells) - 1:,}")
    configs = known.cells[cell].configs[:MOST_OPENED]
    scheduler = services.scheduler()
    labels = Group(tuple(configs)).labels() if len(configs) > 1 else [label(configs[0])]
    return scheduler.submit(workspace, configs, labels, owner=owner)
