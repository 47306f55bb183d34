"""Rows of the history's table in a browser."""

from typing import Any

import pytest


def pick(page: Any, row: int, then: str = "") -> None:
    """Click on a row's check box, which is painted, not an element; again if a busy machine lost the click.

    then: a text that is seen once the row is chosen, by default how many are.
    """
    from playwright.sync_api import TimeoutError as Timeout

    from tests.support.browsing import arrived

    arrived(page)
    grid = page.locator("[data-testid=stDataFrame] canvas").first
    grid.wait_for()
    for _ in range(5):
        page.wait_for_timeout(500)
        box = grid.bounding_box()
        page.mouse.click(box["x"] + 17, box["y"] + 36 + 35 * row + 17)
        try:
            page.get_by_text(then or f"{row + 1} selected").first.wait_for(timeout=20_000)
        except Timeout:
            continue
        return
    pytest.fail(f"row {row} cannot be selected")
