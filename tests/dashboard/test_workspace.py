"""Workspaces: every browser its own, none sees another's; and the door of the real server."""

import http.client
import json
import re
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.server.services import product_version
from tests.support.asgi import call
from tests.support.server import AppServer

PAGE = {"Accept": "text/html,application/xhtml+xml"}


def ask(
    server: AppServer, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("localhost", server.port, timeout=20)
    data = None if body is None else json.dumps(body)
    content_type = {} if body is None else {"Content-Type": "application/json"}
    connection.request(method, path, data, content_type | (headers or {}))
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def cookie_of(answer: http.client.HTTPResponse) -> str:
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]


def test_a_page_brings_a_cookie_that_scripts_cannot_read() -> None:
    cookie = call("GET", "/", headers=PAGE).headers["set-cookie"]
    assert re.fullmatch(
        r"rnn_lab_workspace=[\w-]{22}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", cookie
    )  # without Secure: the app is used over plain http on localhost


def test_a_page_over_https_keeps_its_cookie_to_https() -> None:
    assert call("GET", "/", headers=PAGE, scheme="https").headers["set-cookie"].endswith("; Secure")


def test_a_page_from_the_browsers_cache_brings_one_too() -> None:
    answer = call("GET", "/", headers=PAGE | {"If-None-Match": '"x"'})
    assert answer.status == 304
    assert "rnn_lab_workspace=" in answer.headers["set-cookie"]


def test_no_shared_cache_may_hand_a_cookie_on() -> None:
    assert call("GET", "/", headers=PAGE).headers["cache-control"] == "private, no-cache"


def test_a_valid_cookie_stays_and_an_invalid_one_is_replaced() -> None:
    kept = call("GET", "/", headers=PAGE | {"Cookie": f"rnn_lab_workspace={'a' * 22}"})
    assert "set-cookie" not in kept.headers
    for value in ("short", "a" * 65, "a" * 21 + "!", "a" * 21 + "%"):
        answer = call("GET", "/", headers=PAGE | {"Cookie": f"rnn_lab_workspace={value}"})
        assert "set-cookie" in answer.headers


def test_only_pages_bring_cookies() -> None:
    assert "set-cookie" not in call("GET", "/nothing", headers=PAGE).headers
    assert "set-cookie" not in call("GET", "/api/records").headers


def test_two_browsers_have_two_workspaces_and_see_only_their_own_runs(app_server: AppServer) -> None:
    cookies = [cookie_of(ask(app_server, "GET", "/", headers=PAGE)[0]) for _ in range(2)]
    assert cookies[0] != cookies[1]
    assert all(re.fullmatch(r"rnn_lab_workspace=[\w-]{22}", cookie) for cookie in cookies)
    runs = []
    for cookie in cookies:
        answer, content = ask(app_server, "POST", "/api/runs", {"config": {"steps": 2}}, {"Cookie": cookie})
        assert answer.status == 201
        runs.append(json.loads(content)["runs"][0]["id"])
    for cookie, run in zip(cookies, runs, strict=True):
        listed = json.loads(ask(app_server, "GET", "/api/runs", headers={"Cookie": cookie})[1])["runs"]
        assert [each["id"] for each in listed] == [run]
    stranger = json.loads(ask(app_server, "GET", "/api/runs")[1])
    assert stranger == {"runs": []}
    for cookie in cookies:  # the id of the workspace is nowhere to be seen
        value = cookie.partition("=")[2]
        for run in runs:
            for path in ("", "/records", "/config.json", "/export.json"):
                assert value.encode() not in ask(app_server, "GET", f"/api/runs/{run}{path}")[1]


def test_the_servers_own_page_is_not_one_that_streamlit_knows(app_server: AppServer) -> None:
    """The page has more in it than Streamlit sends, so that Streamlit's tag would be that of another one."""
    first, page = ask(app_server, "GET", "/", headers=PAGE)
    assert first.getheader("ETag") is None
    tag = {"If-None-Match": '"of before"', "If-Modified-Since": "Wed, 25 Nov 2026 10:00:00 GMT"}
    again, same = ask(app_server, "GET", "/", headers=PAGE | tag)
    assert (again.status, same) == (200, page)
    assert cookie_of(again)


def test_the_server_has_no_torch_and_says_how_it_is(app_server: AppServer) -> None:
    health = json.loads(ask(app_server, "GET", "/api/health")[1])
    assert health["torch_loaded"] is False
    assert health["version"] == product_version()
    assert health["workers"] >= 1


def test_pages_and_sockets_answer_to_no_foreign_host(app_server: AppServer) -> None:
    assert ask(app_server, "GET", "/", headers=PAGE | {"Host": "evil.example"})[0].status == 403
    address = f"ws://localhost:{app_server.port}/_stcore/stream"
    with pytest.raises(InvalidStatus), connect(address, additional_headers={"Host": "evil.example"}):
        pass


def test_a_small_answer_comes_at_once(app_server: AppServer) -> None:
    """Ten requests on one connection; with Nagle's algorithm each waits 40 ms for a delayed acknowledgement."""
    connection = http.client.HTTPConnection("localhost", app_server.port, timeout=20)
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        connection.request("GET", "/api/nothing")
        connection.getresponse().read()
        seconds.append(time.perf_counter() - began)
    connection.close()
    assert sorted(seconds)[3] < 0.035


def test_the_log_is_json_without_whole_ids(app_server: AppServer) -> None:
    answer = json.loads(ask(app_server, "POST", "/api/runs", {"config": {"steps": 1}})[1])
    ids = [answer["group"], answer["workspace"], answer["runs"][0]["id"]]
    log = app_server.log.read_text()
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"server_started", "run_queued"} <= {event["event"] for event in events}
    assert any(event.get("runs") == [ids[2][:6] + "..."] for event in events)
    assert not any(each in log for each in ids)
