"""A place on a Ray cluster: an actor on some node, with one worker process of its own, for one run at a time.

The worker is the one of this machine's own engine (`LocalBackend`), so that a run is confined, dies and speaks there as
it does here. What crosses the network are the frames, as JSON and bytes; Ray may pickle the containers around them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from queue import Empty, Queue
from typing import Any

import ray

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.backend.protocol import Lost, Message, NoPlaceError
from rnncore.runs.settings import Settings

WAITING = 64  # messages, while the scheduler's process is behind
LOOK_S = 0.25  # between two looks after the worker
MOST_BYTES = 4 * 2**20  # of one batch, unless a single message is larger
Packed = tuple[str, str, bytes]  # kind of message, JSON, bytes


class Place:
    """One place; `messages` is read by the scheduler's process as long as the place lives."""

    def __init__(self, settings: dict[str, Any], command: Sequence[str]) -> None:
        own = Settings(**settings)
        self._backend = LocalBackend(own.model_copy(update={"workers": 1, "spare_workers": 0}), command)
        self._heard: Queue[Message] = Queue(WAITING)  # full: the run waits
        self._backend.open(self._heard.put)

    def messages(self) -> Iterator[list[Packed]]:
        """Yield what is heard of the worker and its runs, in batches: as much as has come at once."""
        yield [_note("node", {"node": ray.get_runtime_context().get_node_id()})]
        while True:
            self._backend.keep_up()
            batch = self._collect()
            if batch:
                yield batch

    def start(self, header: str, checkpoint: bytes, names: list[str], *contents: bytes) -> None:
        """Execute a run. names, contents: ids and content of its uploads, which Ray brings to each node once."""
        files = dict(zip(names, contents, strict=True))
        job = replace(JobSpec.from_frame(Frame(json.loads(header))), files=files, checkpoint=checkpoint)
        try:
            self._backend.start(job)
        except NoPlaceError:
            self._heard.put(Lost(job.run, "The worker was gone before the run could start", again=True))

    def send(self, run: str, command: str, values: dict[str, Any]) -> None:
        """Pass a command on to the run."""
        self._backend.send(run, command, **values)

    def abort(self, run: str) -> None:
        """End a run that does not end by itself."""
        self._backend.abort(run)

    def close(self, grace_seconds: float) -> None:
        """End the worker."""
        self._backend.close(grace_seconds)

    def _collect(self) -> list[Packed]:
        batch: list[Packed] = []
        size, wait = 0, LOOK_S
        while size < MOST_BYTES:
            try:
                message = self._heard.get(timeout=wait) if wait else self._heard.get_nowait()
            except Empty:
                break
            wait = 0.0
            batch.append(self._packed(message))
            size += len(batch[-1][1]) + len(batch[-1][2])
        return batch

    def _packed(self, message: Message) -> Packed:
        if isinstance(message, Frame):
            return "frame", json.dumps(message.header, separators=(",", ":")), message.blob
        if isinstance(message, Lost):
            facts = {"run": message.run, "cause": message.cause, "by_itself": message.by_itself}
            return _note("lost", facts | {"again": message.again})
        return _note("changed", {"ready": self._backend.capacity().ready > 0})


def _note(kind: str, facts: dict[str, Any]) -> Packed:
    return kind, json.dumps(facts), b""
