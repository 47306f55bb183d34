"""A browser that owns what a script has started: its pages steer those runs."""

from typing import Any

from dashboard.server.workspace import COOKIE


def own(context: Any, url: str, started: dict[str, Any]) -> None:
    """Give a context of Playwright the workspace that the answer to a first start names."""
    context.add_cookies([{"name": COOKIE, "value": started["workspace"], "url": url}])
