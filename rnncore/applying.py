"""Using what was trained: a run's weights applied to a new file of the same columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from rnncore.config import BundledData, TrainConfig, UploadData
from rnncore.data.bundled import as_file, bundled_dataset
from rnncore.data.dataset import DataError, SequenceDataset
from rnncore.data.files.table import Table
from rnncore.data.formats import Source
from rnncore.data.new_file import read_as
from rnncore.data.predictable import OF_TEXT, check_can_predict
from rnncore.data.prediction import Prediction, predicted
from rnncore.data.roles.calendar import on_the_calendar
from rnncore.data.roles.columns import Roles
from rnncore.data.roles.placeholders import placeholders_of
from rnncore.data.sources import read_source
from rnncore.data.upload import prepare, read_upload
from rnncore.engine.answering import network_of
from rnncore.weights import parameter_shapes

OTHER_SHAPES = (
    "The weights of this run do not fit its files as they are read now: an older version of this program trained it, "
    "or the files have changed; train it again."
)


def apply_run(
    config: TrainConfig,
    weights: Mapping[str, NDArray[Any]],
    read_file: Callable[[str], bytes],
    files: Sequence[tuple[str, bytes]],
    max_cells: int | None = None,
) -> Prediction:
    """Return what the network with these weights answers to a new file.

    The run's own files are read again (`read_file`: id or path -> bytes), and its scales, classes and words are worked
    out of their training part as they were when it trained; the new file has no part in them. weights: by the names of
    `SequenceModel.state_dict`. files: (name, bytes). max_cells: of the table of predictions; None: any number.

    Raises:
        DataError: the run has no columns, or the file lacks some of them, is too short or cannot be read.
    """
    check_can_predict(config)
    trained, options, roles, dataset = _as_trained(config, read_file)
    if dataset.coding is None:
        raise DataError(OF_TEXT)
    stand_in: dict[str, float] = {}
    if isinstance(trained, Table) and isinstance(config.data, UploadData) and options.placeholders == "missing":
        stand_in = placeholders_of(on_the_calendar(trained, config.data))
    source = read_source(files, options)
    if isinstance(trained, Table) and isinstance(source, Table) and trained.has_header != source.has_header:
        header = "yes" if trained.has_header else "no"  # a few rows may not show whether there is one
        source = read_source(files, options.model_copy(update={"header": header}))
    file = read_as(source, trained, options, roles, dataset.coding, stand_in)
    sizes = dataset.input_size, dataset.output_size
    shapes = parameter_shapes(config.model, *sizes)
    if {name: tuple(values.shape) for name, values in weights.items()} != {k: tuple(v) for k, v in shapes.items()}:
        raise DataError(OTHER_SHAPES)
    network = network_of(config.model, *sizes, weights)
    return predicted(file, dataset.coding, network, max_cells)


def _as_trained(
    config: TrainConfig, read_file: Callable[[str], bytes]
) -> tuple[Source, UploadData, Roles | None, SequenceDataset]:
    """Return what a run learned from as it was read, options and roles filled in, its data set. Raises DataError."""
    if isinstance(config.data, BundledData):
        return *as_file(config.data), bundled_dataset(config.data)
    assert isinstance(config.data, UploadData)
    trained = read_upload(config.data, read_file)
    found = prepare(trained, config.data)
    if found.dataset is None:
        raise DataError(found.error or "The files of this run cannot be used.")
    return trained, found.options, found.roles, found.dataset
