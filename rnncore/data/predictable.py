"""Which runs can be applied to a new file: those that learned from real data, and were not broken on purpose."""

from rnncore.config import TrainConfig
from rnncore.data.dataset import DataError
from rnncore.mistakes import NONE

NO_COLUMNS = {
    "task": "This run learned a synthetic task, which has no columns of a file: there is nothing to predict on.",
}
OF_TEXT = "This run learned to continue a text, which has no columns of a file: there is nothing to predict on."
BROKEN = (
    "This run was broken on purpose ('{}'), so what it predicts on a file would mislead; train it without the mistake."
)


def check_can_predict(config: TrainConfig) -> None:
    """Raise a DataError, one sentence, where a run has no columns of a file or was broken on purpose."""
    if sentence := NO_COLUMNS.get(config.data.kind):
        raise DataError(sentence)
    if config.mistake != NONE:
        raise DataError(BROKEN.format(config.mistake))
