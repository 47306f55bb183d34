"""A run's newest weights applied to a new file, in a reader process: neither torch nor the file is touched here."""

from collections.abc import Sequence

from dashboard.experiment.configs import config_of
from dashboard.exports.code import contents, reader_of
from dashboard.exports.weights import weights_file
from rnncore.config import UploadData
from rnncore.data import DataError
from rnncore.data.predictable import check_can_predict
from rnncore.errors import ConfigError
from rnncore.runs.reader.pool import Predicted
from rnncore.runs.reader.shared import readers
from rnncore.runs.store.store import Store, StoredRun

NO_WEIGHTS = "This run has no weights yet; they are kept every few seconds while it trains, and at its end."


def predictable(run: StoredRun) -> bool:
    """Whether a run has columns of a file that a new file can have."""
    try:
        check_can_predict(config_of(run))
    except (DataError, ConfigError):
        return False
    return True


def predictions(store: Store, run: StoredRun, owner: str, files: Sequence[tuple[str, bytes]]) -> Predicted:
    """Return what a run predicts on files (name, content) that are one data set. owner: who waits. Raises DataError."""
    config = config_of(run)
    check_can_predict(config)
    weights = weights_file(store, run)
    if weights is None:
        raise DataError(NO_WEIGHTS)
    own = contents(config.data, reader_of(store, run)) if isinstance(config.data, UploadData) else []
    return readers().predict(owner, config, weights, list(files), own)
