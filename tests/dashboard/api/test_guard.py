"""Who is answered at all: other sites, forms, foreign host names; and the security headers of every answer."""

import pytest

from tests.support.api import AS_CSV, SLOW, TABLE, run_of
from tests.support.asgi import call


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8501"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://localhost:8501"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8501"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://localhost:9999"}, False),
        ({"Origin": "null"}, False),
        *(
            ({"Origin": odd}, False)
            for odd in ("http://[", "http://[::1", "http://]", "//", "", "[", "http://localhost:8501]")
        ),
    ],
)
def test_other_sites_can_neither_start_nor_steer(headers: dict[str, str], allowed: bool) -> None:
    run = run_of(SLOW)
    assert call("POST", "/api/runs", {"config": {"steps": 1}}, headers).status == (201 if allowed else 403)
    assert call("POST", "/api/files", TABLE, AS_CSV | headers).status == (201 if allowed else 403)
    assert call("POST", f"/api/runs/{run}/pause", headers=headers).status == (200 if allowed else 403)
    assert call("DELETE", f"/api/runs/{run}", headers=headers).status == (409 if allowed else 403)


def test_a_form_can_steer_nothing() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call("POST", f"/api/runs/{run_of(SLOW)}/stop", headers=form).status == 415


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("localhost:8501", 200), ("127.0.0.1:8501", 200), ("[::1]:8501", 200), ("lab.localhost", 200),
        ("evil.example", 403), ("evil.example:8501", 403), ("127.0.0.1.evil.example", 403), ("", 403), ("[", 403),
        ("localhost@evil.example", 403), ("localhost.evil.example", 403), ("192.168.1.7", 403),
    ],
)  # fmt: skip
def test_a_server_on_loopback_answers_to_its_own_names(host: str, answered: int) -> None:
    assert call("GET", "/api/health", headers={"Host": host}).status == answered


def test_allowed_hosts_are_streamlits(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"server.allowedHosts": ["lab.example", "*.school.example"], "server.address": "0.0.0.0"}
    monkeypatch.setattr("dashboard.server.guard.config.get_option", options.get)
    hosts = ("lab.example:80", "a.school.example", "evil.example", "school.example", "localhost")
    assert [call("GET", "/api/health", headers={"Host": host}).status for host in hosts] == [200, 200, 403, 403, 403]
    options["server.allowedHosts"] = []
    assert call("GET", "/api/health", headers={"Host": "anything.example"}).status == 200


def test_answers_carry_security_headers() -> None:
    headers = call("GET", "/api/health").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert policy["connect-src"] == "'self' ws://localhost:8501 wss://localhost:8501"
    assert "unsafe" not in policy["script-src"]
    assert not any("*" in sources for sources in policy.values())


def test_a_host_cannot_write_into_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.server.guard.host_is_allowed", lambda host: True)
    answer = call("GET", "/api/health", headers={"Host": "a; script-src *"})
    assert "*" not in answer.headers["content-security-policy"]
