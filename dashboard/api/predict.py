"""Predictions of a run on a file that is sent: as JSON with notes and a picture, or as the CSV alone."""

import codecs
import json
from collections.abc import Iterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.downloads import in_pieces
from dashboard.api.files import BUSY_RETRY_S, MAX_NAME, UPLOAD_SECONDS, UPLOADING, under_way
from dashboard.api.reading import in_reading_thread
from dashboard.exports.predictions import predictions
from dashboard.server import services
from dashboard.server.budget import OverBudget
from dashboard.server.http import FORM_TYPES, NOT_FOUND, ApiError, client_of, content_type, endpoint, read_body, run_id
from rnncore.runs.reader.pool import Predicted
from rnncore.words import visible

FORMATS = ("json", "csv")
PIECE_BYTES = 1 << 18


@endpoint
async def predict(request: Request) -> Response:
    """Apply the newest weights of a run to a file of the same columns, sent as it is; nothing of it is kept.

    `?name=`: what its owner calls it; the ending may tell the format. `?as=csv`: the predictions alone.
    """
    if content_type(request) in ("", *FORM_TYPES):
        raise ApiError(415, "Content-Type: send the file itself, as text/csv or application/octet-stream, not a form.")
    form = request.query_params.get("as", "json")
    if form not in FORMATS:
        raise ApiError(400, f"as: '{visible(form)[:40]}' is not allowed; allowed: json or csv.")
    name = visible(request.query_params.get("name", ""))[-MAX_NAME:] or "your file"
    scheduler = services.scheduler()
    run = await run_in_threadpool(scheduler.store.run, run_id(request))
    if run is None:
        raise ApiError(404, NOT_FOUND)
    owner = client_of(request)
    try:
        with under_way(owner):
            content = await read_body(request, scheduler.settings.max_file_mb * 2**20, UPLOAD_SECONDS)
            found = await in_reading_thread(owner, predictions, scheduler.store, run, owner, [(name, content)])
    except OverBudget:
        raise ApiError(429, UPLOADING, BUSY_RETRY_S) from None
    if form == "csv":
        return in_pieces(request, _cut(found.csv), "text/csv")
    return in_pieces(request, _as_json(found), "application/json")


def _as_json(found: Predicted) -> Iterator[bytes]:
    """Yield JSON with the CSV in it, piece by piece: all at once, nobody else would be answered meanwhile."""
    plain = {"rows": found.rows, "columns": found.columns, "notes": found.notes, "picture": found.picture}
    yield json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()[:-1] + b',"csv":"'
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in _cut(found.csv):
        yield json.dumps(decoder.decode(piece))[1:-1].encode()
    yield b'"}'


def _cut(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]
