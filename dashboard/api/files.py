"""Uploads of a workspace: storing a file and saying what is in it, listing, deleting."""

import secrets
from contextlib import AbstractContextManager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard.api.reading import in_reading_thread
from dashboard.server import services
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import FORM_TYPES, ApiError, JSONAnswer, client_of, content_type, endpoint, read_body
from dashboard.server.workspace import workspace_of
from rnncore.config import UploadData
from rnncore.runs.store.store import file_id_of
from rnncore.words import visible

UPLOAD_SECONDS = 60.0
BUSY_RETRY_S = 5.0
UPLOADING = "You are uploading several files at this moment; try again in a few seconds."
MAX_NAME = 500  # characters of a file's name

_budget = Budget(each=4, total=64)  # by workspace and by client


def under_way(*owners: str) -> AbstractContextManager[None]:
    """Count a file as being sent for these owners while the block runs. Raises OverBudget."""
    return _budget.one_more(*owners)


@endpoint
async def upload(request: Request) -> JSONAnswer:
    """Store a file of any format, sent as it is; say what it is found to be and the `data` that train on it.

    `?name=`: what its owner calls it; the ending may tell the format. Further options are those of `UploadData`.
    """
    if content_type(request) in ("", *FORM_TYPES):
        raise ApiError(415, "Content-Type: send the file itself, as text/csv or application/octet-stream, not a form.")
    name, options = _asked(request)
    scheduler = services.scheduler()
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    try:
        with _budget.one_more(*{client_of(request), *((workspace,) if given else ())}):
            content = await read_body(request, scheduler.settings.max_file_mb * 2**20, UPLOAD_SECONDS)
            owner = given or client_of(request)
            answer = await in_reading_thread(owner, _describe, owner, name, content, options)
            await run_in_threadpool(scheduler.add_file, workspace, content, name)
    except OverBudget:
        raise ApiError(429, UPLOADING, BUSY_RETRY_S) from None
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201)


def _asked(request: Request) -> tuple[str, dict[str, Any]]:
    """Return the name of an upload and its options. Raises ValidationError before its bytes are read."""
    given = {key: request.query_params.getlist(key) for key in request.query_params}
    name = visible(given.pop("name", [""])[-1])[-MAX_NAME:] or "your file"
    options = {key: values if key in ("features", "targets") else values[-1] for key, values in given.items()}
    UploadData.model_validate({**options, "files": [{"file": "upload", "name": name}]})
    return name, options


def _describe(owner: str, name: str, content: bytes, options: dict[str, Any]) -> dict[str, Any]:
    file = {"file": file_id_of(content), "name": name}
    data = UploadData.model_validate({**options, "files": [file]})
    found = services.readers().inspect(owner, data, [(name, content)]).inspection
    answer: dict[str, Any] = {
        "file": file["file"],
        "rows": found.rows,
        "columns": [column.name for column in found.columns],
        "notes": list(found.notes),
        "data": found.options.model_dump(mode="json"),
        "reason": found.reason,
        "parts": list(found.parts),
        "alternatives": [
            {"title": other.title, "reason": other.reason, "data": other.options.model_dump(mode="json")}
            for other in found.alternatives
        ],
    }
    return answer | ({"problem": found.error} if found.error else {})


@endpoint
async def listing(request: Request) -> dict[str, Any]:
    """The uploads of the caller's own workspace, the newest first."""
    workspace = workspace_of(request)
    stored = await run_in_threadpool(services.scheduler().store.files_of, workspace) if workspace else []
    names = ("name", "size", "created_at", "runs")
    return {"files": [{"file": file.id} | {name: getattr(file, name) for name in names} for file in stored]}


@endpoint
async def delete(request: Request) -> dict[str, Any]:
    """Delete an upload of the caller's own workspace that no unfinished run trains on."""
    workspace, file = workspace_of(request) or "", str(request.path_params["file"])
    if not await run_in_threadpool(services.scheduler().store.has_file, workspace, file):
        raise ApiError(404, "There is no such file in this workspace.")
    await run_in_threadpool(services.scheduler().delete_file, workspace, file)
    return {"ok": True}
