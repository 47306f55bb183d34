"""An HDF5 file becomes a `Table` or `Sequences`; h5py, where it is installed, reads the arrays."""

import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.arrays import of_arrays
from rnncore.data.files.limits import MAX_CELLS, MAX_MEMBERS, MAX_UNPACKED_BYTES
from rnncore.data.files.table import Table
from rnncore.data.sequences import Sequences

_DEPTH = 10  # of groups inside of groups
_OF_MODELS = ("model_config", "keras_version", "layer_names")


def read_hdf5(data: bytes, name: str, part: str = "") -> Table | Sequences:
    """Read the arrays of an HDF5 file, as in an NPZ file; links to other files are never followed.

    part: the path of the array that is read where they do not go together.

    Raises:
        DataError: h5py is missing, a model, damaged, too large, data in other files, or no arrays of numbers.
    """
    try:
        import h5py
    except ImportError:
        raise DataError(
            f"'{name}' is an HDF5 file, for which the package h5py is missing here: install it with "
            "'pip install h5py', or save the data as CSV."
        ) from None
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            if any(mark in file.attrs for mark in _OF_MODELS):
                raise DataError(f"'{name}' holds a Keras model, no data; upload the data that it was trained on.")
            found: dict[str, Any] = {}
            _collect(file, "", 0, found, name)
            _check_size(found, name)
            arrays = {}
            for path, dataset in found.items():
                arrays.update(_arrays(path, _long_texts(dataset, name) if _is_text(dataset) else dataset[()]))
    except (DataError, MemoryError):
        raise
    except Exception as error:
        what = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
        raise DataError(f"'{name}' is a damaged HDF5 file ({what}); save it again.") from None
    if not arrays:
        raise DataError(f"'{name}' is an HDF5 file without arrays of numbers or text.")
    return of_arrays(arrays, name, part, ragged=False)


def _check_size(found: dict[str, Any], name: str) -> None:
    """Refuse arrays of too many values, or of too many bytes where one value is long."""
    total = sum(math.prod(each.shape) for each in found.values())
    if total > MAX_CELLS:
        raise DataError(f"The arrays of '{name}' have {total:,} values; at most {MAX_CELLS:,} can be read.")
    size = sum(math.prod(each.shape) * each.dtype.itemsize for each in found.values())
    if size > MAX_UNPACKED_BYTES:
        raise _too_large(name, size)


def _long_texts(dataset: Any, name: str) -> NDArray[Any]:
    """Return an array of texts of any length, read in pieces: the file does not say how long they are together."""
    step, size, pieces = max(1, 1_000 // math.prod(dataset.shape[1:])), 0, []
    for start in range(0, dataset.shape[0], step):
        pieces.append(dataset[start : start + step])
        size += sum(map(len, pieces[-1].ravel()))
        if size > MAX_UNPACKED_BYTES:
            raise _too_large(name, size)
    return np.concatenate(pieces)


def _too_large(name: str, size: int) -> DataError:
    return DataError(
        f"The arrays of '{name}' take {size / 1e6:,.0f} MB or more; at most {MAX_UNPACKED_BYTES / 1e6:.0f} MB can be "
        "read."
    )


def _collect(group: Any, path: str, depth: int, found: dict[str, Any], name: str) -> None:
    """Collect the arrays in a group by their paths; what lies in other files is refused, never opened."""
    import h5py

    for key in group:
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise DataError(
                f"'{name}' takes '{path}{key}' from another file, which is not followed; save one whole file."
            )
        if not isinstance(link, h5py.HardLink):
            continue
        entry = group[key]
        if isinstance(entry, h5py.Group):
            if depth < _DEPTH:
                _collect(entry, f"{path}{key}/", depth + 1, found, name)
        elif isinstance(entry, h5py.Dataset):
            if entry.external or entry.is_virtual:
                raise _elsewhere(name, f"{path}{key}")
            if len(found) >= MAX_MEMBERS:
                raise DataError(f"'{name}' holds more than {MAX_MEMBERS:,} arrays; that many cannot be read.")
            if (
                entry.shape
                and math.prod(entry.shape) > 1
                and (entry.dtype.kind in "biufS" or entry.dtype.names or _is_text(entry))
            ):
                found[f"{path}{key}"] = entry


def _elsewhere(name: str, path: str) -> DataError:
    return DataError(f"'{name}' takes '{path}' from another file, which is not followed; save one whole file.")


def _is_text(dataset: Any) -> bool:
    import h5py

    return h5py.check_string_dtype(dataset.dtype) is not None


def _arrays(path: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return an array by its path, or one for each field of a table of fields; bytes as text."""
    if values.dtype.names:
        fields = {field: values[field] for field in values.dtype.names}
        return {
            f"{path}/{field}": _text(each)
            for field, each in fields.items()
            if each.dtype.kind in "biufSO" and each.size
        }
    return {path: _text(values)}


def _text(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind not in "SO":
        return values
    return np.array(
        [str(each, "utf-8", "replace") if isinstance(each, bytes) else str(each) for each in values.ravel()]
    ).reshape(values.shape)
