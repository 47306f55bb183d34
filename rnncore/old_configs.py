"""Configurations as earlier versions of this program wrote them, brought into the form of today."""

from collections.abc import Mapping
from typing import Any

# What every run on data of the kind "csv" did, whatever the defaults of an upload are today.
_OF_CSV = {
    "kind": "upload", "layout": "series", "id": "", "time": "", "target_kind": "regression", "missing": "interpolate",
    "stride": 1, "delimiter": "auto", "decimal": "auto", "header": "auto",
}  # fmt: skip


def upgraded_data(data: Any) -> Any:
    """Return data of the kind "csv" of version 0.1.0 as an upload that trains the very same run, others as they are.

    That kind was one column of one CSV file, forecast from its own past in the order of the rows.

    Raises:
        ValueError: the file or the column is not named.
    """
    if not isinstance(data, Mapping) or data.get("kind") != "csv":
        return data
    rest = {"window": 50, "horizon": 1, "val_fraction": 0.2, **data}
    for name in ("file", "target"):
        if name not in rest:
            raise ValueError(f"the kind 'csv' needs a value for '{name}'")
    file, column = rest.pop("file"), rest.pop("target")
    name = "the uploaded file" if str(file).startswith("sha256:") else ""
    return {**rest, **_OF_CSV, "files": [{"file": file, "name": name}], "features": [column], "targets": [column]}
