"""Share links in Chromium: what one browser copies trains bit for bit the same in another."""

import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.server import AppServer

pytestmark = pytest.mark.browser

Records = list[list[dict[str, Any]]]


def finished(page: Any, server: AppServer) -> Records:
    """The exported records of the runs that the address names, once they are over, without the clock's column."""
    page.wait_for_url(lambda url: "run=" in url)
    address = page.url.split("run=")[1].split("&")[0]
    deadline = time.monotonic() + 300
    while True:
        runs = page.request.get(f"{server.url}/api/groups/{address}").json()["runs"]
        if all(run["status"] == "finished" for run in runs):
            break
        assert time.monotonic() < deadline, runs
        page.wait_for_timeout(100)
    own = {run["watch"]: run["id"] for run in page.request.get(f"{server.url}/api/runs").json()["runs"]}
    exports = [page.request.get(f"{server.url}/api/runs/{own[run['watch']]}/export.json").json() for run in runs]
    return [[{**record, "elapsed_s": None} for record in export["records"]] for export in exports]


def train(page: Any) -> None:
    page.get_by_role("button", name="Train", exact=True).click()


def test_a_copied_link_trains_bit_for_bit_the_same_in_a_fresh_browser(chromium: Any, app_server: AppServer) -> None:
    mine, theirs = (chromium.new_context() for _ in range(2))
    mine.grant_permissions(["clipboard-read", "clipboard-write"], origin=app_server.url)
    page, other = mine.new_page(), theirs.new_page()
    page.goto(app_server.url)
    for label, value in (("Steps", "40"), ("Seed", "7"), ("Hidden units", "9")):
        page.get_by_label(label, exact=True).fill(value)
        page.get_by_label(label, exact=True).press("Enter")
    page.get_by_text("GRU", exact=True).click()
    page.get_by_role("radio", name="GRU", checked=True).wait_for(state="attached")
    train(page)
    records = finished(page, app_server)
    page.get_by_role("button", name="Share and keep").click()
    page.locator("[data-testid=stCode]").hover()
    page.get_by_role("button", name="Copy to clipboard").click()
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link.startswith(f"{app_server.url}/?config=2.")
    assert "run=" not in link

    other.goto(link)
    other.get_by_text("This link put an experiment into the controls").wait_for()
    expect(other.get_by_label("Hidden units", exact=True)).to_have_value("9")
    assert other.request.get(f"{app_server.url}/api/runs").json()["runs"] == []  # nothing starts by itself
    other.get_by_role("button", name="Train this now").click()
    again = finished(other, app_server)
    assert len(again) == len(records) == 2
    assert [len(each) for each in again] == [40, 40]
    assert again == records
    assert "config=" not in other.url  # the run's own address has taken its place
    assert other.get_by_text("This link put an experiment into the controls").count() == 0
    for context in (mine, theirs):
        context.close()
