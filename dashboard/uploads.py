"""The user's own file: taken from the browser, read at once, told about in one sentence when it is wrong."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from dashboard import services
from dashboard.workspace import workspace_id
from rnncore.data import DataError
from rnncore.data.csv import read_csv
from rnncore.data.table import Table

_CURRENT = "upload.current"
_TARGET = "data.target"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that could be read: its id (`sha256:...`), name, bytes and table."""

    file_id: str
    name: str
    content: bytes
    table: Table


def choose_file() -> None:
    """Draw the uploader and the choice of the target column."""
    file = st.file_uploader(
        "CSV file", type=["csv", "tsv", "txt"], key="upload", help="One long series: a row per time step, oldest first."
    )
    if file is not None:
        _take(file.name, file.getvalue())
    upload = current()
    if upload is None:
        st.caption("One long series: a row per time step, oldest first, with at least one column of numbers.")
        return
    columns = upload.table.numeric_columns
    if st.session_state.get(_TARGET) not in columns:
        st.session_state[_TARGET] = upload.table.suggested_target
    st.selectbox(
        "Column to predict", columns, key=_TARGET, help="The numeric column that the network forecasts.",
        persist_state="session",
    )  # fmt: skip
    st.caption(f"{upload.name}: {upload.table.rows:,} rows, {len(upload.table.columns)} columns")


def current() -> Upload | None:
    """Return the file of this session, or None."""
    upload: Upload | None = st.session_state.get(_CURRENT)
    return upload


def current_file_id() -> str | None:
    """Return the id of this session's file, or None."""
    upload = current()
    return upload.file_id if upload else None


def reopen(file_id: str) -> None:
    """Take up again the stored file of a run that this workspace started."""
    content = services.scheduler().store.file(workspace_id(), file_id)
    if content is not None:
        _take("your file", content)


def read_file(file_id: str) -> bytes:
    """Return the bytes of this session's file; DataError when it is another one or none."""
    upload = current()
    if upload is None or upload.file_id != file_id:
        raise DataError("Choose a CSV file first.")
    return upload.content


def _take(name: str, content: bytes) -> None:
    file_id = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if file_id == current_file_id():
        return
    st.session_state.pop(_CURRENT, None)
    try:
        table = read_csv(content, name)
        if not table.numeric_columns:
            raise DataError(f"'{name}' has no column of numbers to predict.")
    except DataError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state[_CURRENT] = Upload(file_id, name, content, table)
