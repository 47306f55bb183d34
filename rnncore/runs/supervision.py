"""What the scheduler does for its runs several times a second: enforce limits, start those that wait."""

import logging

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.store.database import is_damage, is_everybodys, may_pass
from rnncore.words import many

logger = logging.getLogger(__name__)

SHORT_NAP_S = 1.0  # no look after the runs is so late unless this process was stopped, or the machine slept
LONG_NAP_S = 5.0


def enforce_limits(lifecycle: Lifecycle) -> None:
    """End runs that have had their time, free the places of paused ones. Raises StoreFault where none can be ended."""
    now = lifecycle.clock.monotonic()
    with lifecycle.lock:
        _forgive_nap(lifecycle, now)
        _note_presence(lifecycle, now)
        failures = lifecycle.each_alone(list(lifecycle.runs), lambda run: _enforce(lifecycle, lifecycle.runs[run], now))
        if failures.general is not None:
            raise failures.general
        for run, error in failures.of.items():
            _cannot_be_kept(lifecycle, lifecycle.runs[run], error)


def _enforce(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    _enforce_time(lifecycle, run, now)
    _enforce_ending(lifecycle, run, now)
    _enforce_presence(lifecycle, run, now)
    _enforce_hold(lifecycle, run, now)


def start_waiting(lifecycle: Lifecycle) -> None:
    """Start as many waiting runs as there are free places. Raises StoreFault where nothing can be started."""
    lifecycle.backend.keep_up()
    free = lifecycle.backend.capacity().free
    for run in [lifecycle.runs[run_id] for run_id in lifecycle.queue]:
        if not free:
            return
        if run.id not in lifecycle.leaving and _started(lifecycle, run):
            free -= 1


def try_store(lifecycle: Lifecycle) -> None:
    """Find out whether trouble with the store is over when there is nothing to write. Raises StoreFault."""
    if lifecycle.trouble.since is not None:
        with lifecycle.transaction():
            lifecycle.store.touch()


def _started(lifecycle: Lifecycle, run: ActiveRun) -> bool:
    try:
        job = lifecycle.job(run)
        with lifecycle.transaction():
            lifecycle.begin(run, job)
    except Exception as error:  # whatever is wrong with this run, the others go on
        if is_everybodys(error) or (may_pass(error) and not lifecycle.store_works()):
            raise
        _cannot_be_kept(lifecycle, run, error)
        return False
    return True


def _cannot_be_kept(lifecycle: Lifecycle, run: ActiveRun, error: Exception) -> None:
    """Let a run wait on for a while when the store fails for it alone; let go of it when that does not pass."""
    now = lifecycle.clock.monotonic()
    run.unreadable_since = since = now if run.unreadable_since is None else run.unreadable_since
    if since == now:
        logger.error("a run cannot be kept", exc_info=error, extra={"event": "run_broken", "run": run.id})
    if is_damage(error):
        ending = Ending("interrupted", damaged(error))
    elif not may_pass(error):
        ending = Ending("failed", "This run cannot be started; the server's log says why.")
    elif now - since > lifecycle.settings.store_patience_seconds:
        reason = f"The run store could not be used for this run ({error}); it can be continued."
        ending = Ending("interrupted", reason)
    else:
        return
    lifecycle.give_up(run, run.ending or ending, has_ended=False)


def damaged(error: Exception) -> str:
    """Return what is told of a run that ends because the store is damaged where it is kept."""
    return f"Interrupted at step {{step}}: the run store is damaged where this run is kept ({error})."


def _forgive_nap(lifecycle: Lifecycle, now: float) -> None:
    """Let no run suffer from a time in which nobody could look after it, nor anybody ask about it."""
    wall, before = lifecycle.clock.wall(), lifecycle.looked_at
    lifecycle.looked_at = now, wall
    if before is None:
        return
    missed, by_calendar = now - before[0], wall - before[1]
    if missed > LONG_NAP_S:
        for run in lifecycle.runs.values():
            run.skip(missed)
    if max(missed, by_calendar) > SHORT_NAP_S:
        for workspace in list(lifecycle.seen):
            lifecycle.seen[workspace] = now
    if max(missed, by_calendar) > LONG_NAP_S:
        facts = {"event": "nap", "seconds": round(missed, 1)}
        logger.warning("%.0f seconds passed unnoticed (%.0f by the calendar)", missed, by_calendar, extra=facts)


def _note_presence(lifecycle: Lifecycle, now: float) -> None:
    """Remember exactly the workspaces that have unfinished runs."""
    workspaces = {run.workspace for run in lifecycle.runs.values()}
    for workspace in workspaces:
        lifecycle.seen.setdefault(workspace, now)
    for workspace in set(lifecycle.seen) - workspaces:
        del lifecycle.seen[workspace]


def _enforce_time(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    limit = lifecycle.settings.max_run_seconds * max(1, len(run.batch))
    if run.ending is None and run.trained_seconds(now) > limit:
        reason = f"Stopped at step {{step}}: this server's limit of {many(limit, 'second')} for a run was reached."
        lifecycle.ask_to_end(run, Ending("stopped", reason))


def _enforce_ending(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    """A run that does not stop by itself in time is aborted: asked first, then forced."""
    if run.ending is None or not run.executing:
        return
    late = (now - run.ending_since) // max(lifecycle.settings.stop_grace_seconds, 0.01)
    if run.aborts < min(late, 2):
        lifecycle.abort(run)


def _enforce_presence(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    """Waiting runs of a workspace that nobody looks at any more make room; what trains is left to finish."""
    gone = now - lifecycle.seen.get(run.workspace, now)
    if gone > lifecycle.settings.gone_seconds and not run.keep_when_gone and run.status != "running":
        reason = (
            f"Stopped at step {{step}}: it was waiting, and nobody has looked at it for {many(round(gone), 'second')}."
        )
        lifecycle.ask_to_end(run, Ending("stopped", reason))


def _enforce_hold(lifecycle: Lifecycle, run: ActiveRun, now: float) -> None:
    """A paused run does not keep its place from others for long."""
    held = run.paused_since is not None and now - run.paused_since > lifecycle.settings.pause_hold_seconds
    if held and lifecycle.queue and run.executing and not run.parking and run.ending is None:
        lifecycle.park(run)
