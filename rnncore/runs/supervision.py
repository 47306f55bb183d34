"""What the scheduler does for its runs several times a second: enforce limits, start those that wait."""

import logging

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.lifecycle import Lifecycle

logger = logging.getLogger(__name__)


def enforce_limits(lifecycle: Lifecycle, now: float) -> None:
    """End runs that have had their time, free the places of paused ones; now: time.monotonic()."""
    for run in list(lifecycle.runs.values()):
        _enforce_time(lifecycle, run, now)
        _enforce_ending(lifecycle, run, now)
        _enforce_presence(lifecycle, run, now)
        _enforce_hold(lifecycle, run, now)


def start_waiting(lifecycle: Lifecycle) -> None:
    """Start as many waiting runs as there are free places; fail them if there will be none."""
    queue, backend = lifecycle.queue, lifecycle.backend
    backend.keep_up()
    capacity = backend.capacity()
    if capacity.problem:
        for run_id in list(queue):
            lifecycle.end(lifecycle.runs[run_id], Ending("failed", capacity.problem))
    for _ in range(min(capacity.free, len(queue))):
        run = lifecycle.runs[queue.take()]
        try:
            lifecycle.begin(run)
        except Exception:  # whatever is wrong with this run, the others go on
            logger.exception("a run cannot be started", extra={"event": "start_failed", "run": run.id})
            lifecycle.end(run, Ending("failed", "This run cannot be started; the server's log says why."))


def _enforce_time(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    limit = lifecycle.settings.max_run_seconds
    if run.ending is None and run.trained_seconds(now) > limit:
        reason = f"Stopped at step {{step}}: this server's limit of {limit:g} seconds for a run was reached."
        lifecycle.ask_to_end(run, Ending("stopped", reason))


def _enforce_ending(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    """A run that does not stop by itself in time is aborted: asked first, then forced."""
    if run.ending is None or not run.executing:
        return
    late = (now - run.ending_since) // max(lifecycle.settings.stop_grace_seconds, 0.01)
    if run.aborts < min(late, 2):
        lifecycle.backend.abort(run.id)
        run.aborts += 1


def _enforce_presence(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    """Waiting runs of a workspace that nobody looks at any more make room; what trains is left to finish."""
    gone = now - lifecycle.seen.get(run.workspace, now)
    if gone > lifecycle.settings.gone_seconds and not run.keep_when_gone and run.status != "running":
        reason = f"Stopped at step {{step}}: it was waiting, and nobody has looked at it for {gone:.0f} seconds."
        lifecycle.ask_to_end(run, Ending("stopped", reason))


def _enforce_hold(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    """A paused run does not keep its place from others for long."""
    held = run.paused_since is not None and now - run.paused_since > lifecycle.settings.pause_hold_seconds
    if held and lifecycle.queue and run.executing and not run.parking and run.ending is None:
        lifecycle.park(run)
