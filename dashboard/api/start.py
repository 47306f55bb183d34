"""Starting runs, checked as the app's own Train button checks them."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard.api.reading import in_reading_thread
from dashboard.experiment.groups import MOST
from dashboard.experiment.groups import Group as Compared
from dashboard.experiment.twins import twins
from dashboard.server import services
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import ApiError, JSONAnswer, client_of, endpoint, is_address, read_json
from dashboard.server.keys import id_of, key_in, watches
from dashboard.server.starting import described, start_changed
from dashboard.server.turns import Turns
from dashboard.server.workspace import workspace_of
from rnncore.checks import check_run
from rnncore.config import TrainConfig, UploadData, explain
from rnncore.data import DataError
from rnncore.data.dataset import Described
from rnncore.errors import ConfigError
from rnncore.runs.active import Group
from rnncore.runs.store.keys import watch_key

BUSY_RETRY_S = 5.0
STARTS_AT_ONCE = 2  # each check of a start costs memory and time of this process
MANY = "Many runs are being started from your address at this moment; try again in a few seconds."

_checking = asyncio.Semaphore(STARTS_AT_ONCE)
_turns = Turns()  # by client, as the budgets
_of_addresses, _of_members = Budget(each=40, total=400), Budget(each=4, total=1200)

T = TypeVar("T")


class StartRequest(BaseModel):
    """Body of POST /api/runs: one configuration, or several that are compared.

    compare: also train a twin of `config` without clipping, same seed and batches. configs: instead of both, the
    configurations of all runs of the group.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: dict[str, Any] = {}
    compare: bool = False
    configs: list[dict[str, Any]] | None = Field(
        None, min_length=1, max_length=MOST, description="Configurations of the runs of one group."
    )

    def runs(self) -> Sequence[TrainConfig]:
        """Return the configurations of all runs. Raises ConfigError or ValidationError."""
        if self.configs is not None:
            own = [name for name in ("config", "compare") if name in self.model_fields_set]
            if own:
                raise ConfigError(f"{own[0]}: is not allowed beside configs, which names every run; leave it out")
            return [_config_at(place, each) for place, each in enumerate(self.configs)]
        config = TrainConfig.model_validate(self.config)
        if not self.compare:
            return [config]
        if config.clip.method == "off":
            raise ConfigError(
                "compare: true is not allowed with clip.method 'off', the twins would be the same; choose a clip method"
            )
        return twins(config)


def _config_at(place: int, fields: dict[str, Any]) -> TrainConfig:
    try:
        return TrainConfig.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(f"configs.{place}: {explain(error)}") from None


@endpoint
async def start(request: Request) -> JSONAnswer:
    """Check an experiment like the app's own Train button does, and queue it; however many runs, it is one start."""
    asked = StartRequest.model_validate(await read_json(request))
    configs = asked.runs()
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    client = client_of(request)
    configs = await run_in_threadpool(_named, workspace, configs)
    labels = Compared(tuple(configs)).labels()
    reads = any(isinstance(config.data, UploadData) for config in configs)
    places = asked.configs is not None
    group = await in_turn(client, reads, partial(_submit, workspace, client, configs, labels, places))
    answer: dict[str, Any] = {
        "group": group.id,
        "group_watch": watch_key(group.id),
        "runs": [
            {"id": run, "watch": watch_key(run), "label": label} for run, label in zip(group.runs, labels, strict=True)
        ],
        "address": page_of(request, group.id),
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

    By its watch key it is trained as a run of the caller's own, in a group of its own, as `POST /api/runs` would with
    the settings that the status tells: nothing of the run that is watched changes.
    """
    key, asked = key_in(request), TryRequest.model_validate(await read_json(request))
    run = await run_in_threadpool(id_of, services.scheduler().store, key)
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    client = client_of(request)
    start = partial(start_changed, run, asked.changes, workspace, owner=client, visiting=watches(key))
    tried = await in_turn(client, await run_in_threadpool(_reads_files, run), start)
    answer: dict[str, Any] = {
        "id": tried.run,
        "watch": watch_key(tried.run),
        "group": tried.group,
        "group_watch": watch_key(tried.group),
        "label": tried.label,
        "changes": list(tried.changes),
        "new": tried.new,
        "address": page_of(request, tried.group),
    }
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201 if tried.new else 200)


async def in_turn(client: str, reads_files: bool, work: Callable[[], T]) -> T:
    """Check and start something for a client (`client_of`): few at once, and each in its turn. Raises ApiError."""
    budget = _of_addresses if is_address(client) else _of_members
    try:
        with budget.one_more(client):
            if reads_files:
                return await in_reading_thread(client, work)
            async with _turns.of(client), _checking:
                return await run_in_threadpool(work)
    except OverBudget:
        raise ApiError(429, MANY, BUSY_RETRY_S) from None


def _reads_files(run: str) -> bool:
    stored = services.scheduler().store.run(run)
    return bool(stored and stored.files)


def page_of(request: Request, group: str) -> str:
    """Return the address of the page that shows a group."""
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}/?run={watch_key(group)}"


def _named(workspace: str, configs: Sequence[TrainConfig]) -> Sequence[TrainConfig]:
    """Return the configs with the stored names of uploads that they do not name themselves."""
    if all(config.data.kind != "upload" or all(entry.name for entry in config.data.files) for config in configs):
        return configs
    stored = {file.id: file.name for file in services.scheduler().store.files_of(workspace)}
    return [_with_names(config, stored) for config in configs]


def _with_names(config: TrainConfig, stored: Mapping[str, str]) -> TrainConfig:
    if not isinstance(config.data, UploadData):
        return config
    files = tuple(
        entry if entry.name else entry.model_copy(update={"name": stored.get(entry.file, "")})
        for entry in config.data.files
    )
    return config.model_copy(update={"data": config.data.model_copy(update={"files": files})})


def _submit(workspace: str, owner: str, configs: Sequence[TrainConfig], labels: Sequence[str], places: bool) -> Group:
    """Check the runs and queue them. places: whether a sentence about one of them says which it is."""
    scheduler = services.scheduler()
    scheduler.check_start(workspace, configs, owner)  # before memory is spent on the data
    known: dict[str, Described] = {}
    for place, config in enumerate(configs):
        data = config.data.model_dump_json()
        try:
            if data not in known:
                known[data] = described(workspace, owner, config)
            check_run(config, known[data])
        except (ConfigError, DataError) as error:
            raise type(error)(f"configs.{place}: {error}" if places else str(error)) from None
    return scheduler.submit(workspace, configs, labels, owner=owner)
