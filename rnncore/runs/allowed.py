"""Which command a run obeys in which state: one table, which the scheduler follows and docs/http-api.md shows."""

from collections.abc import Mapping

from rnncore.runs.store.store import ACTIVE, ENDED

ACTS = "acts"
ALREADY = "already so"  # what is asked for is the case: nothing to do, and no error
STATES = (*ACTIVE, *ENDED)
RESUMABLE = ("interrupted", "stopped", "killed")


def resumable(status: str, steps: int) -> bool:
    """Tell whether a run is over but can be continued; a watched one, of which no end is known (0 steps), cannot."""
    return status in RESUMABLE and steps > 0


def _row(
    acts: tuple[str, ...], already: tuple[str, ...] = (), unfinished: str = "", over: str = ""
) -> Mapping[str, str]:
    """Return a command's row; unfinished, over: why runs that are so do not obey where nothing else is said."""
    row = dict.fromkeys(ACTIVE, unfinished) | dict.fromkeys(ENDED, over)
    return row | dict.fromkeys(already, ALREADY) | dict.fromkeys(acts, ACTS)


TABLE: Mapping[str, Mapping[str, str]] = {
    "stop": _row(ACTIVE, ENDED),
    "pause": _row(("queued", "running"), ("paused",), over="This run is over, so it cannot be paused."),
    "resume": _row(("paused", *RESUMABLE), ("queued", "running"), over="This run has ended and cannot be continued."),
    "step": _row(
        ("paused",),
        unfinished="Only a paused run can make a single step; pause it first.",
        over="This run is over, so it makes no further step.",
    ),
    "settings": _row(ACTIVE, over="This run is over, so its settings can no longer be changed."),
    "delete": _row(ENDED, unfinished="This run is unfinished and cannot be deleted; stop it first."),
    "note": _row(STATES),
}
STOPPING = "This run is about to stop."  # said to any command but `stop` from when it was asked to


def as_markdown() -> str:
    """Return the table for docs/http-api.md."""
    cells = {ACTS: "yes", ALREADY: "is so"}
    lines = [f"| | {' | '.join(STATES)} |", f"|---|{'---|' * len(STATES)}"]
    for command, row in TABLE.items():
        lines.append(f"| {command} | {' | '.join(cells.get(row[state], '409') for state in STATES)} |")
    return "\n".join(lines)
