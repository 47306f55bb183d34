"""The page of the board alone: what it holds of the runs at an address, and that it is safe to show."""

import gzip
import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import plotly

from dashboard import figures
from dashboard.exports.plotly_js import SMALL, WHOLE, plotly_js, small_draws
from dashboard.server.board_page import WAY_FOR_PHONES
from dashboard.server.guard import content_policy
from tests.support.api import NOBODY, started
from tests.support.asgi import Answer, call

RUNS = [figures.Run("a", 1.0, "rnn", clipped=True), figures.Run("b", None, "lstm", clipped=False)]


def text_of(page: Answer) -> str:
    zipped = page.headers.get("content-encoding") == "gzip"
    return (gzip.decompress(page.body) if zipped else page.body).decode()


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_page_holds_the_board_of_the_runs_at_its_address() -> None:
    answer = started({"steps": 30, "batch_size": 1, "clip": {"method": "norm"}}, compare=True)
    address = f"/board?run={answer['group_watch']}"
    page = call("GET", address, headers={"X-Workspace": answer["workspace"]})
    assert page.status == 200
    text = text_of(page)
    data = data_of(text)
    ids = [run["id"] for run in answer["runs"]]
    assert [run["id"] for run in data["runs"]] == ids
    assert [run["target"] for run in data["runs"]] == [answer["group"]] * 2
    assert data["matched"]
    assert data["tries"]
    assert not data["trains"]
    assert "plotly.min.js" in data["plotly"]
    for asset in re.findall(r'(?:src|href)="(assets/[^"]+)"', text):
        assert call("GET", f"/{asset}").status == 200, asset
    assert f'href="./?run={answer["group_watch"]}#lab"' in text
    # Fetched before the script asks for it: the very address that it will ask for.
    assert f'href="api/records?run={ids[0]}%3A0&amp;run={ids[1]}%3A0"' in text
    assert "streamlit" not in text.lower()


def test_an_address_without_runs_says_so() -> None:
    for address in (f"/board?run={NOBODY}", "/board", "/board?run=%3Cscript%3Ealert(1)%3C/script%3E"):
        page = call("GET", address)
        assert page.status == 404
        text = text_of(page)
        assert "There is no run at this address (any more)." in text
        assert "alert" not in text


def test_the_policy_of_pages_knows_the_script_that_sends_phones_here() -> None:
    digest = b64encode(sha256(WAY_FOR_PHONES.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in content_policy("localhost:8501")
    assert "</script" not in WAY_FOR_PHONES


def test_the_small_plotly_is_of_the_version_that_python_has_and_draws_the_boards_figures() -> None:
    head = WHOLE.read_text("utf-8")[:200]
    version = re.search(r"plotly\.js (v[\d.]+)", head)
    assert version
    assert SMALL.read_text("utf-8").startswith(f"/* plotly.js {version[1]}, traces: ")
    assert {"scatter", "heatmap"} <= small_draws()
    assert plotly_js(figures.drawing(RUNS)) == SMALL
    assert Path(plotly.__file__).parent in WHOLE.parents


def test_a_figure_with_other_traces_gets_the_whole_plotly() -> None:
    drawing = {"figures": {"light": {"toy": {"data": [{"type": "scatter3d"}], "layout": {}}}}}
    assert plotly_js(drawing) == WHOLE
