"""The user's own files: taken from the browser or the store, read once, prepared for each choice, and kept ready.

The session holds one copy of the bytes, what was read of them last, the choices made, and the last few inspections.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard.experiment.text import visible
from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.config import BundledData, TaskData, UploadData, UploadedFile
from rnncore.data import DataError, SequenceDataset, load_dataset
from rnncore.data.files.limits import MAX_BYTES, MAX_FILES
from rnncore.data.sources import Source, read_source, reading
from rnncore.data.upload import Inspection, prepare
from rnncore.runs.store.store import file_id_of

_STATE = "uploads"
_KEPT_BYTES = 24_000_000  # of files whose inspections are kept: one of a large file, some of small ones
_KEPT = 6
_ROLES = ("features", "targets", "id", "time", "target_kind", "window")
# A choice of one of these makes the finding out of others begin anew.
_UNDOES = {"layout": _ROLES, "delimiter": _ROLES, "decimal": _ROLES, "header": _ROLES, "id": ("features", "targets"),
           "targets": ("target_kind",)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class UserFile:
    """A file of this session: its id (`sha256:...`), name and bytes."""

    id: str
    name: str
    content: bytes


@dataclass(slots=True)
class _State:
    files: tuple[UserFile, ...] = ()
    chosen: dict[str, Any] = field(default_factory=dict)
    kept: dict[UploadData, Inspection | str] = field(default_factory=dict)  # a str: why they cannot be read
    read: tuple[tuple[object, ...], Source] | None = None  # the reading and what came of it
    fresh: bool = False
    missing: int = 0  # files of a run that are no longer stored


def take(files: Sequence[tuple[str, bytes]]) -> None:
    """Make (name, bytes) the files of this session, with nothing chosen about them."""
    before = _state().files
    own = tuple(UserFile(file_id_of(content), visible(name)[-500:] or "file", content) for name, content in files)
    if own != before:
        st.session_state[_STATE] = _State(own, fresh=bool(own))


def reopen(options: UploadData) -> None:
    """Take up again the stored files of a run of this workspace, with all that was chosen about them."""
    store, workspace = services.scheduler().store, workspace_id()
    found = {entry.file: store.file(workspace, entry.file) for entry in options.files}
    own = tuple(
        UserFile(entry.file, entry.name or "your file", content)
        for entry in options.files
        if (content := found[entry.file]) is not None
    )
    missing = len(options.files) - len(own)
    chosen = {name: value for name, value in options if name not in ("kind", "files")}
    st.session_state[_STATE] = _State(() if missing else own, {} if missing else chosen, missing=missing)


def files() -> tuple[UserFile, ...]:
    """Return the files of this session."""
    return _state().files


def lost() -> int:
    """Return how many files of the experiment that was opened are no longer stored."""
    return _state().missing


def take_fresh() -> bool:
    """Tell, once, whether files have just arrived."""
    state = _state()
    fresh, state.fresh = state.fresh, False
    return fresh


def choose(name: str, value: Any) -> None:
    """Set an option of the files; what depends on it is found out anew."""
    chosen = _state().chosen
    for other in _UNDOES.get(name, ()):
        chosen.pop(other, None)
    chosen[name] = value


def current() -> Inspection | None:
    """Return what the session's files are and become, None without files.

    Raises:
        DataError: they cannot be read.
    """
    state = _state()
    return _inspect(options(), state) if state.files else None


def usable() -> bool:
    """Tell whether a data set has come of the session's files."""
    try:
        inspection = current()
    except DataError:
        return False
    return inspection is not None and inspection.dataset is not None


def options() -> UploadData:
    """Return the files with what was chosen, the rest left to be found out. Raises DataError, ValidationError."""
    state = _state()
    if not state.files:
        raise DataError("Choose a file first.")
    if len(state.files) > MAX_FILES:
        raise DataError(f"{len(state.files):,} files are too many; at most {MAX_FILES:,} can be read together.")
    names = tuple(UploadedFile(file=file.id, name=file.name) for file in state.files)
    return UploadData.model_validate({"files": names, **state.chosen})


def draft() -> dict[str, Any]:
    """Return the config of the data as a dict, not yet validated: as found where that worked, else as chosen."""
    state = _state()
    try:
        inspection = current()
    except DataError:
        inspection = None
    if inspection is not None:
        return inspection.options.model_dump()
    named = [{"file": file.id, "name": file.name} for file in state.files[:MAX_FILES]]
    return {"kind": "upload", "files": named, **state.chosen}


def dataset(data: TaskData | BundledData | UploadData) -> SequenceDataset:
    """Build the data of a config, or return those that are ready. Raises DataError."""
    if not isinstance(data, UploadData):
        return load_dataset(data, read_file)
    inspection = _inspect(data, _state())
    if inspection.dataset is None:
        raise DataError(inspection.error or "The files cannot be used.")
    return inspection.dataset


def read_file(file_id: str) -> bytes:
    """Return the bytes of a file of this session; DataError when there is none of that id."""
    for file in _state().files:
        if file.id == file_id:
            return file.content
    raise DataError("Choose a file first.")


def _state() -> _State:
    state: _State = st.session_state.setdefault(_STATE, _State())
    return state


def _inspect(data: UploadData, state: _State) -> Inspection:
    """Return the inspection of files with options, from those kept where it is among them."""
    found = state.kept.get(data)
    if found is None:
        contents = [(entry.name or "file", read_file(entry.file)) for entry in data.files]
        total = sum(len(content) for _, content in contents)
        room = min(_KEPT, max(1, _KEPT_BYTES // max(total, 1))) if total <= MAX_BYTES else 1
        while len({id(each) for each in state.kept.values()}) >= room:
            state.kept.pop(next(iter(state.kept)))
        try:
            found = prepare(_read(contents, data, state), data)
        except DataError as error:
            found = str(error)
        state.kept[data] = found
        if isinstance(found, Inspection) and found.dataset is not None:
            state.kept[found.options] = found  # all filled in, it says the same
    if isinstance(found, str):
        raise DataError(found)
    return found


def _read(contents: list[tuple[str, bytes]], data: UploadData, state: _State) -> Source:
    """Return what the files hold, read anew only where the options ask for another reading than the last one."""
    wanted = reading(data)
    if state.read is None or state.read[0] != wanted:
        state.read = None  # given back before the next one is made
        state.read = wanted, read_source(contents, data)
    return state.read[1]
