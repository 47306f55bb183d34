"""The user's own files: taken from the browser or the store, and what a reader process has found in them.

The session holds one copy of the bytes, the choices made, and the last few findings; nothing is parsed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.config import BundledData, TaskData, UploadData, UploadedFile
from rnncore.data import DataError, SequenceDataset, load_dataset
from rnncore.data.files.limits import MAX_FILES
from rnncore.data.findings import DataSummary
from rnncore.runs.reader.jobs import Findings
from rnncore.runs.store.store import file_id_of
from rnncore.words import visible

_STATE = "uploads"
_KEPT = 6
_ROLES = ("features", "targets", "id", "time", "target_kind", "window")
# A choice of one of these makes the finding out of others begin anew.
_UNDOES = {"layout": _ROLES, "delimiter": _ROLES, "decimal": _ROLES, "header": _ROLES, "part": ("layout", *_ROLES),
           "id": ("features", "targets"), "targets": ("target_kind",)}  # fmt: skip


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
    kept: dict[UploadData, Findings | str] = field(default_factory=dict)  # a str: why they cannot be read
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


def adopt(reading: UploadData) -> None:
    """Choose one of the readings of the files: its layout and roles."""
    chosen = _state().chosen
    for name in _ROLES:
        chosen.pop(name, None)
    for name in ("layout", "id", "time", "features", "targets"):
        chosen[name] = getattr(reading, name)


def current() -> Findings | None:
    """Return what the session's files are and become, None without files.

    Raises:
        DataError: they cannot be read.
    """
    state = _state()
    return _inspect(options(), state) if state.files else None


def usable() -> bool:
    """Tell whether a data set has come of the session's files."""
    try:
        found = current()
    except DataError:
        return False
    return found is not None and found.summary is not None


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
        found = current()
    except DataError:
        found = None
    if found is not None:
        return found.inspection.options.model_dump()
    named = [{"file": file.id, "name": file.name} for file in state.files[:MAX_FILES]]
    return {"kind": "upload", "files": named, **state.chosen}


def summary(data: TaskData | BundledData | UploadData) -> SequenceDataset | DataSummary:
    """Return what a run on the data of a config is checked against. Raises DataError."""
    if isinstance(data, TaskData | BundledData):
        return load_dataset(data)
    found = _inspect(data, _state())
    if found.summary is None:
        raise DataError(found.inspection.error or "The files cannot be used.")
    return found.summary


def read_file(file_id: str) -> bytes:
    """Return the bytes of a file of this session; DataError when there is none of that id."""
    for file in _state().files:
        if file.id == file_id:
            return file.content
    raise DataError("Choose a file first.")


def _state() -> _State:
    state: _State = st.session_state.setdefault(_STATE, _State())
    return state


def _inspect(data: UploadData, state: _State) -> Findings:
    """Return what was found in the files with these options, from those kept where it is among them."""
    found = state.kept.get(data)
    if found is None:
        contents = [(entry.name or "file", read_file(entry.file)) for entry in data.files]
        while len({id(each) for each in state.kept.values()}) >= _KEPT:
            state.kept.pop(next(iter(state.kept)))
        try:
            found = services.readers().inspect(workspace_id(), data, contents)
        except DataError as error:
            found = str(error)
        state.kept[data] = found
        if isinstance(found, Findings) and found.summary is not None:
            state.kept[found.inspection.options] = found  # all filled in, it says the same
    if isinstance(found, str):
        raise DataError(found)
    return found
