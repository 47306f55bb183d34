"""Every call with every key: what docs/http-api.md says of ids and watch keys is tried, cell by cell."""

import json
import re
from typing import Any, NamedTuple

import pytest
from starlette.routing import Route

from dashboard import api
from dashboard.api import keep
from dashboard.exports import bundle
from dashboard.server.board_page import board_routes
from dashboard.server.http import NOT_FOUND
from rnncore.runs.store.keys import WATCH_KEY, watch_key
from tests.support.api import AS_CSV, TABLE, finished
from tests.support.asgi import Answer, call
from tests.support.server import ROOT
from tests.support.waiting import wait

OWNER, VISITOR = {"X-Workspace": "O" * 22}, {"X-Workspace": "V" * 22}
ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \| (yes|none) \| (yes|404) \|$", re.MULTILINE)
DOCS = (ROOT / "docs" / "http-api.md").read_text("utf-8")
TABLE_OF_CALLS = {(method, path): cells for method, path, *cells in ROW.findall(DOCS)}
ROUTES = [
    (method, prefix + route.path)
    for prefix, routes in (("/api", api._app.routes), ("", board_routes))
    for route in routes
    if isinstance(route, Route)
    for method in sorted(route.methods or ())
    if method != "HEAD"
]
OF_RUNS = [call for call in ROUTES if TABLE_OF_CALLS.get(call, ["none"])[0] == "yes"]
WITHOUT_RUNS = [call for call in ROUTES if call not in OF_RUNS]
BODIES: dict[str, Any] = {
    "/api/runs/{run}/settings": {"learning_rate": 0.002},
    "/api/runs/{run}/try": {"changes": {"steps": 31}},
    "/api/watched/{watched}/records": {"records": []},
    "/api/watched/{watched}/alive": {},
    "/api/watched/{watched}/end": {"status": "stopped"},
}
WATCHED = {"name": "tagger", "modules": [{"cell": "gru", "hidden_size": 4, "num_layers": 1}]}


class Keys(NamedTuple):
    """Twins of one start, a run of another one of the same workspace, a study, and a watched run."""

    run: str
    group: str
    study: str
    watched: str
    others: tuple[str, ...]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    for module in (keep, bundle):
        monkeypatch.setattr(module, "weights_file", lambda store, run: b"")  # a toy worker has none
    body = {"config": {"steps": 30, "batch_size": 1, "clip": {"method": "norm"}}, "compare": True}
    twins = call("POST", "/api/runs", body, headers=OWNER).json
    other = call("POST", "/api/runs", {"config": body["config"]}, headers=OWNER).json
    run, twin, third = (finished(each["id"]) for each in (*twins["runs"], *other["runs"]))
    study = {"base": {"steps": 3}, "axes": [{"field": "batch_size", "values": [1]}], "seeds": 1}
    planned = call("POST", "/api/studies", {"study": study}, headers=OWNER).json["id"]
    wait(lambda: call("GET", f"/api/studies/{planned}").json["status"] == "finished")
    watched = call("POST", "/api/watched", WATCHED, headers=OWNER).json["runs"][0]["id"]
    call("POST", f"/api/watched/{watched}/end", {"status": "stopped"})
    return Keys(run, twins["group"], planned, watched, (twin, third, other["group"]))


def ask(method: str, path: str, key: str, headers: dict[str, str]) -> Answer:
    """Ask for what a route offers, of the run or group with a key."""
    query = {"/api/records": f"?run={key}:0", "/board": f"?run={key}", "/api/board": f"?run={key}"}.get(path, "")
    if path.endswith("/insights"):
        query = "?step=20"
    content: Any = BODIES.get(path)
    if path.endswith("/predict"):
        content, headers = TABLE, headers | AS_CSV
    address = re.sub(r"\{(run|group|study|watched)\}", key, path).replace("{cell}", "0").replace("{table}", "cells.csv")
    return call(method, address + query, content, headers=headers)


def is_refused(answer: Answer) -> bool:
    """Tell whether an answer says that there is no such run."""
    said = answer.body.decode(errors="replace")
    return any(each in said for each in (NOT_FOUND, "There is no run at this address", "There is no such study"))


def key_for(path: str, keys: Keys) -> str:
    named = re.search(r"\{(group|study|watched)\}", path)
    return getattr(keys, named[1]) if named else keys.run


def names(each: tuple[str, str]) -> str:
    return " ".join(each)


def test_the_table_has_a_row_for_every_call_and_no_others() -> None:
    assert sorted(TABLE_OF_CALLS) == sorted(set(ROUTES))


@pytest.mark.parametrize(("method", "path"), OF_RUNS, ids=map(names, OF_RUNS))
def test_an_id_and_a_watch_key_open_what_the_table_says(method: str, path: str, keys: Keys) -> None:
    key = key_for(path, keys)
    answer = ask(method, path, watch_key(key), VISITOR)
    assert is_refused(answer) == (TABLE_OF_CALLS[method, path][1] == "404"), answer.body[:200]
    assert (answer.status == 404) == is_refused(answer)
    with_cookie = ask(method, path, watch_key(key), OWNER)
    assert is_refused(with_cookie) == is_refused(answer), "a workspace makes no owner's key of a watch key"
    assert not is_refused(ask(method, path, key, OWNER))


@pytest.mark.parametrize(
    ("method", "path"), [each for each in OF_RUNS if TABLE_OF_CALLS[each][1] == "yes"], ids=lambda text: text
)
@pytest.mark.parametrize("by", ["run", "group"])
def test_a_watch_key_is_told_no_id_no_workspace_and_no_other_run(method: str, path: str, by: str, keys: Keys) -> None:
    answer = ask(method, path, watch_key(keys.study if "{study}" in path else getattr(keys, by)), VISITOR)
    text = answer.body.decode()
    others = keys.others if by == "run" else keys.others[1:]
    secrets = [*keys, *OWNER.values(), *keys.others, *map(watch_key, others)]
    assert [secret for secret in secrets if isinstance(secret, str) and secret in text] == []


@pytest.mark.parametrize(("method", "path"), WITHOUT_RUNS, ids=map(names, WITHOUT_RUNS))
def test_a_watch_key_opens_no_workspace(method: str, path: str, keys: Keys) -> None:
    assert TABLE_OF_CALLS[method, path] == ["none", "404"]
    address = path.replace("{file}", f"sha256:{'0' * 64}").replace("{code}", "CDFHJK")
    answer = call(method, address, headers={"X-Workspace": watch_key(keys.run)})
    assert (answer.status, answer.error) == (404, NOT_FOUND)


def test_a_watch_key_is_one_way_and_of_another_form_than_an_id(keys: Keys) -> None:
    assert WATCH_KEY.fullmatch(watch_key(keys.run))
    assert not WATCH_KEY.fullmatch(keys.run)
    assert watch_key(watch_key(keys.run)) != watch_key(keys.run)
    assert len({watch_key(each) for each in (keys.run, keys.group, *keys.others)}) == 5


def test_a_start_tells_both_keys_and_the_status_does_too(keys: Keys) -> None:
    started = call("POST", "/api/runs", {"config": {"steps": 3, "batch_size": 1}}).json
    (run,) = started["runs"]
    assert (run["watch"], started["group_watch"]) == (watch_key(run["id"]), watch_key(started["group"]))
    assert started["address"].endswith(f"/?run={started['group_watch']}")
    mine = call("GET", f"/api/runs/{keys.run}").json
    assert (mine["watch"], mine["group_watch"]) == (watch_key(keys.run), watch_key(keys.group))


def test_the_status_by_a_watch_key_is_the_same_but_for_what_is_private(keys: Keys) -> None:
    mine, seen = (call("GET", f"/api/runs/{key}").json for key in (keys.run, watch_key(keys.run)))
    private = {"id", "group", "group_watch", "note", "files"}
    assert {name: value for name, value in seen.items() if name not in private} == {
        name: value for name, value in mine.items() if name not in private
    }
    assert (seen["id"], seen["group"], seen["note"]) == (watch_key(keys.run), None, "")


def test_records_by_a_watch_key_are_the_same_under_that_name(keys: Keys) -> None:
    mine, seen = (call("GET", f"/api/records?run={key}:0").json["runs"][0] for key in (keys.run, watch_key(keys.run)))
    assert seen == mine | {"run": watch_key(keys.run)}
    unknown = "w" + "x" * 22
    assert call("GET", f"/api/records?run={unknown}:0").json["runs"] == [{"run": unknown, "error": NOT_FOUND}]


@pytest.mark.parametrize("who", [VISITOR, OWNER], ids=["a visitor", "the owner"])
def test_a_change_tried_by_a_watch_key_is_a_run_of_ones_own_and_nothing_of_the_other_changes(
    who: dict[str, str], keys: Keys
) -> None:
    before = call("GET", f"/api/groups/{keys.group}").body
    answer = call("POST", f"/api/runs/{watch_key(keys.run)}/try", {"changes": {"seed": 9}}, headers=who).json
    assert answer["group"] != keys.group
    assert [run["id"] for run in call("GET", "/api/runs", headers=who).json["runs"]][-1] == answer["id"]
    assert call("GET", f"/api/groups/{keys.group}").body == before
    again = call("POST", f"/api/runs/{watch_key(keys.run)}/try", {"changes": {"seed": 9}}, headers=who).json
    assert again["id"] != answer["id"]


def test_an_old_address_of_the_board_leads_to_the_one_with_the_watch_key(keys: Keys) -> None:
    moved = call("GET", f"/board?run={keys.group}", headers=OWNER)
    assert (moved.status, moved.headers["location"]) == (302, f"board?run={watch_key(keys.group)}")


def board(key: str, headers: dict[str, str]) -> dict[str, Any]:
    page = call("GET", f"/board?run={watch_key(key)}", headers=headers).body.decode()
    found = re.search(r'id="data">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


def test_the_board_steers_the_runs_of_its_own_workspace_alone(keys: Keys) -> None:
    owned, seen = (board(keys.group, who)["runs"] for who in (OWNER, VISITOR))
    assert [(run["id"], run["target"]) for run in owned] == [(keys.run, keys.group), (keys.others[0], keys.group)]
    assert [(run["id"], run["target"]) for run in seen] == [
        (watch_key(run), None) for run in (keys.run, keys.others[0])
    ]
    assert [run["watch"] for run in owned] == [run["watch"] for run in seen]
