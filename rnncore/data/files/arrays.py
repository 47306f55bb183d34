"""NPY and NPZ files become a `Table` or `Sequences`; never unpickled, sizes checked before anything is unpacked."""

import io
import math
import re
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_CELLS, MAX_COLUMNS, MAX_MEMBERS, MAX_UNPACKED_BYTES
from rnncore.data.files.parts import chosen_part, told
from rnncore.data.files.table import Column, Table, make_column, numeric_column
from rnncore.data.sequences import Feature, Labels, Sequences, class_labels, columns_of, offsets_of
from rnncore.words import listed, many

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_INPUT_NAME = re.compile(
    r"^(x|data|inputs?|features?|series|sequences?|arr_0)(_?(train|test|val|valid|validation))?$", re.I
)
_LABEL_NAME = re.compile(
    r"^(y|labels?|targets?|outputs?|class(es)?|arr_1)(_?(train|test|val|valid|validation))?$", re.I
)
_NUMBER = re.compile(r"\d+")
_HELD_OUT = re.compile(r"(?<![a-z])(test|val|valid|validation)(?![a-z])|_?(test|val|valid|validation)$", re.I)


def read_npy(data: bytes, name: str) -> Table | Sequences:
    """Read an NPY file: (T,) and (T, F) are tables, (N, T, F) sequences.

    Raises:
        DataError: a damaged file, Python objects, or an array of another kind or shape.
    """
    return _from_arrays({"value": _array(data, name, "the array")}, name)


def read_npz(data: bytes, name: str, part: str = "") -> Table | Sequences:
    """Read an NPZ file: inputs X and labels y (also X_train, X_test, ...), or columns of equal length.

    part: the array that is read where they do not go together; '' = the largest one.

    Raises:
        DataError: a damaged file, too large unpacked, Python objects, or arrays that do not go together.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            if len(entries) > MAX_MEMBERS:
                raise DataError(f"'{name}' holds {len(entries):,} arrays; at most {MAX_MEMBERS:,} can be read.")
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > MAX_UNPACKED_BYTES:
                raise DataError(
                    f"'{name}' unpacks to {unpacked / 1e6:,.0f} MB; at most {MAX_UNPACKED_BYTES / 1e6:.0f} MB "
                    "can be read."
                )
            if not entries:
                raise DataError(f"'{name}' is a ZIP archive that holds no NumPy arrays.")
            arrays = {
                entry.filename.removesuffix(".npy"): _array(_unpack(archive, entry), name, f"'{entry.filename}'")
                for entry in entries
            }
    except DataError:
        raise
    except Exception as error:  # a damaged archive can fail anywhere in zipfile and zlib
        raise DataError(f"'{name}' is a damaged NPZ file ({_first_line(error)}); save it again.") from None
    return of_arrays(arrays, name, part)


def of_arrays(arrays: dict[str, NDArray[Any]], name: str, part: str = "", *, ragged: bool = True) -> Table | Sequences:
    """Return arrays by their names as one table or one set of sequences, or one of them where they do not go together.

    part: which one, '' = the largest. ragged: whether arrays of different length are a sequence each whatever they are
    called, else only where their names differ in numbers alone.

    Raises:
        DataError: an array of another kind or shape, or no array `part`.
    """
    if not part and _go_together(arrays, ragged):
        return _from_arrays(arrays, name)
    if not part and (pairs := _pairs(arrays)):
        return _of_pairs(arrays, pairs, name)
    chosen = chosen_part(part, list(arrays), max(arrays, key=lambda key: arrays[key].size), name, "array")
    source = _from_arrays({chosen: arrays[chosen]}, name)
    note = f"The arrays do not go together ({_shapes(arrays)}); '{chosen}' was read."
    return replace(source, parts=told(list(arrays)), part=chosen, notes=(note, *source.notes))


def _go_together(arrays: dict[str, NDArray[Any]], ragged: bool) -> bool:
    """Whether arrays are inputs and labels, columns of one length, or sequences of different length."""
    inputs, labels = (sum(bool(names.match(key)) for key in arrays) for names in (_INPUT_NAME, _LABEL_NAME))
    if len(arrays) == 1 or (inputs and inputs == labels):
        return True
    if any(value.ndim not in (1, 2) for value in arrays.values()):
        return False
    if len({len(value) for value in arrays.values()}) == 1:
        return True
    if not ragged and len({_NUMBER.sub("", key) for key in arrays}) > 1:
        return False
    return (
        all(value.dtype.kind in "biuf" for value in arrays.values())
        and len({value.reshape(len(value), -1).shape[1] for value in arrays.values()}) == 1
    )


def _pairs(arrays: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Return name of sequences (N, T, F) -> name of their targets, whatever they are called; empty where it is unsure.

    The targets of each are the only other array of as many rows; sequences of one length and width belong together.
    """
    cubes = [key for key, value in arrays.items() if value.ndim == 3 and value.dtype.kind in "biuf"]
    others = [key for key, value in arrays.items() if value.ndim in (1, 2) and len(value) > 1]
    found: dict[str, str] = {}
    for cube in cubes:
        own = [key for key in others if len(arrays[key]) == len(arrays[cube])]
        if len(own) != 1 or own[0] in found.values():
            return {}
        found[cube] = own[0]
    return found if len({arrays[cube].shape[1:] for cube in cubes}) == 1 else {}


def _of_pairs(arrays: dict[str, NDArray[Any]], pairs: dict[str, str], name: str) -> Sequences:
    inputs = {key: arrays[key] for key in pairs}
    labels = {key: arrays[own] for key, own in pairs.items()}  # called like their sequences, so that they stay in order
    notes = [f"'{own}' has as many rows as '{key}' has sequences: a target for each." for key, own in pairs.items()]
    source = _labelled(inputs, labels, name)
    return replace(source, notes=(*notes[:2], *source.notes))


def _shapes(arrays: dict[str, NDArray[Any]]) -> str:
    more = f" and {len(arrays) - 6:,} more" if len(arrays) > 6 else ""
    return ", ".join(f"{key[:40]} {value.shape}" for key, value in list(arrays.items())[:6]) + more


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        return stream.read(entry.file_size + 1)


def _array(data: bytes, name: str, which: str) -> NDArray[Any]:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        shape, _, dtype = _HEADERS[version](stream)
    except Exception as error:  # NumPy parses the header as a Python literal, in which anything can go wrong
        raise DataError(f"'{name}' is a damaged NumPy file ({_first_line(error)}); save it again.") from None
    if dtype.hasobject:
        raise DataError(
            f"{which.capitalize()} in '{name}' holds Python objects, which are never unpickled; "
            "save plain numbers (for ragged sequences: one array for each, or pad with NaN)."
        )
    if any(isinstance(size, bool) for size in shape) or min(shape, default=0) < 0:
        raise DataError(f"'{name}' is a damaged NumPy file (its shape is {str(shape)[:60]}); save it again.")
    size = math.prod(shape)
    if size == 0 or size > MAX_CELLS:
        raise DataError(f"{which.capitalize()} in '{name}' has {size:,} values; 1 to {MAX_CELLS:,} can be read.")
    if size * dtype.itemsize > len(data) - stream.tell():
        raise DataError(f"'{name}' is a damaged NumPy file (it ends too early); save it again.")
    array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    if not (array.dtype.kind in "biufU" or array.dtype.kind == "M"):
        raise DataError(f"{which.capitalize()} in '{name}' holds values of type {array.dtype}; save numbers or text.")
    return array


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:120]


def _from_arrays(arrays: dict[str, NDArray[Any]], name: str) -> Table | Sequences:
    inputs = {key: value for key, value in arrays.items() if _INPUT_NAME.match(key)}
    labels = {key: value for key, value in arrays.items() if _LABEL_NAME.match(key)}
    if inputs and labels and len(inputs) == len(labels):
        return _labelled(inputs, labels, name)
    if len(arrays) == 1:
        (only,) = arrays.values()
        if only.ndim == 3:
            return _plain(only, name)
        return _table(arrays, name)
    same = len({len(value) for value in arrays.values()}) == 1
    return _table(arrays, name) if same else _ragged(arrays, name)


def _numbers(array: NDArray[Any], name: str) -> NDArray[np.float64]:
    if array.dtype.kind not in "biuf":
        raise DataError(f"The inputs in '{name}' hold {array.dtype} instead of numbers.")
    return array.astype(np.float64)


def _cube(array: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Return inputs as (N, T, F)."""
    values = _numbers(array, name)
    if values.ndim not in (2, 3):
        raise DataError(f"The inputs in '{name}' have the shape {values.shape}; (N, T) or (N, T, F) can be read.")
    if values.shape[-1] > MAX_COLUMNS and values.ndim == 3:
        raise DataError(f"'{name}' has {values.shape[-1]:,} features; at most {MAX_COLUMNS:,} can be read.")
    return values if values.ndim == 3 else values[:, :, None]


def _features(count: int) -> tuple[Feature, ...]:
    return tuple(Feature("value" if count == 1 else f"feature {place + 1}") for place in range(count))


def _plain(array: NDArray[Any], name: str) -> Sequences:
    cube = _cube(array, name)
    count, _, width = cube.shape
    every = tuple(range(width))
    ids = tuple(str(place) for place in range(count))
    inside = _inside(cube)
    return Sequences(
        name, _features(width), columns_of(_valid(cube, inside)), offsets_of(inside.sum(1)), ids, every, (width - 1,)
    )


def _inside(cube: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which timesteps belong to each sequence, (N, T): those at its end that hold only NaN are padding."""
    known: NDArray[np.bool_] = np.logical_not(np.isnan(cube).min(axis=2))  # (N, T)
    lengths = np.where(known.any(1), cube.shape[1] - np.argmax(known[:, ::-1], axis=1), 1)
    inside: NDArray[np.bool_] = np.arange(cube.shape[1]) < lengths[:, None]
    return inside


def _valid(values: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the rows of (N, T, ...) that are inside, one below the other; a view where all of them are."""
    return values.reshape(-1, *values.shape[2:]) if inside.all() else values[inside]


def _labelled(inputs: dict[str, NDArray[Any]], labels: dict[str, NDArray[Any]], name: str) -> Sequences:
    """Join X and y, or X_train, y_train, X_test and y_test, whose split is kept."""
    cubes, targets, held_out = [], [], []
    for (key, values), (other, answers) in zip(sorted(inputs.items()), sorted(labels.items()), strict=True):
        cube = _cube(values, name)
        if len(cube) != len(answers):
            raise DataError(
                f"'{name}': {key} has {many(len(cube), 'sequence')} and {other} {many(len(answers), 'label')}."
            )
        cubes.append(cube)
        targets.append(answers)
        held_out += [bool(_HELD_OUT.search(key))] * len(cube)
    if len({cube.shape[1:] for cube in cubes}) > 1:
        raise DataError(f"The inputs of '{name}' have different shapes: {listed([str(c.shape) for c in cubes])}.")
    cube, answers = (each[0] if len(each) == 1 else np.concatenate(each) for each in (cubes, targets))
    count, steps, width = cube.shape
    ids, every, inside = tuple(str(place) for place in range(count)), tuple(range(width)), _inside(cube)
    given = np.array(held_out) if any(held_out) and not all(held_out) else None
    every_step = answers.shape[:2] == (count, steps) and steps > 1 and (answers.ndim == 3 or not _one_hot(answers))
    if answers.ndim > (3 if every_step else 2):
        raise DataError(
            f"The labels of '{name}' have the shape {answers.shape} where the inputs have {cube.shape}; one target per "
            f"sequence, (N,) or (N, O), or one at every step, (N, T) or (N, T, O), can be read."
        )
    target = replace(_label_values(_valid(answers, inside) if every_step else answers), every_step=every_step)
    notes = ("There is a target at every timestep.",) if every_step else ()
    steps_inside, offsets = columns_of(_valid(cube, inside)), offsets_of(inside.sum(1))
    return Sequences(
        name, _features(width), steps_inside, offsets, ids, every, labels=target, held_out=given, notes=notes
    )


def _label_values(answers: NDArray[Any]) -> Labels:
    """Return targets (K,) or (K, O) as classes where they are words or one-hot, else as numbers."""
    answers = answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers
    if answers.ndim == 2:
        if answers.dtype.kind not in "biuf":
            raise DataError(f"Several targets at once must be numbers, not {answers.dtype}.")
        if _one_hot(answers):
            codes = answers.argmax(1).astype(np.float64)[:, None]
            return Labels(("class",), codes, tuple(str(place) for place in range(answers.shape[1])))
        return Labels(tuple(f"y {place + 1}" for place in range(answers.shape[1])), answers.astype(np.float64))
    if answers.dtype.kind in "UM":
        return class_labels("class", answers.astype(str).tolist())
    return Labels(("y",), answers.astype(np.float64)[:, None])


def _one_hot(answers: NDArray[Any]) -> bool:
    """Whether each row (K, O) has a single 1 among zeros."""
    if answers.dtype.kind not in "biuf" or answers.shape[1] < 2:
        return False
    return bool(np.isin(answers, (0, 1)).all() and (answers.sum(1) == 1).all())


def _ragged(arrays: dict[str, NDArray[Any]], name: str) -> Sequences:
    """Arrays of different length are one sequence each."""
    parts = [value.astype(np.float64).reshape(len(value), -1) for value in arrays.values()]
    width = parts[0].shape[1]
    values, offsets = columns_of(np.concatenate(parts)), offsets_of([len(part) for part in parts])
    return Sequences(name, _features(width), values, offsets, tuple(arrays), tuple(range(width)), (width - 1,))


def _table(arrays: dict[str, NDArray[Any]], name: str) -> Table:
    columns: list[Column] = []
    for key, value in arrays.items():
        if value.ndim == 0 or value.ndim > 2:
            raise DataError(
                f"'{name}' holds an array of the shape {value.shape}; (T,), (T, F) and (N, T, F) can be read."
            )
        parts = value.reshape(len(value), -1)
        if parts.shape[1] > MAX_COLUMNS:
            raise DataError(f"'{name}' has {parts.shape[1]:,} columns; at most {MAX_COLUMNS:,} can be read.")
        for place in range(parts.shape[1]):
            column = key if parts.shape[1] == 1 else f"{'column' if len(arrays) == 1 else key} {place + 1}"
            if value.dtype.kind in "biuf":
                columns.append(numeric_column(column, parts[:, place].astype(np.float64)))
            else:
                columns.append(make_column(column, _text(parts[:, place])))
    return Table(name, tuple(columns), len(columns[0].content), 1, (), has_header=False)


def _text(values: NDArray[Any]) -> Any:
    import pyarrow as pa

    return pa.array(values.astype(str).tolist(), pa.string())
