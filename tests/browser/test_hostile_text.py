"""Words of the user's own in Chromium: whatever they are, they are shown as text or refused in a sentence.

Nothing in them is executed, loaded or drawn as markup, and nothing is pushed out of its place. (That nothing is asked
for elsewhere and no error is logged, the fixture `page` sees.)
"""

import io
import math
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.experiment.link_packing import compact_json, pack
from rnncore.words import visible
from tests.support.browsing import arrived, eventually, still
from tests.support.hostile_texts import LONG, ODD, SCRIPTS, TEXTS
from tests.support.rows import pick
from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

HARM = """() => {
  const found = [...document.querySelectorAll('svg a, iframe:not([title=st]), a, img, svg, body *')].filter((node) =>
    node.matches('svg a, a[href^="javascript"], a[href*="example.org"], [onerror], [onload], img[src="x"]') ||
    (node.localName === 'script' && !/json/.test(node.type) && /window\\.hit/.test(node.textContent)) ||
    (node.localName === 'style' && /display: none }$/.test(node.textContent)))
  return [window.hit, ...found.map((node) => node.outerHTML.slice(0, 200))].filter((each) => each !== undefined)
}"""
# What is wider than the page, or hangs out of the card or the sidebar that it stands in.
WIDE = """() => {
  const out = document.documentElement.scrollWidth > innerWidth + 1 ? ['the page'] : []
  const clips = (node) => /(auto|scroll|hidden|clip)/.test(getComputedStyle(node).overflowX)
  const scrolls = (node) => node && (clips(node) || scrolls(node.parentElement))
  for (const node of document.querySelectorAll('section *, .rgl-board *')) {
    const box = node.getBoundingClientRect()
    if (box.width && box.right > innerWidth + 2 && !scrolls(node.parentElement)) out.push(node.outerHTML.slice(0, 200))
  }
  return out
}"""
CLASSES = "() => document.querySelector('[data-figure=confusion]').data.map(({ x, y, z }) => [x, y, z.length])"
OVER = """() => {
  const all = [...document.querySelectorAll('.rgl-status')].map((node) => node.textContent)
  return all.length && all.every((text) => /finished|diverged/.test(text))
}"""


def unharmed(page: Any) -> None:
    assert page.evaluate(HARM) == []
    eventually(page, WIDE, [])  # what has just come may still move to its place


def history(page: Any) -> None:
    """Go there from another page: at its own address Streamlit asks for files that do not exist first."""
    page.get_by_text("History", exact=True).first.click()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()


def stored_note(server: AppServer) -> str:
    with closing(sqlite3.connect(next(server.data_dir.rglob("runs.sqlite")))) as db:
        return str(db.execute("SELECT note FROM runs ORDER BY created_at DESC LIMIT 1").fetchone()[0])


@pytest.mark.parametrize("width", [390, 1440])
def test_notes(page: Any, app_server: AppServer, width: int) -> None:
    page.goto(app_server.url)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    page.evaluate(
        """async () => {
          const body = JSON.stringify({ config: { steps: 3 } }), headers = { "Content-Type": "application/json" }
          await fetch("/api/runs", { method: "POST", headers, body })
        }"""
    )
    history(page)
    page.set_viewport_size({"width": width, "height": 900})
    pick(page, 0)
    note = page.get_by_label("Note", exact=True)
    for number, text in enumerate(TEXTS if width > 390 else SCRIPTS[:3]):
        note.fill(f"{number} {text}")
        note.press("Enter")
        words = visible(f"{number} {text}").strip()
        wait(lambda words=words: stored_note(app_server) == words, 120)
        unharmed(page)
    before = stored_note(app_server)
    for text in LONG:  # more than a note may have: it is not taken, and the field says how much it may hold
        note.fill(text)
        note.press("Enter")
        still(page)
        unharmed(page)
    assert stored_note(app_server) == before
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_text("Glossary", exact=True).first.click()
    page.get_by_text("Vanishing gradient").first.wait_for()
    history(page)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.get_by_label("Note", exact=True).input_value() == before
    unharmed(page)


def parquet(columns: dict[str, Any]) -> bytes:
    """A table whose names of columns may hold anything."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def labelled(classes: list[str], names: list[str]) -> bytes:
    """Ten sequences of six steps of each class: two columns of numbers, one that tells them apart, and the class."""
    rows = [(number, step) for number in range(10 * len(classes)) for step in range(6)]
    values = [math.sin(number % len(classes) + step) for number, step in rows]
    kinds = [classes[number % len(classes)] for number, _ in rows]
    columns = ([number for number, _ in rows], values, [number * step % 7 for number, step in rows], kinds)
    return parquet(dict(zip(["series", *names], columns, strict=True)))


def train(page: Any, name: str, content: bytes) -> None:
    """Upload a file, train twins on it, and let every figure be drawn."""
    page.get_by_text("My files", exact=True).click()
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
    page.get_by_text("What we found and did").wait_for()
    arrived(page)
    unharmed(page)
    page.get_by_label("Steps", exact=True).fill("20")
    page.get_by_label("Steps", exact=True).press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(OVER)
    for figure in page.locator(".rgl-card:not([hidden]) .rgl-plot").all():
        figure.scroll_into_view_if_needed()
    still(page)
    unharmed(page)


def everywhere(page: Any, app_server: AppServer, tmp_path: Path) -> None:
    """Look at the run just trained on the other pages, and in its report."""
    run = page.url.split("run=")[1].split("&")[0]
    page.get_by_role("button", name="Share and keep").click()
    page.get_by_role("button", name="Show me the code").wait_for()
    unharmed(page)
    page.goto(app_server.url)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    history(page)
    page.get_by_text("runs. Tick rows").wait_for()
    unharmed(page)
    page.goto(app_server.url)
    page.get_by_role("button", name="Train", exact=True).wait_for(state="attached")
    unharmed(page)
    report = tmp_path / "report.html"
    report.write_bytes(page.request.get(f"{app_server.url}/api/groups/{run}/report.html").body())
    page = page.context.new_page()
    page.goto(report.as_uri())
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length >= 4")
    still(page)
    unharmed(page)
    page.close()


@pytest.mark.parametrize("part", [SCRIPTS[:6], SCRIPTS[6:], ODD[:6]])
def test_names_of_files_columns_and_classes(page: Any, app_server: AppServer, tmp_path: Path, part: list[str]) -> None:
    """Eight classes of which three begin and end alike; every name is shown as text, and none for another's."""
    page.goto(app_server.url)
    classes = [*part, "x" * 180 + "one", "x" * 180 + "one" + "y" * 20 + "one"]
    names = [f"value {part[0]}", f"{part[1]} other", f"class {part[2]}"]
    train(page, f"{part[0]}{part[1]}{'z' * 180}.parquet".replace("/", "\u2215"), labelled(classes, names))
    for answers, truths, count in page.evaluate(CLASSES):
        assert answers == truths
        assert len(set(truths)) == len(truths) == count
        beginnings = {unescape(truth)[:5] for truth in truths}
        assert beginnings == {visible(each)[:5] for each in classes if each.strip()}
    everywhere(page, app_server, tmp_path)


@pytest.mark.parametrize("part", [SCRIPTS[:3], SCRIPTS[8:], ODD[:3], ["x" * 200, "W" * 200, "y" * 199]])
def test_names_of_a_series_to_forecast(page: Any, app_server: AppServer, tmp_path: Path, part: list[str]) -> None:
    page.goto(app_server.url)
    columns = {
        part[0]: range(200),
        part[1]: [math.sin(n / 3) for n in range(200)],
        part[2]: [n * 7 % 11 for n in range(200)],
    }
    train(
        page,
        f"{part[2][:200]}.parquet".replace("/", "\u2215"),
        parquet({name: list(values) for name, values in columns.items()}),
    )
    everywhere(page, app_server, tmp_path)


@pytest.mark.parametrize("text", [*SCRIPTS[:3], *SCRIPTS[6:], *ODD[:3], LONG[0][:2500]])
def test_addresses_and_links(page: Any, app_server: AppServer, text: str) -> None:
    """What stands in an address, and a sound link that says hostile things."""
    text = text.encode("utf-8", "replace").decode()
    files = [{"file": "sha256:" + 64 * "0", "name": text[:300]}]
    data = {"kind": "upload", "targets": [text[:90]], "files": files}
    said = {"model": {"cell": text[:900], text[:50]: 1}, text[:90]: text[:90], "data": data}
    asked: tuple[dict[str, str], ...] = (
        {"config": f"1.{text}", "lesson": text},
        {"config": "2." + pack(compact_json(said)), "lesson": "vanishing", "predicted": text},
        {"run": text},
    )
    for query in asked[: 3 if text in SCRIPTS[:2] else 2]:
        page.goto(f"{app_server.url}/?{urlencode(query)}")
        page.get_by_role("button", name="Train", exact=True).wait_for(state="attached")
        arrived(page)
        unharmed(page)


STUDIED_AND_WATCHED = """async (texts) => {
  const headers = { "Content-Type": "application/json" }
  const post = async (path, body) => {
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    return answer.json()
  }
  const study = { base: { steps: 2 }, seeds: 1, axes: [{ field: "model.cell", values: ["rnn"] }] }
  const watched = []
  for (const [number, text] of texts.entries()) {
    if (number === texts.length - 1) await post("/api/studies", { name: text, study })
    const module = { cell: "gru", hidden_size: 4, num_layers: 1 }
    const modules = [{ ...module, name: text }, { ...module, name: `${number} ${text}` }]
    const { group, runs } = await post("/api/watched", { name: text, modules })
    for (const { id } of runs) {
      const records = [1, 2, 3].map((step) => ({ step, elapsed_s: step, loss: 1 / step, grad_norm: 1 }))
      await post(`/api/watched/${id}/records`, { records })
      await post(`/api/watched/${id}/end`, { status: number % 2 ? "failed" : "stopped", reason: text })
    }
    watched.push(group)
  }
  return watched
}"""


def test_names_of_studies_and_of_watched_models_and_why_these_ended(page: Any, app_server: AppServer) -> None:
    page.goto(app_server.url)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    texts = ["x" * 90, ODD[0], ODD[2], *reversed(SCRIPTS)]
    groups = page.evaluate(STUDIED_AND_WATCHED, texts[:3]) + page.evaluate(STUDIED_AND_WATCHED, texts[3:])
    history(page)
    unharmed(page)
    page.get_by_text("Studies", exact=True).first.click()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    still(page)
    unharmed(page)
    pick(page, 0, then=visible(texts[-1]))
    still(page)
    unharmed(page)
    for group in groups:
        for address in (f"/?run={group}", f"/board?run={group}"):
            page.goto(f"{app_server.url}{address}")
            page.locator(".rgl-status").first.wait_for(state="attached")
            page.wait_for_function("() => document.querySelector('[data-figure=loss]')?.data")
            unharmed(page)
