"""A MATLAB file up to version 7 becomes a `Table` or `Sequences`; SciPy, where it is installed, reads the arrays."""

import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.arrays import of_arrays
from rnncore.data.files.limits import MAX_CELLS, MAX_MEMBERS
from rnncore.data.files.table import Table
from rnncore.data.sequences import Sequences

_NUMBERS = ("double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "logical")


def read_mat(data: bytes, name: str, part: str = "") -> Table | Sequences:
    """Read the arrays of numbers in a .mat file: as in an NPZ file; a vector is a column.

    part: the variable that is read where they do not go together.

    Raises:
        DataError: SciPy is missing, version 7.3, damaged, too large, or no arrays of numbers.
    """
    if data[:128].startswith(b"MATLAB 7.3"):
        raise DataError(f"'{name}' is a MATLAB file of version 7.3; save it with save('x.mat', ..., '-v7').")
    try:
        from scipy.io import loadmat, whosmat
    except ImportError:
        raise DataError(
            f"'{name}' is a MATLAB file, for which the package scipy is missing here: install it with "
            "'pip install scipy', or save the data as CSV."
        ) from None
    try:
        about = whosmat(io.BytesIO(data))
        names = [variable for variable, _, kind in about if kind in _NUMBERS]
        _check(about, names, name)
        loaded = loadmat(io.BytesIO(data), variable_names=names)
    except (DataError, MemoryError):
        raise
    except Exception as error:
        what = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
        raise DataError(f"'{name}' is a damaged MATLAB file ({what}); save it again.") from None
    arrays = {variable: _squeezed(loaded[variable]) for variable in names if np.size(loaded[variable]) > 1}
    if not arrays:
        raise DataError(f"'{name}' holds no arrays of numbers; structures and cells cannot be read, save plain arrays.")
    return of_arrays(arrays, name, part, ragged=False)


def _check(about: list[Any], names: list[str], name: str) -> None:
    if len(about) > MAX_MEMBERS:
        raise DataError(f"'{name}' holds {len(about):,} variables; at most {MAX_MEMBERS:,} can be read.")
    total = sum(math.prod(shape) for variable, shape, _ in about if variable in names)
    if total > MAX_CELLS:
        raise DataError(f"The arrays of '{name}' have {total:,} values; at most {MAX_CELLS:,} can be read.")


def _squeezed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a vector, which MATLAB keeps as a matrix, as one; other arrays as they are."""
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array
