"""What runs can be compared by: nothing, clipping, or a setting with several values. One entry for each."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.experiment.relevance import relevant
from dashboard.experiment.setting_paths import values
from dashboard.experiment.setting_values import can_vary
from rnncore.config import TrainConfig
from rnncore.registry import Choice, Registry

NOTHING, CLIPPING, FIELD = "nothing", "clipping", "field"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareBy(Choice):
    """A way to compare.

    paths: the setting that it varies; of several the first that means something with the data at hand. None: it
    varies no one setting. any: the setting is chosen among all that no other entry has. ready: the values that it is
    compared by at once, of a network that otherwise has its usual settings; from then on it is the comparison of that
    setting which comes first here.
    """

    paths: tuple[str, ...] = ()
    any: bool = False
    ready: tuple[str, ...] = ()


COMPARE_BY: Registry[CompareBy] = Registry("comparison")

COMPARE_BY.register(CompareBy(key=NOTHING, title="nothing", help="One run."))
COMPARE_BY.register(
    CompareBy(key=CLIPPING, title="clipping", help="With and without clipping, which is the only difference.")
)
COMPARE_BY.register(CompareBy(key="cell", title="cell", help="A run for each cell.", paths=("model.cell",)))
COMPARE_BY.register(
    CompareBy(
        key="thirty_years",
        title="thirty years of cells",
        help="RNN, LSTM, GRU, minGRU and LRU on these data, each with its usual initial weights.",
        paths=("model.cell",),
        ready=("rnn", "lstm", "gru", "mingru", "lru"),
    )
)
COMPARE_BY.register(
    CompareBy(
        key="initialization",
        title="initialisation",
        help="A run for each way in which the recurrent weights can begin.",
        paths=("init.scheme",),
    )
)
COMPARE_BY.register(
    CompareBy(key="optimizer", title="optimiser", help="A run for each optimiser.", paths=("optimizer.name",))
)
COMPARE_BY.register(
    CompareBy(
        key="learning_rate",
        title="learning rate",
        help="A run for each learning rate.",
        paths=("optimizer.learning_rate",),
    )
)
COMPARE_BY.register(
    CompareBy(
        key="seq_len",
        title="sequence length",
        help="A run for each length of the sequences, or of the windows that are cut from a series.",
        paths=("data.seq_len", "data.window"),
    )
)
COMPARE_BY.register(
    CompareBy(key="seed", title="seeds", help="The same with other weights and other batches.", paths=("seed",))
)
COMPARE_BY.register(CompareBy(key=FIELD, title="choose a field …", help="A run for each value of a field.", any=True))


def key_for(path: str) -> str:
    """Return the entry that varies a setting."""
    return next((key for key, entry in COMPARE_BY.items() if path in entry.paths), FIELD)


def path_of(entry: CompareBy, config: TrainConfig) -> str | None:
    """Return the setting that an entry varies in this experiment; None where there is none."""
    offered = varied_by(config)
    return next((path for path in entry.paths if path in offered), None)


def other_fields(config: TrainConfig) -> list[str]:
    """Return the settings of this experiment that no entry has to itself."""
    return [path for path in varied_by(config) if key_for(path) == FIELD]


def varied_by(config: TrainConfig) -> Sequence[str]:
    """Return the settings that mean something in this experiment and can have several values."""
    said = dict(values(config))
    return [path for path in said if relevant(path, said.get) and can_vary(path, config)]
