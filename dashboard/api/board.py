"""The board of runs as data, for pages that show others' runs without the lab (`static/class_page.js`)."""

import gzip
import json
from functools import lru_cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dashboard.server import services
from dashboard.server.board_data import NO_RUN, board_of, runs_at
from dashboard.server.http import ApiError, endpoint
from dashboard.server.workspace import workspace_of


@endpoint
async def board(request: Request) -> Response:
    """`?run=KEY,KEY`: what a page gives to the board's script (`mount` of static/board.js)."""
    data = await run_in_threadpool(_board, request.query_params.get("run", ""), workspace_of(request))
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    content: bytes | str = json.dumps(data)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = _zipped(str(content)), "gzip"
    return Response(content, media_type="application/json", headers=headers)


def _board(address: str, workspace: str | None) -> dict[str, Any]:
    store = services.scheduler().store
    shown, problems = runs_at(store, address)
    if not shown:
        raise ApiError(404, problems[0] if problems else NO_RUN)
    return board_of(store, shown, workspace=workspace)


@lru_cache(maxsize=64)
def _zipped(text: str) -> bytes:
    """Return the text compressed, once for a whole class."""
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)
