"""How the server is: workers, queue, store, version."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard.server import services
from dashboard.server.http import endpoint


@endpoint
async def health(request: Request) -> dict[str, Any]:
    """Counts only: no ids, no names, nothing of anybody's runs."""
    return await run_in_threadpool(services.health)
