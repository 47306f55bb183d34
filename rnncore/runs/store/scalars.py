"""The scalars of records in the store: chunks of consecutive steps, written as they come and read as columns."""

from contextlib import suppress

import numpy as np

from rnncore.codec import DamagedBlob, Scalars, decode_scalars, encode_scalars, joined
from rnncore.runs.store.database import ANY_STEP, Connection

CHUNK_RECORDS = 256


class ScalarRecorder:
    """Appends records to the chunks of one run; a chunk that is not full yet is written anew each time."""

    def __init__(self, db: Connection, key: int) -> None:
        """Pick run `key` up where the store has it."""
        self._key = key
        newest = db.execute(
            "SELECT first_step, scalars FROM chunks WHERE run = ? ORDER BY first_step DESC LIMIT 1", (key,)
        ).fetchone()
        self._first_step, self._tail = 0, joined([])
        if newest:
            with suppress(DamagedBlob):  # it stays as it is, and what comes goes into a chunk of its own
                self._first_step, self._tail = newest[0], decode_scalars(newest[1])

    def add(self, db: Connection, records: Scalars) -> None:
        """Store records that are newer than all that are stored."""
        if not len(self._tail) or len(self._tail) >= CHUNK_RECORDS or self._tail.names != records.names:
            self._first_step, self._tail = int(records["step"][0]), records
        else:
            self._tail = joined([self._tail, records])
        db.execute(
            "INSERT INTO chunks (run, first_step, last_step, scalars) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run, first_step) DO UPDATE SET last_step = excluded.last_step, scalars = excluded.scalars",
            (self._key, self._first_step, int(records["step"][-1]), encode_scalars(self._tail)),
        )


def read_scalars(
    db: Connection, key: int, since: int = 0, until: int = ANY_STEP, at_most: int | None = None
) -> Scalars:
    """Return the records of run `key` with since < step <= until; those that are damaged are named in `missing`.

    at_most: chunks to read (of `CHUNK_RECORDS` or more records each); the later ones are then left out.
    """
    rows = db.execute(
        "SELECT first_step, last_step, scalars FROM chunks WHERE run = ? AND last_step > ? AND first_step <= ?"
        " AND first_step >= COALESCE((SELECT MAX(first_step) FROM chunks WHERE run = ? AND first_step <= ? + 1), 0)"
        " ORDER BY first_step LIMIT ?",
        (key, since, until, key, since, -1 if at_most is None else at_most),
    )
    parts = []
    for first_step, last_step, blob in rows:
        try:
            part = decode_scalars(blob)
            if len(part) and not first_step == part["step"][0] <= part["step"][-1] == last_step:
                raise DamagedBlob("it holds other steps than its row says")
        except DamagedBlob:
            part = Scalars((), np.empty((0, 0)), ((max(first_step, since + 1), min(last_step, until)),))
        parts.append(part)
    found = joined(parts)
    steps = found["step"]
    if len(steps) and (steps[0] <= since or steps[-1] > until):
        return found.take((steps > since) & (steps <= until))
    return found
