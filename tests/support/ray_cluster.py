"""A Ray cluster of several nodes on this machine, for tests: small stores, no dashboard, nodes that can be killed."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray.cluster_utils import Cluster

from rnncore.runs.backend.ray import RayBackend
from rnncore.runs.settings import Settings
from tests.support.fake_worker import COMMAND

SMALL = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
# A node that is gone counts as dead after some three seconds, one that is merely slow not for a while.
PROMPT = {"health_check_period_ms": 1000, "health_check_timeout_ms": 10_000, "health_check_failure_threshold": 3,
          "health_check_initial_delay_ms": 0}  # fmt: skip
TRIES = 5  # Ray gives a node half a minute to start, which a busy machine may not have


class Nodes:
    """A head without room for runs, and nodes that have some."""

    def __init__(self, *cpus: int) -> None:
        head = {"num_cpus": 0, "_system_config": PROMPT, **SMALL}
        self.cluster = _patiently(lambda: Cluster(True, head_node_args=head))
        self.nodes = [self.add(each) for each in cpus]
        self.address: str = self.cluster.address

    def add(self, cpus: int) -> Any:
        return _patiently(lambda: self.cluster.add_node(num_cpus=cpus, **SMALL))

    def kill(self, number: int) -> None:
        """Let a node die with all that it does, without a goodbye."""
        self.cluster.remove_node(self.nodes[number], allow_graceful=False)

    def shutdown(self) -> None:
        ray.shutdown()
        self.cluster.shutdown()


def _patiently(start: Callable[[], Any]) -> Any:
    for last in (*[False] * (TRIES - 1), True):
        try:
            return start()
        except Exception:
            if last:
                raise
    return None


def on_cluster(address: str, **more: Any) -> Any:
    """Return what makes an execution engine on a cluster, with toy workers."""

    def make(settings: Settings) -> RayBackend:
        return RayBackend(settings.model_copy(update={"ray_address": address, **more}), COMMAND)

    return make
