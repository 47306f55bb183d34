"""The table of commands and states: each cell is tried on a run in that state."""

from contextlib import suppress
from pathlib import Path

import pytest

from rnncore.runs.allowed import ACTS, ALREADY, STATES, TABLE, as_markdown
from rnncore.runs.limits import LimitError
from rnncore.runs.scheduler import ControlError, UnknownRun
from rnncore.runs.store.store import ENDED
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, config, slow

HTTP_API = Path(__file__).parents[2] / "docs" / "http-api.md"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A server whose only place is taken, so that what is queued stays so."""
    server = Server(tmp_path_factory.mktemp("crowded"), MemoryBackend, workers=1, max_active_per_workspace=100)
    server.wait_step(server.submit(slow(LONG)).runs[0])
    yield server
    server.close()


def run_that_is(server, state):
    if state == "running":
        return server.store.runs(("running",))[0].id
    run_id = server.submit(slow(LONG)).runs[0]
    if state == "paused":
        server.scheduler.pause(run_id)
    elif state in ENDED:
        server.scheduler.stop(run_id)
        server.store.update_run(run_id, status=state, reason="for this test")
    assert server.run(run_id).status == state
    return run_id


COMMANDS = {
    "stop": lambda scheduler, run_id: scheduler.stop(run_id),
    "pause": lambda scheduler, run_id: scheduler.pause(run_id),
    "resume": lambda scheduler, run_id: scheduler.resume(run_id),
    "step": lambda scheduler, run_id: scheduler.step(run_id),
    "settings": lambda scheduler, run_id: scheduler.set_learning_rate(run_id, 0.5),
    "delete": lambda scheduler, run_id: scheduler.delete(run_id),
    "note": lambda scheduler, run_id: scheduler.set_note("w", run_id, "a note"),
}
# What is so after a command that acts, by what the server then knows of the run.
EFFECTS = {
    "stop": lambda server, run_id: server.run(run_id).status == "stopped",
    "pause": lambda server, run_id: server.run(run_id).status == "paused",
    "resume": lambda server, run_id: server.run(run_id).status in ("queued", "running"),
    "step": lambda server, run_id: server.run(run_id).status in ("queued", "running"),
    "settings": lambda server, run_id: server.scheduler._lifecycle.runs[run_id].changes == 1,
    "delete": lambda server, run_id: server.run(run_id) is None,
    "note": lambda server, run_id: server.run(run_id).note == "a note",
}
CELLS = [(command, state) for command in TABLE for state in STATES]


def test_the_table_has_every_cell_and_the_page_shows_it():
    assert TABLE.keys() == COMMANDS.keys()
    assert all(tuple(row) == STATES and all(row.values()) for row in TABLE.values())
    assert as_markdown() in HTTP_API.read_text()


@pytest.mark.parametrize(("command", "state"), [cell for cell in CELLS if cell[1] != "running"])
def test_a_run_obeys_as_the_table_says(crowded, command, state):
    run_id = run_that_is(crowded, state)
    try_cell(crowded, run_id, command, state)
    with suppress(ControlError, UnknownRun):
        crowded.scheduler.stop(run_id)


@pytest.mark.parametrize("command", TABLE)
def test_a_run_that_trains_obeys_as_the_table_says(tmp_path, command):
    server = Server(tmp_path, MemoryBackend, workers=1)
    run_id = server.submit(slow(LONG)).runs[0]
    server.wait_status(run_id, "running")
    try_cell(server, run_id, command, "running")
    server.close()


def try_cell(server, run_id, command, state):
    cell = TABLE[command][state]
    if cell in (ACTS, ALREADY):
        COMMANDS[command](server.scheduler, run_id)
        if cell == ACTS:
            server.wait(lambda: EFFECTS[command](server, run_id))
        else:
            assert server.run(run_id).status == state
    else:
        before = server.run(run_id)
        with pytest.raises(ControlError) as error:
            COMMANDS[command](server.scheduler, run_id)
        assert str(error.value) == cell
        assert cell.endswith(".")
        after = server.run(run_id)
        assert (after.status, after.reason) == (before.status, before.reason)


def test_a_run_that_is_about_to_stop_obeys_nothing_else(tmp_path):
    server = Server(tmp_path, MemoryBackend, workers=1, stop_grace_seconds=2.0)
    run_id = server.submit(config(LONG, milliseconds=500)).runs[0]
    server.wait_status(run_id, "running")
    server.scheduler.stop(run_id)
    server.scheduler.stop(run_id)
    for command in ("pause", "resume", "step", "settings"):
        with pytest.raises(ControlError, match="about to stop"):
            COMMANDS[command](server.scheduler, run_id)
    server.wait_status(run_id, "stopped")
    server.close()


def test_a_group_obeys_with_its_runs_that_are_not_over(tmp_path):
    server = Server(tmp_path, MemoryBackend)
    group = server.submit(config(3), slow(LONG))
    server.wait_status(group.runs[0], "finished")
    server.scheduler.pause(group.id)
    server.wait_status(group.runs[1], "paused")
    server.scheduler.resume(group.id)
    server.wait_status(group.runs[1], "running")
    server.scheduler.stop(group.id)
    server.wait_status(group.runs[1], "stopped")
    server.scheduler.stop(group.id)
    with pytest.raises(ControlError, match="cannot be paused"):
        server.scheduler.pause(group.id)
    assert server.run(group.runs[0]).status == "finished"
    server.close()


# Owners


def test_continuing_runs_is_a_start_of_the_owner_they_were_started_for(tmp_path):
    server = Server(tmp_path, MemoryBackend, workers=1, max_queued=16)  # an owner may have 4
    server.backend.problem = "waiting for a place"

    def start(owner, workspace):
        return server.submit(slow(LONG), workspace=workspace, owner=owner).runs[0]

    first = [start("address a", f"w{number}") for number in range(4)]
    for run_id in first:
        server.scheduler.stop(run_id)
    second = [start("address a", f"v{number}") for number in range(4)]
    for run_id in first:
        for owner in ("", "address a"):  # from a page, through the API
            with pytest.raises(LimitError, match="Your address has 4 unfinished runs"):
                server.scheduler.resume(run_id, owner)
    assert server.scheduler.overview().queued == 4
    server.scheduler.stop(second[0])
    server.scheduler.resume(first[0])
    with pytest.raises(LimitError, match="Your address has 4 unfinished runs"):
        start("address a", "another workspace")
    server.scheduler.resume(first[1], "address b")
    server.scheduler.stop(first[1])
    server.scheduler.resume(first[1])
    assert {run.owner for run in server.scheduler._lifecycle.runs.values()} == {"address a", "address b"}
    server.close()


def test_a_workspace_may_not_have_more_by_continuing(tmp_path):
    server = Server(tmp_path, MemoryBackend, workers=1, max_active_per_workspace=3)
    server.backend.problem = "waiting for a place"
    first = [server.submit(slow(LONG)).runs[0] for _ in range(3)]
    for run_id in first:
        server.scheduler.stop(run_id)
    for _ in range(3):
        server.submit(slow(LONG))
    with pytest.raises(LimitError, match="the limit is 3"):
        server.scheduler.resume(first[0])
    server.close()
