"""Downloading a run: its config, and every record as CSV, JSON or Parquet, streamed."""

import json
from collections.abc import Callable, Iterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.downloads import attachment
from dashboard.server import services
from dashboard.server.http import NOT_FOUND, ApiError, Endpoint, endpoint, run_id
from rnncore.runs.read.export import export_csv, export_json, export_parquet
from rnncore.runs.store.store import Store, StoredRun


def _config(store: Store, run: StoredRun) -> Iterator[bytes]:
    """The config as `python -m rnncore train` takes it."""
    yield (json.dumps(run.config, indent=2) + "\n").encode()


FORMATS: dict[str, tuple[str, Callable[[Store, StoredRun], Iterator[bytes]]]] = {
    "config.json": ("application/json", _config),
    "export.csv": ("text/csv", export_csv),
    "export.json": ("application/json", export_json),
    "export.parquet": ("application/vnd.apache.parquet", export_parquet),
}


def download(name: str) -> Endpoint:
    """Return the endpoint that sends a run as the file `name`; its file name tells only the id's beginning."""
    media_type, pieces = FORMATS[name]
    kind, _, suffix = name.partition(".")

    @endpoint
    async def send(request: Request) -> Response:
        store = services.scheduler().store
        run = await run_in_threadpool(store.run, run_id(request))
        if run is None:
            raise ApiError(404, NOT_FOUND)
        file_name = f"run-{run.id[:6]}{'-config' if kind == 'config' else ''}.{suffix}"
        return attachment(request, pieces(store, run), media_type, file_name)

    return send
