"""Studies over HTTP: start, watch, stop, continue, open a cell on the board, take the results along."""

import io
import secrets
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.api.start import in_turn
from dashboard.server import services, studies
from dashboard.server.http import ApiError, JSONAnswer, client_of, endpoint, read_json
from dashboard.server.workspace import workspace_of
from rnncore.config import UploadData
from rnncore.runs.read.study_cells import curves_of
from rnncore.runs.store.keys import WATCH_KEY
from rnncore.runs.store.studies import StoredStudy
from rnncore.runs.studies import UnknownStudy
from rnncore.studies.config import read_study
from rnncore.studies.table import cells_table, runs_table


class StudyRequest(BaseModel):
    """Body of POST /api/studies. confirm: start it although it has more than 50 runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: dict[str, Any]
    name: str = ""
    confirm: bool = False


@endpoint
async def start(request: Request) -> JSONAnswer:
    """Check a study and start it; a large one only where that was confirmed."""
    asked = StudyRequest.model_validate(await read_json(request))
    given = workspace_of(request)
    workspace, owner = given or secrets.token_urlsafe(16), client_of(request)
    study = read_study(asked.study)
    reads = isinstance(study.base.data, UploadData)
    planned = await in_turn(owner, reads, partial(studies.plan, workspace, owner, study))
    if planned.asks and not asked.confirm:
        raise ApiError(409, f'This study has {planned.sentence}; send "confirm": true to start it.')
    study_id = await run_in_threadpool(studies.start, workspace, study, asked.name, owner)
    stored = studies.found(study_id)
    answer: dict[str, Any] = {
        "id": study_id,
        "watch": stored.watch,
        "runs": planned.runs,
        "cells": planned.cells,
        "seconds": round(planned.seconds, 1),
        "address": f"{request.url.scheme}://{request.headers.get('host', 'localhost')}/studies?study={stored.watch}",
    }
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201)


@endpoint
async def listing(request: Request) -> dict[str, Any]:
    """Tell the studies of the caller's workspace, the newest first."""
    workspace = workspace_of(request)
    known = await run_in_threadpool(services.scheduler().studies.statuses, workspace) if workspace else []
    return {"studies": [status.to_json() for status in known]}


@endpoint
async def status(request: Request) -> dict[str, Any]:
    """Tell how a study stands, and what came out of each cell."""
    stored = _found(request)
    known = await run_in_threadpool(services.scheduler().studies.status, stored.id)
    view = await run_in_threadpool(studies.view, stored)
    told = {} if known is None else known.to_json()
    if WATCH_KEY.fullmatch(str(request.path_params["study"])):
        del told["id"]
    return told | {"cells": [outcome.to_json() for outcome in view.outcomes]}


@endpoint
async def cell(request: Request) -> dict[str, Any]:
    """Tell what is kept of each run of a cell: numbers, thinned curve and thinned profile."""
    stored = _found(request)
    view = await run_in_threadpool(studies.view, stored)
    index, seeds = _cell(request, len(view.cells)), len(view.config.seeds)
    curves = await run_in_threadpool(curves_of, services.scheduler().store, stored, seeds, [index])
    numbers = range(index * seeds, index * seeds + seeds)
    runs = [
        {"seed": view.config.seeds[number % seeds], **view.summaries[number], **curves.get(number, {})}
        for number in numbers
        if number in view.summaries
    ]
    return {
        "values": view.cells[index].values,
        "config": view.cells[index].config.model_dump(mode="json"),
        "runs": runs,
    }


@endpoint
async def open_cell(request: Request) -> JSONAnswer:
    """Train the runs of a cell on the board, with everything recorded."""
    stored = _found(request)
    given = workspace_of(request)
    workspace, owner = given or secrets.token_urlsafe(16), client_of(request)
    view = await run_in_threadpool(studies.view, stored)
    opens = partial(studies.open_cell, workspace, stored, _cell(request, len(view.cells)), owner)
    group = await in_turn(owner, False, opens)
    answer: dict[str, Any] = {"group": group.id, "runs": list(group.runs)}
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201)


def command(name: str) -> Any:
    """Return the address of a command for a study: stop or resume."""

    @endpoint
    async def obey(request: Request) -> dict[str, bool]:
        stored, known = _steered(request), services.scheduler().studies
        if name == "stop":
            await run_in_threadpool(known.stop, stored.id)
        else:
            await run_in_threadpool(known.resume, stored.id, client_of(request))
        return {"ok": True}

    return obey


@endpoint
async def delete(request: Request) -> dict[str, bool]:
    """Remove a study that does not go on, with all that is kept of it."""
    await run_in_threadpool(services.scheduler().studies.delete, _steered(request).id)
    return {"ok": True}


@endpoint
async def export(request: Request) -> Response:
    """Send a table: cells or runs, as CSV or Parquet; or the study itself as JSON."""
    stored, name = _found(request), str(request.path_params["table"])
    table, _, suffix = name.partition(".")
    view = await run_in_threadpool(studies.view, stored)
    if name == "study.json":
        text = view.config.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"
        return _file(text.encode(), "application/json", name)
    if table not in ("cells", "runs") or suffix not in ("csv", "parquet"):
        raise ApiError(404, "There is nothing at this address; docs/http-api.md lists those of the API.")
    content = await run_in_threadpool(export_of, view, table, suffix)
    return _file(content, "text/csv" if suffix == "csv" else "application/vnd.apache.parquet", name)


def export_of(view: Any, table: str, suffix: str) -> bytes:
    """Return the table "cells" or "runs" of a study as "csv" or "parquet"."""
    made = (
        cells_table(view.config, view.outcomes)
        if table == "cells"
        else runs_table(view.config, view.cells, dict(view.summaries))
    )
    sink = io.BytesIO()
    if suffix == "csv":
        pa.csv.write_csv(made, sink)
    else:
        pq.write_table(made, sink, compression="zstd")
    return sink.getvalue()


def _file(content: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="study-{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


def _found(request: Request) -> StoredStudy:
    return studies.found(str(request.path_params["study"])[:64])


def _steered(request: Request) -> StoredStudy:
    if WATCH_KEY.fullmatch(str(request.path_params["study"])):
        raise UnknownStudy("There is no such study (any more).")
    return _found(request)


def _cell(request: Request, cells: int) -> int:
    text = str(request.path_params["cell"])
    if not (text.isascii() and text.isdecimal() and int(text[:9]) < cells):
        raise ApiError(404, f"cell: {text[:20]!r} is not allowed; allowed: 0 to {cells - 1:,}.")
    return int(text)


routes = [
    Route("/studies", listing, methods=["GET"]),
    Route("/studies", start, methods=["POST"]),
    Route("/studies/{study}", status, methods=["GET"]),
    Route("/studies/{study}", delete, methods=["DELETE"]),
    Route("/studies/{study}/stop", command("stop"), methods=["POST"]),
    Route("/studies/{study}/resume", command("resume"), methods=["POST"]),
    Route("/studies/{study}/cells/{cell}", cell, methods=["GET"]),
    Route("/studies/{study}/cells/{cell}/open", open_cell, methods=["POST"]),
    Route("/studies/{study}/{table}", export, methods=["GET"]),
]
