"""Starting runs and uploading the files that they train on."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard import controls, services
from dashboard.api.http import FORM_TYPES, ApiError, JSONAnswer, content_type, endpoint, read_body, read_json
from dashboard.api.quota import Quota
from dashboard.workspace import workspace_of
from rnncore.checks import check_run
from rnncore.config import TrainConfig
from rnncore.data import DataError, load_dataset
from rnncore.data.csv import read_csv
from rnncore.errors import ConfigError
from rnncore.runs.active import Group
from rnncore.runs.limits import check_start

UPLOAD_SECONDS = 60.0
BUSY_RETRY_S = 5.0
# Each check of a start costs memory and time of this process, and so does each upload: only a few at once.
STARTS_AT_ONCE, UPLOADS_AT_ONCE = 2, 4
STARTS_WAITING = 40

_checking = asyncio.Semaphore(STARTS_AT_ONCE)
_uploading = asyncio.Semaphore(UPLOADS_AT_ONCE)
_quota = Quota()
_waiting = 0


class StartRequest(BaseModel):
    """Body of POST /api/runs. compare: also train a twin without clipping, same seed and batches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: dict[str, Any] = {}
    compare: bool = False


@endpoint
async def start(request: Request) -> JSONAnswer:
    """Check an experiment like the app's own Train button does, and queue it."""
    global _waiting
    asked = StartRequest.model_validate(await read_json(request))
    config = TrainConfig.model_validate(asked.config)
    if asked.compare and config.clip.method == "off":
        raise ConfigError(
            "compare: true is not allowed with clip.method 'off', the twins would be the same; choose a clip method"
        )
    configs = controls.twins(config) if asked.compare else [config]
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    if _waiting >= STARTS_WAITING:
        raise ApiError(429, "Many runs are being started at this moment; try again in a few seconds.", BUSY_RETRY_S)
    _waiting += 1
    try:
        async with _checking:
            address = request.client.host if request.client else ""
            group = await run_in_threadpool(_submit, workspace, address, configs)
    finally:
        _waiting -= 1
    answer: dict[str, Any] = {
        "group": group.id,
        "runs": [{"id": run, "label": controls.label(each)} for run, each in zip(group.runs, configs, strict=True)],
        "address": f"{request.url.scheme}://{request.headers.get('host', 'localhost')}/?run={group.id}",
    }
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201)


def _submit(workspace: str, address: str, configs: Sequence[TrainConfig]) -> Group:
    scheduler = services.scheduler()
    check_start(configs, scheduler.load(workspace), scheduler.settings)  # before memory is spent on the data
    _quota.check(address, len(configs), scheduler)
    check_run(configs[0], load_dataset(configs[0].data, _reader(workspace)))
    group = scheduler.submit(workspace, configs, [controls.label(config) for config in configs])
    _quota.started(address, group.runs)
    return group


def _reader(workspace: str) -> Callable[[str], bytes]:
    """Return what reads the uploads of a workspace, and nothing else: never a path on this machine."""

    def read(file_id: str) -> bytes:
        content = services.scheduler().store.file(workspace, file_id)
        if content is None:
            raise DataError(f"data.file: {file_id[:80]!r} was not uploaded in this workspace; upload it first.")
        return content

    return read


@endpoint
async def upload(request: Request) -> JSONAnswer:
    """Store a file, sent as it is; say what is in it if it is a table of text, of other formats only the id."""
    kind = content_type(request)
    if kind in ("", *FORM_TYPES):
        raise ApiError(415, "Content-Type: send the file itself, as text/csv or application/octet-stream, not a form.")
    if _uploading.locked():
        raise ApiError(
            429, "Several files are being uploaded at this moment; try again in a few seconds.", BUSY_RETRY_S
        )
    scheduler = services.scheduler()
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    async with _uploading:
        content = await read_body(request, scheduler.settings.max_file_mb * 2**20, UPLOAD_SECONDS)
        answer: dict[str, Any] = {}
        if kind.startswith("text/"):
            async with _checking:
                answer = await run_in_threadpool(_describe, content)
        answer["file"] = await run_in_threadpool(scheduler.add_file, workspace, content)
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201)


def _describe(content: bytes) -> dict[str, Any]:
    table = read_csv(content, "the uploaded file")
    if not table.numeric_columns:
        raise DataError("The uploaded file has no column of numbers to predict.")
    return {"rows": table.rows, "columns": list(table.numeric_columns), "notes": list(table.notes)}
