"""The execution engine `ray`: runs execute on the nodes of a Ray cluster, each in a place of its own (`ray_place`).

A place reserves what a run may use. What a place says comes as one stream, which a thread of this process reads; where
the stream breaks off because the place is out of reach, the run is told to go on elsewhere from its last checkpoint.
"""

import json
import logging
import math
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.process import WORKER_COMMAND
from rnncore.runs.backend.protocol import Capacity, Changed, Deliver, Lost, Message, NoPlaceError
from rnncore.runs.backend.ray_place import Packed, Place
from rnncore.runs.settings import Settings

logger = logging.getLogger(__name__)

NAMESPACE = "rnn-gradient-lab"
LOOK_S = 0.5  # between two looks at the cluster
LEAVE_S = 1.0  # for the thread that asks the cluster to end with what it is asking
RETRY_S = 5.0  # between two tries to connect
WARMING = 32  # places that are made ready at once
KEPT_FILES = 256 * 2**20  # bytes of uploads that Ray keeps for further runs
FAULTS = (RayTaskError, OutOfMemoryError)  # of a place or its run; every other error is the cluster's, and passes
_GROUPS = {"words": 1, "commands": 1}  # threads of a place: one speaks, one obeys, in the order in which it is asked


@dataclass(eq=False)
class _Place:
    """A place as this process sees it. asked: how often its run was told to end."""

    actor: Any
    run: str | None = None
    ready: bool = False
    node: str = ""
    asked: int = 0
    speaking: threading.Lock = field(default_factory=threading.Lock)  # held while its last message is made out


class RayBackend:
    """A Ray cluster behind the protocol `Backend`."""

    def __init__(self, settings: Settings, command: tuple[str, ...] | list[str] = WORKER_COMMAND) -> None:
        """Prepare the engine; `command` starts a worker on a node."""
        self._settings, self._command = settings, tuple(command)
        self._lock = threading.Lock()  # of all below; never held while a message is delivered or Ray is asked something
        self._places: list[_Place] = []
        self._size, self._lost = settings.ray_runs or (0 if settings.ray_address else settings.workers), 0
        address = settings.ray_address
        self._cluster = f"the Ray cluster at {address}" if address else "a Ray on this machine"
        self._problem = f"waiting for {self._cluster}"
        self._files: OrderedDict[str, tuple[Any, int]] = OrderedDict()  # uploads that Ray holds, and their sizes
        self._deliver: Deliver | None = None
        self._closed, self._look = threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="ray", daemon=True)
        self._ours = False  # whether this process has connected, and so disconnects

    def open(self, deliver: Deliver) -> None:
        """See `Backend`. The cluster is looked for in a thread: it may be far away, or not there yet."""
        self._deliver = deliver
        self._keeper.start()

    def keep_up(self) -> None:
        """See `Backend`. The engine's own thread does it: asking a cluster takes time."""

    def capacity(self) -> Capacity:
        """See `Backend`."""
        with self._lock:
            ready = sum(place.ready for place in self._places)
            busy = sum(place.run is not None for place in self._places)
            free = sum(place.ready and place.run is None for place in self._places)
            problem = self._problem or ("" if ready or busy else "waiting for places on the Ray cluster to get ready")
            return Capacity(self._size, min(ready, self._size), busy, free, self._lost, problem)

    def start(self, job: JobSpec) -> str:
        """See `Backend`. The place is the id of the node."""
        with self._lock:
            place = next((place for place in self._places if place.ready and place.run is None), None)
            if place is None:
                raise NoPlaceError("no place on the cluster is free")
            place.run, place.asked = job.run, 0
        try:
            header = json.dumps(replace(job, files={}, checkpoint=b"").to_frame().header)
            contents = [self._held(file_id, content) for file_id, content in job.files.items()]
            _commands(place.actor.start).remote(header, job.checkpoint, list(job.files), *contents)
        except Exception:
            with self._lock:
                place.run = None
            raise
        return place.node

    def send(self, run: str, command: str, **values: int | float | str) -> None:
        """See `Backend`."""
        place = self._executing(run)
        if place is not None:
            _commands(place.actor.send).remote(run, command, values)

    def abort(self, run: str) -> None:
        """See `Backend`: the place ends its worker, politely and then by force, however busy that is."""
        place = self._executing(run)
        if place is not None:
            _commands(place.actor.abort).remote(run)

    def close(self, grace_seconds: float) -> None:
        """See `Backend`."""
        self._deliver = None
        self._closed.set()
        self._look.set()
        if self._keeper.is_alive():  # else it might connect again
            self._keeper.join(max(grace_seconds, LEAVE_S))
        with self._lock:
            places, self._places = self._places, []
        for place in places:
            _quietly(place.actor.close.remote, grace_seconds)
        if places:
            time.sleep(min(grace_seconds, 0.2))
        for place in places:
            _quietly(ray.kill, place.actor)
        if self._ours:
            self._ours = False
            _quietly(ray.shutdown)

    # The cluster

    def _keep(self) -> None:
        """Connect, and have as many places as the cluster has room for, until the engine is closed."""
        while not self._closed.is_set():
            pause = LOOK_S
            try:
                if not ray.is_initialized():
                    self._connect()
                if not self._closed.is_set():
                    self._fill()
            except Exception as error:  # a cluster may be unreachable in many ways; runs wait, and the page says so
                logger.warning("%s does not answer: %s", self._cluster, error)
                self._note_problem(f"waiting for {self._cluster}, which does not answer")
                pause = RETRY_S
            self._look.wait(pause)
            self._look.clear()

    def _connect(self) -> None:
        own = self._settings
        where: dict[str, Any] = {"address": own.ray_address}
        if not own.ray_address:
            where = {
                "address": "local",
                "include_dashboard": False,
                "num_cpus": math.ceil(self._size * own.ray_cpus_per_run),
            }
            where["object_store_memory"] = own.ray_store_mb * 2**20
        ray.init(**where, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
        self._ours = True

    def _fill(self) -> None:
        """Make the places that are missing, and let go of those that there is no room for any more."""
        size = self._settings.ray_runs or self._room()
        with self._lock:
            self._size = size
            warming = sum(not place.ready and place.run is None for place in self._places)
            missing = min(size - len(self._places), WARMING - warming)
            idle = [place for place in self._places if place.run is None and not place.ready]
            over = idle[: max(0, len(self._places) - size)]
        for place in over:
            _quietly(ray.kill, place.actor)
        for _ in range(missing):
            self._add()
        self._note_problem("" if size else "waiting for nodes: the Ray cluster has no room for a run")

    def _room(self) -> int:
        """Return how many runs the resources of the cluster allow at once."""
        there, own = ray.cluster_resources(), self._settings
        needs = (("CPU", own.ray_cpus_per_run), ("GPU", own.ray_gpus_per_run))
        return min((int(there.get(name, 0.0) / each + 1e-9) for name, each in needs if each), default=own.workers)

    def _add(self) -> None:
        own = self._settings
        inner = {name: getattr(own, name) for name in ("worker_memory_mb", "worker_nice", "plugins")}
        make = ray.remote(concurrency_groups=_GROUPS, num_cpus=own.ray_cpus_per_run, num_gpus=own.ray_gpus_per_run)
        place = _Place(make(Place).remote(inner, list(self._command)))
        with self._lock:
            if self._closed.is_set():
                return
            self._places.append(place)
        threading.Thread(target=self._listen, args=(place,), name="ray-place", daemon=True).start()

    def _held(self, file_id: str, content: bytes) -> Any:
        """Return what stands for an upload: Ray brings it to a node once, whatever number of runs there read it."""
        with self._lock:
            if file_id in self._files:
                self._files.move_to_end(file_id)
                return self._files[file_id][0]
        reference = ray.put(content)
        with self._lock:
            self._files[file_id] = (reference, len(content))
            while len(self._files) > 1 and sum(size for _, size in self._files.values()) > KEPT_FILES:
                self._files.popitem(last=False)
        return reference

    # What places say

    def _listen(self, place: _Place) -> None:
        cause, again = "Its place on the cluster was given up", False
        try:
            stream = place.actor.messages.options(num_returns="streaming", concurrency_group="words").remote()
            for reference in stream:
                for packed in ray.get(reference):
                    self._hear(place, packed)
                del reference
        except RayError as error:
            cause, again = _in_words(error), not isinstance(error, FAULTS)
        except Exception as error:
            if not self._closed.is_set():
                logger.exception("the words of a place on the cluster cannot be read")
            cause = str(error)
        self._gone(place, cause, again)

    def _hear(self, place: _Place, packed: Packed) -> None:
        kind, text, blob = packed
        facts = json.loads(text)
        message: Message | None = Changed()
        with self._lock:
            if kind == "node":
                place.node, message = facts["node"], None
            elif kind == "changed":
                place.ready = facts["ready"]
            elif facts["run"] != place.run:
                message = None
            elif kind == "frame":
                message = Frame(facts, blob)
                if message.type == "done":
                    place.run = None
            else:
                message = Lost(facts["run"], facts["cause"], facts["by_itself"], facts["again"])
                place.run, place.ready = None, False
                self._lost += not facts["again"]
        self._say(message)

    def _gone(self, place: _Place, cause: str, again: bool) -> None:
        with self._lock:
            if place not in self._places:
                return
            self._places.remove(place)
            run, place.run = place.run, None
            self._lost += place.ready or run is not None
        logger.warning("a place on the cluster has gone: %s", cause, extra={"event": "worker_died", "run": run})
        _quietly(ray.kill, place.actor)  # it may only be out of reach, and its run must not execute twice
        self._say(Changed() if run is None else Lost(run, cause, again=again))
        self._look.set()

    def _say(self, message: Message | None) -> None:
        deliver = self._deliver
        if deliver is not None and message is not None:
            deliver(message)

    def _executing(self, run: str) -> _Place | None:
        with self._lock:
            return next((place for place in self._places if place.run == run), None)

    def _note_problem(self, problem: str) -> None:
        with self._lock:
            self._problem = problem


def _commands(method: Any) -> Any:
    return method.options(concurrency_group="commands")


def _in_words(error: RayError) -> str:
    return f"Its place on the cluster has gone ({type(error).__name__})"


def _quietly(action: Any, *arguments: Any) -> None:
    """Do what cannot matter any more where it fails: the cluster may be gone."""
    try:
        action(*arguments)
    except Exception as error:
        logger.debug("the cluster does not take leave: %s", error)
