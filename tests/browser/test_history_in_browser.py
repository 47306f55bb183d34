"""The history in Chromium: selected rows open one board, and it may be the first page that is ever opened."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.rows import pick
from tests.support.server import AppServer


@pytest.mark.browser
def test_selected_rows_are_laid_on_one_another(page: Any, app_server: AppServer) -> None:
    page.goto(app_server.url)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    started = page.evaluate(
        """async () => {
          const body = JSON.stringify({ config: { steps: 3, clip: { method: "norm" } }, compare: true })
          const headers = { "Content-Type": "application/json" }
          return (await fetch("/api/runs", { method: "POST", headers, body })).json()
        }"""
    )
    page.get_by_text("History", exact=True).first.click()
    for row in range(2):
        pick(page, row)
    page.get_by_role("button", name="Show together").click()
    page.wait_for_url(f"**/?run={started['group_watch']}")


@pytest.mark.browser
def test_the_first_page_ever_opened_may_be_the_history(chromium: Any, tmp_path: Path) -> None:
    """Streamlit would take a folder pages/ for its old kind of pages until main.py has run once: ours is screens/."""
    server = AppServer(tmp_path)
    try:
        server.start()
        page = chromium.new_page()
        page.goto(f"{server.url}/history")
        page.get_by_text("No runs yet").wait_for()
        assert page.get_by_text("Lab", exact=True).count() == 1
        page.close()
    finally:
        server.stop()
