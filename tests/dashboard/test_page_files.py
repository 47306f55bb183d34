"""What a page loads is compressed and cached for good: our script in one request, Streamlit's own files too."""

import asyncio
import gzip
import re
from pathlib import Path

import pytest
from streamlit import file_util

from dashboard.server.assets import asset_url
from tests.support.asgi import Answer, send

STATIC = Path(file_util.get_static_dir())


def get(path: str, accepted: str = "gzip, deflate") -> Answer:
    return asyncio.run(send("GET", path, headers={"Accept-Encoding": accepted}))


def loaded_first() -> list[str]:
    page = (STATIC / "index.html").read_text("utf-8")
    return [path[1:] for path in re.findall(r'"(\./static/[^"]+\.(?:js|css))"', page)]


def test_every_script_of_streamlits_page_is_compressed_and_kept_for_good() -> None:
    names = loaded_first()
    assert len(names) > 5
    for name in names:
        answer = get(name)
        assert answer.headers["content-encoding"] == "gzip", name
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(answer.body) == (STATIC / name[1:]).read_bytes()


@pytest.mark.parametrize("path", ["/static/js/none.js", "/static/", "/static/media/font.woff2", "/index.html"])
def test_what_is_no_script_of_streamlits_is_passed_on(path: str) -> None:
    assert get(path).status == 404  # there is no Streamlit behind


def test_a_browser_that_cannot_decompress_is_left_to_streamlit() -> None:
    assert get(loaded_first()[0], accepted="identity").status == 404


@pytest.mark.parametrize("name", ["board.js", "board.css", "plotly.min.js"])
def test_assets_are_compressed_and_kept_for_good(name: str) -> None:
    answer = get(f"/{asset_url(name)}")
    assert len(gzip.decompress(answer.body)) > len(answer.body)
    assert "immutable" in answer.headers["cache-control"]
    assert get(f"/assets/{name}").headers["cache-control"] == "no-cache"  # without its hash it may change


def test_the_board_is_one_request() -> None:
    script = gzip.decompress(get(f"/{asset_url('board.js')}").body).decode()
    assert not re.search(r"^import\b", script, re.MULTILINE)
    assert script.rstrip().endswith("export const mount = board.mount;")
