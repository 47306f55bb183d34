"""Downloads over HTTP: config, records, weights and script of a run, report and zip file of a group."""

import json
from collections.abc import Callable, Iterator, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import figures
from dashboard.api.downloads import attachment
from dashboard.api.reading import in_reading_thread
from dashboard.exports.bundle import everything_zip
from dashboard.exports.code import script
from dashboard.exports.profiles import profiles_csv
from dashboard.exports.report import report_html
from dashboard.exports.weights import weights_file
from dashboard.server import services
from dashboard.server.http import ID, NOT_FOUND, ApiError, Endpoint, client_of, endpoint, run_id
from dashboard.server.keys import is_key, runs_at_key
from dashboard.server.workspace import workspace_of
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.runs.read.export import export_csv, export_json, export_parquet
from rnncore.runs.store.runs import DAMAGED
from rnncore.runs.store.store import Store, StoredRun
from rnncore.runs.watched_forms import is_watched

NO_SETTINGS = "This run trains in a program of its own, whose settings are not known here."
DAMAGED_SETTINGS = "The settings of this run are damaged in the store and cannot be read."
IN_ITS_PROGRAM = "This run trains in a program of its own, which has its weights."


def _config(store: Store, run: StoredRun) -> Iterator[bytes]:
    """The config as `python -m rnncore train` takes it; 409 for a run that has none here, or a damaged one."""
    if is_watched(run.config):
        raise ApiError(409, NO_SETTINGS)
    if run.config == DAMAGED:
        raise ApiError(409, DAMAGED_SETTINGS)
    return iter([(json.dumps(run.config, indent=2) + "\n").encode()])


def _weights(store: Store, run: StoredRun) -> Iterator[bytes]:
    content = weights_file(store, run)
    if content is None:
        raise ApiError(404, IN_ITS_PROGRAM if is_watched(run.config) else "This run has no weights yet.")
    return iter([content])


def _script(store: Store, run: StoredRun) -> Iterator[bytes]:
    try:
        return iter([script(store, run).encode()])
    except (DataError, ConfigError) as error:
        raise ApiError(409, str(error)) from None


# name -> media type and maker of the pieces; "export" alone does not stand in the name of the file that is saved
OF_RUN: dict[str, tuple[str, Callable[[Store, StoredRun], Iterator[bytes]]]] = {
    "config.json": ("application/json", _config),
    "export.csv": ("text/csv", export_csv),
    "export.json": ("application/json", export_json),
    "export.parquet": ("application/vnd.apache.parquet", export_parquet),
    "weights.safetensors": ("application/octet-stream", _weights),
    "profiles.csv": ("text/csv", profiles_csv),
    "script.py": ("text/x-python", _script),
}


READS_FILES = "script.py"  # of a run that trains on uploads


def of_run(name: str) -> Endpoint:
    """Return the endpoint that sends the file `name` of a run; its file name tells only the id's beginning."""
    media_type, make = OF_RUN[name]

    @endpoint
    async def send(request: Request) -> Response:
        store = services.scheduler().store
        run = await run_in_threadpool(store.run, run_id(request))
        if run is None:
            raise ApiError(404, NOT_FOUND)
        if name == READS_FILES:
            pieces = await in_reading_thread(client_of(request), make, store, run)
        else:
            pieces = await run_in_threadpool(make, store, run)
        return attachment(request, pieces, media_type, f"run-{run.id[:6]}-{name}".replace("-export.", "."))

    return send


def _report(store: Store, runs: Sequence[StoredRun], own: bool) -> Iterator[bytes]:
    return report_html(store, runs)


OF_GROUP: dict[str, tuple[str, Callable[[Store, Sequence[StoredRun], bool], Iterator[bytes]]]] = {
    "report.html": ("text/html", _report),
    "everything.zip": ("application/zip", everything_zip),
}


TO_WATCH = ("report.html",)  # what a watch key is given


def of_group(name: str) -> Endpoint:
    """Return the endpoint that sends the file `name` of a group, or of runs named with commas.

    Uploaded data go only to the workspace that they belong to.
    """
    media_type, make = OF_GROUP[name]

    @endpoint
    async def send(request: Request) -> Response:
        store = services.scheduler().store
        named = _keys(str(request.path_params["group"]), to_watch=name in TO_WATCH)
        runs = await run_in_threadpool(lambda: [run for each in named for run in runs_at_key(store, each)])
        if not runs:
            raise ApiError(404, NOT_FOUND)
        own = {run.workspace for run in runs} == {workspace_of(request)}
        return attachment(request, make(store, runs, own), media_type, f"runs-{runs[0].id[:6]}-{name}")

    return send


def _keys(named: str, to_watch: bool) -> list[str]:
    """Return the ids in an address: a group's, or those of the runs of a board, with commas; watch keys if they may.

    Raises ApiError.
    """
    keys = named.split(",")
    may = is_key if to_watch else ID.fullmatch
    if len(keys) > figures.MAX_RUNS or not all(map(may, keys)):
        raise ApiError(404, NOT_FOUND)
    return keys


routes = [
    *(Route(f"/runs/{{run}}/{name}", of_run(name)) for name in OF_RUN),
    *(Route(f"/groups/{{group}}/{name}", of_group(name)) for name in OF_GROUP),
]
