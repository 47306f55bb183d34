"""Configurations as earlier versions of this program wrote them, brought into the form of today."""

from collections.abc import Mapping
from typing import Any

# What every run on data of the kind "csv" did, whatever the defaults of an upload are today.
_OF_CSV = {
    "kind": "upload", "layout": "series", "id": "", "time": "", "target_kind": "regression", "missing": "interpolate",
    "stride": 1, "delimiter": "auto", "decimal": "auto", "header": "auto", "scaling": "standard",
    "placeholders": "numbers",
}  # fmt: skip
# What uploads did before they had these settings, and all settings that they had: a configuration that names them all
# was written by a program.
_BEFORE = {"scaling": "standard", "placeholders": "numbers"}
_OF_UPLOADS = {
    "files", "layout", "features", "targets", "id", "time", "target_kind", "missing", "window", "horizon", "stride",
    "val_fraction", "max_length", "delimiter", "decimal", "header",
}  # fmt: skip


def upgraded_data(data: Any) -> Any:
    """Return data as earlier versions stored them in a form that trains the very same run, others as they are.

    The kind "csv" of version 0.1.0 was one column of one CSV file, forecast from its own past in the order of the rows.
    Uploads were scaled all alike before they had the field "scaling", and every number in them was one.

    Raises:
        ValueError: the file or the column is not named.
    """
    if not isinstance(data, Mapping):
        return data
    if data.get("kind") == "upload" and data.keys() >= _OF_UPLOADS:
        return {**_BEFORE, **data}
    if data.get("kind") != "csv":
        return data
    rest = {"window": 50, "horizon": 1, "val_fraction": 0.2, **data}
    for name in ("file", "target"):
        if name not in rest:
            raise ValueError(f"the kind 'csv' needs a value for '{name}'")
    file, column = rest.pop("file"), rest.pop("target")
    name = "the uploaded file" if str(file).startswith("sha256:") else ""
    return {**rest, **_OF_CSV, "files": [{"file": file, "name": name}], "features": [column], "targets": [column]}
