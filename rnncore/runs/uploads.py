"""The uploads of workspaces: what is stored, for whom, and whether there is room."""

from collections.abc import Sequence

from rnncore.config import TrainConfig, files_of
from rnncore.data.dataset import DataError
from rnncore.runs.limits import LimitError, check_file, check_uploads
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store, file_id_of

UNUSED_S = 600.0  # an upload without a run is kept this long when room is scarce


def add_upload(store: Store, settings: Settings, workspace: str, content: bytes, name: str = "") -> str:
    """Store an upload for a workspace; return its id, `sha256:...`. Raises LimitError."""
    _check_room(store, settings, workspace, len(content))
    return store.add_file(workspace, content, name)


def add_new_uploads(store: Store, settings: Settings, workspace: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Store those of the (name, content) that the workspace does not have yet, all or none. Raises LimitError."""
    named = {file_id_of(content): (name, content) for name, content in files}
    new = [pair for file_id, pair in named.items() if not store.has_file(workspace, file_id)]
    if new:
        _check_room(store, settings, workspace, sum(len(content) for _, content in new))
    for name, content in new:
        store.add_file(workspace, content, name)


def uploads_of(store: Store, workspace: str, config: TrainConfig) -> tuple[str, ...]:
    """Return the ids of the files that a config names. Raises DataError if the workspace lacks one."""
    files = files_of(config.data)
    for file in files:
        if not store.has_file(workspace, file):
            raise DataError(f"The file '{file}' was not uploaded in this workspace; upload it again.")
    return files


def _check_room(store: Store, settings: Settings, workspace: str, size: int) -> None:
    check_file(size, store.file_bytes_of(workspace), settings)
    try:
        check_uploads(size, store.file_bytes(), settings)
    except LimitError:
        store.drop_unused_files(UNUSED_S)  # nobody's runs go for files that train nothing
        check_uploads(size, store.file_bytes(), settings)
