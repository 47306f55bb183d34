"""Starting runs, checked as the app's own Train button checks them."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard.api.reading import in_reading_thread
from dashboard.experiment.twins import twins
from dashboard.experiment.words import label
from dashboard.server import services
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import ApiError, JSONAnswer, address_of, endpoint, owner_of, read_json
from dashboard.server.keys import id_of, key_in
from dashboard.server.starting import described, start_changed
from dashboard.server.turns import Turns
from dashboard.server.workspace import workspace_of
from rnncore.checks import check_run
from rnncore.config import TrainConfig, UploadData
from rnncore.errors import ConfigError
from rnncore.runs.active import Group
from rnncore.runs.store.keys import watch_key

BUSY_RETRY_S = 5.0
STARTS_AT_ONCE = 2  # each check of a start costs memory and time of this process
MANY = "Many runs are being started from your address at this moment; try again in a few seconds."

_checking = asyncio.Semaphore(STARTS_AT_ONCE)
_turns = Turns()  # by network address, as the budget
_budget = Budget(each=40, total=400)

T = TypeVar("T")


class StartRequest(BaseModel):
    """Body of POST /api/runs. compare: also train a twin without clipping, same seed and batches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: dict[str, Any] = {}
    compare: bool = False


@endpoint
async def start(request: Request) -> JSONAnswer:
    """Check an experiment like the app's own Train button does, and queue it."""
    asked = StartRequest.model_validate(await read_json(request))
    config = TrainConfig.model_validate(asked.config)
    if asked.compare and config.clip.method == "off":
        raise ConfigError(
            "compare: true is not allowed with clip.method 'off', the twins would be the same; choose a clip method"
        )
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    address = address_of(request)
    config = await run_in_threadpool(_named, workspace, config)
    configs = twins(config) if asked.compare else [config]
    reads = isinstance(config.data, UploadData)
    group = await in_turn(address, reads, partial(_submit, workspace, address, configs))
    answer: dict[str, Any] = {
        "group": group.id,
        "group_watch": watch_key(group.id),
        "runs": [
            {"id": run, "watch": watch_key(run), "label": label(each)}
            for run, each in zip(group.runs, configs, strict=True)
        ],
        "address": _page_of(request, group.id),
    }
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201)


class TryRequest(BaseModel):
    """Body of POST /api/runs/ID/try. changes: a part of a config, merged into the run's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    changes: dict[str, Any]


@endpoint
async def try_change(request: Request) -> JSONAnswer:
    """Train a run with changed settings, same seed and same batches, in the same group.

    Who has its watch key alone trains it in a workspace of their own: nothing of the run itself changes.
    """
    key, asked = key_in(request), TryRequest.model_validate(await read_json(request))
    run = await run_in_threadpool(id_of, services.scheduler().store, key)
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    address = address_of(request)
    start = partial(start_changed, run, asked.changes, workspace, owner=owner_of(address))
    tried = await in_turn(address, await run_in_threadpool(_reads_files, run), start)
    answer: dict[str, Any] = {
        "id": tried.run,
        "watch": watch_key(tried.run),
        "group": tried.group,
        "group_watch": watch_key(tried.group),
        "label": tried.label,
        "changes": list(tried.changes),
        "new": tried.new,
        "address": _page_of(request, tried.group),
    }
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201 if tried.new else 200)


async def in_turn(address: str, reads_files: bool, work: Callable[[], T]) -> T:
    """Check and start something for a network address: few at once, and each address in its turn. Raises ApiError."""
    try:
        with _budget.one_more(address):
            if reads_files:
                return await in_reading_thread(owner_of(address), work)
            async with _turns.of(address), _checking:
                return await run_in_threadpool(work)
    except OverBudget:
        raise ApiError(429, MANY, BUSY_RETRY_S) from None


def _reads_files(run: str) -> bool:
    stored = services.scheduler().store.run(run)
    return bool(stored and stored.files)


def _page_of(request: Request, group: str) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}/?run={watch_key(group)}"


def _named(workspace: str, config: TrainConfig) -> TrainConfig:
    """Return the config with the stored names of uploads that it does not name itself."""
    if not isinstance(config.data, UploadData) or all(entry.name for entry in config.data.files):
        return config
    stored = {file.id: file.name for file in services.scheduler().store.files_of(workspace)}
    files = tuple(
        entry if entry.name else entry.model_copy(update={"name": stored.get(entry.file, "")})
        for entry in config.data.files
    )
    return config.model_copy(update={"data": config.data.model_copy(update={"files": files})})


def _submit(workspace: str, address: str, configs: Sequence[TrainConfig]) -> Group:
    scheduler = services.scheduler()
    owner = owner_of(address)  # workspaces are free
    scheduler.check_start(workspace, configs, owner)  # before memory is spent on the data
    check_run(configs[0], described(workspace, owner, configs[0]))
    labels = [label(config) for config in configs]
    return scheduler.submit(workspace, configs, labels, owner=owner)
