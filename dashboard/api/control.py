"""Steering runs: stop, pause, resume, single step, learning rate and clip threshold, and deleting them.

The id in the address is a run's or, to drive twins with one control, their group's.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard.server import services
from dashboard.server.http import (
    BODY_SECONDS,
    MAX_JSON_BYTES,
    ApiError,
    Endpoint,
    client_of,
    endpoint,
    read_body,
    read_json,
    run_id,
)
from rnncore.config import TrainConfig
from rnncore.runs.scheduler import Scheduler

# Each for a scheduler, the id in the address and the owner of what is started.
COMMANDS: dict[str, Callable[[Scheduler, str, str], None]] = {
    "stop": lambda scheduler, target, owner: scheduler.stop(target),
    "pause": lambda scheduler, target, owner: scheduler.pause(target),
    "resume": lambda scheduler, target, owner: scheduler.resume(target, owner),
    "step": lambda scheduler, target, owner: scheduler.step(target),
}


class Settings(BaseModel):
    """Body of POST /api/runs/ID/settings."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    learning_rate: float | None = None
    clip_threshold: float | None = None


def command(name: str) -> Endpoint:
    """Return the endpoint of a command; a body is not looked at, but must be small."""

    @endpoint
    async def obey(request: Request) -> dict[str, Any]:
        await read_body(request, MAX_JSON_BYTES, BODY_SECONDS)
        owner = client_of(request)
        await run_in_threadpool(COMMANDS[name], services.scheduler(), run_id(request), owner)
        return {"ok": True}

    return obey


@endpoint
async def settings(request: Request) -> dict[str, Any]:
    """Change the learning rate or the clip threshold from the next step on."""
    run = run_id(request)
    asked = Settings.model_validate(await read_json(request)).model_dump(exclude_none=True)
    if not asked:
        raise ApiError(400, "learning_rate or clip_threshold: a value is needed.")
    optimizer = {"learning_rate": asked["learning_rate"]} if "learning_rate" in asked else {}
    clip = {"threshold": asked["clip_threshold"]} if "clip_threshold" in asked else {}
    TrainConfig.model_validate({"optimizer": optimizer, "clip": clip})
    setters = {"learning_rate": Scheduler.set_learning_rate, "clip_threshold": Scheduler.set_clip_threshold}

    def change() -> None:
        for name, value in asked.items():
            setters[name](services.scheduler(), run, value)

    await run_in_threadpool(change)
    return {"ok": True}


@endpoint
async def delete(request: Request) -> dict[str, Any]:
    """Delete a run that is over, with everything recorded of it; whoever has the id may."""
    await run_in_threadpool(services.scheduler().delete, run_id(request))
    return {"ok": True}
