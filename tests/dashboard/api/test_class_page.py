"""The page of a class: any code leads to it, none is told to exist, and what was handed out opens in the lab."""

import gzip
import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest

from dashboard.experiment.share import decode
from dashboard.server import services
from dashboard.server.class_page import STEPS
from dashboard.server.qr import qr_svg
from rnncore.runs.store.keys import watch_key
from tests.support.api import NOBODY, started
from tests.support.asgi import call

TEACHER, ANN, ELSE = ({"X-Workspace": letter * 22} for letter in "TAE")


@pytest.fixture
def code() -> Iterator[str]:
    code = call("POST", "/api/classes", headers=TEACHER).json["code"]
    yield code
    call("DELETE", f"/api/classes/{code}", headers=TEACHER)


def test_the_page_is_the_same_whether_there_is_a_class_or_not(code: str) -> None:
    there, none = call("GET", f"/class/{code}"), call("GET", "/class/CCCCCC")
    assert (there.status, none.status) == (200, 200)
    there_alike, none_alike = (re.sub(rb' d="[^"]*"', b"", answer.body) for answer in (there, none))  # the QR codes
    assert there_alike.replace(code.encode(), b"CCCCCC") == none_alike


def test_a_wide_screen_shows_how_to_join_with_the_address_that_leads_here(code: str) -> None:
    page = call("GET", f"/class/{code.lower()}").body.decode()
    assert f'<p class="rgl-address">localhost:8501<wbr>/class/{code}</p>' in page
    assert qr_svg(f"http://localhost:8501/class/{code}") in page
    assert all(escape(step) in page for step in STEPS)


def test_a_code_is_read_however_it_is_typed_and_what_is_none_is_asked_for_again(code: str) -> None:
    typed = call("GET", f"/class?code={code[:3].lower()}-{code[3:].lower()}")
    assert (typed.status, typed.headers["location"]) == (303, f"class/{code}")
    assert f'"code":"{code}"'.encode() in call("GET", f"/class/{code.lower()}").body
    for wrong in ("/class?code=hello", "/class?code=%3Cscript%3E"):
        assert b"A code has 6 letters" in call("GET", wrong).body
    elsewhere = call("GET", "/class/%3Cscript%3E")
    assert (elsewhere.status, elsewhere.headers["location"]) == (303, "../class?code=-")
    assert b"<form" in call("GET", "/class").body


def test_all_that_the_page_needs_comes_from_this_server(code: str) -> None:
    page = call("GET", f"/class/{code}").body.decode()
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)[0])
    for asset in (*re.findall(r'(?:src|href)="(assets/[^"]+)"', page), data["lessons"], data["settings"]):
        assert call("GET", f"/{asset}").status == 200, asset


def test_what_was_handed_out_opens_in_the_lab_for_members_alone(code: str) -> None:
    given = {"clip": {"method": "norm", "threshold": 3.0}, "steps": 77}
    call("PUT", f"/api/classes/{code}/handout", {"config": given, "vary": "clip.threshold"}, TEACHER)
    call("POST", f"/api/classes/{code}/join", {}, ANN)
    link = call("GET", f"/class/{code}/lab", headers=ANN).headers["location"]
    text = re.fullmatch(r"\.\./\.\./\?config=([^#]+)#lab", link)
    assert text
    decoded = decode(text[1])
    assert (decoded.config.clip.threshold, decoded.config.steps, decoded.compare) == (3.0, 77, False)
    for who in (ELSE, {}):
        assert call("GET", f"/class/{code}/lab", headers=who).headers["location"] == f"../{code}"


def board(address: str, who: dict[str, str]) -> Any:
    answer = call("GET", f"/api/board?run={address}", headers=who)
    zipped = call("GET", f"/api/board?run={address}", headers=who | {"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert gzip.decompress(zipped.body) == answer.body
    return answer.json


def test_a_board_is_had_by_watch_keys_and_steered_by_its_owner_alone() -> None:
    group = started()
    run = group["runs"][0]["id"]
    owner = {"X-Workspace": group["workspace"]}
    watched = board(watch_key(run), ANN)
    assert run not in json.dumps(watched)
    assert [(each["id"], each["target"]) for each in watched["runs"]] == [(watch_key(run), None)]
    assert board(watch_key(run), owner)["runs"][0]["target"]
    assert call("GET", f"/api/board?run={NOBODY}").status == 404
    assert call("GET", "/api/board").error == "There is no run at this address (any more)."


def test_what_a_student_trains_in_the_lab_is_on_the_wall_if_it_was_handed_out(code: str) -> None:
    from dashboard.server.handed_out import put_on_walls

    given = {"clip": {"method": "norm", "threshold": 3.0}, "steps": 30, "batch_size": 1}
    call("PUT", f"/api/classes/{code}/handout", {"config": given, "vary": "clip.threshold"}, TEACHER)
    call("POST", f"/api/classes/{code}/join", {}, ANN)
    store = services.scheduler().store
    for changed, shown in (({"steps": 31}, 0), ({"clip": {"method": "norm", "threshold": 9.0}}, 1)):
        answer = call("POST", "/api/runs", {"config": given | changed}, ANN).json
        put_on_walls(ANN["X-Workspace"], store.group(answer["group"]))
        assert len(services.school().wall(services.school().room(code))) == shown
