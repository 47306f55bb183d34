"""The app's pages through Streamlit's AppTest: where they are, and what a test looks for on them."""

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.support.server import ROOT

MAIN = str(ROOT / "dashboard" / "main.py")


def button(app: AppTest, label: str) -> Any:
    return next(each for each in app.button if each.label == label)


def texts(app: AppTest) -> list[str]:
    return [text.value for text in app.text]


def studies_page(workspace: str, **address: str) -> AppTest:
    """Return the page Studies as it stands for a workspace at an address."""
    app = AppTest.from_file(str(ROOT / "dashboard" / "screens" / "studies.py"), default_timeout=60)
    app.session_state["workspace"] = workspace
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app
