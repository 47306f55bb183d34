"""Predict on a file in Chromium: one click away below the board, a picture, and the download."""

import csv
import io
from typing import Any

import pytest

from tests.support.server import AppServer

pytestmark = pytest.mark.browser

OLD = ("day,temp\n" + "".join(f"2021-{1 + k // 28:02}-{1 + k % 28:02},{(k * k) % 17}\n" for k in range(200))).encode()
NEW = ("day,temp\n" + "".join(f"2022-{1 + k // 28:02}-{1 + k % 28:02},{(k * k) % 17}\n" for k in range(60))).encode()


def test_a_new_file_is_predicted_and_downloaded(page: Any, app_server: AppServer) -> None:
    page.goto(app_server.url)
    page.locator("[data-preset]").first.wait_for()
    found = [each["value"] for each in page.context.cookies() if each["name"] == "rnn_lab_workspace"]
    headers = {"X-Workspace": found[0]}
    kind = {**headers, "Content-Type": "text/csv"}
    data = page.request.post(f"{app_server.url}/api/files?name=old.csv&window=8", data=OLD, headers=kind).json()["data"]
    config = {"data": data, "steps": 20, "model": {"hidden_size": 4}}
    group = page.request.post(f"{app_server.url}/api/runs", data={"config": config}, headers=headers).json()["group"]
    page.goto(f"{app_server.url}/?run={group}")
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=finished]').length === 1")
    page.get_by_text("Predict on a file", exact=True).click()
    page.locator(".st-key-predict\\.file, [class*=st-key-predict-file]").first.wait_for()
    page.locator("[class*=st-key-predict] input[type=file]").first.set_input_files(
        {"name": "new.csv", "mimeType": "text/csv", "buffer": NEW}
    )
    page.get_by_text("53 predictions", exact=True).wait_for()
    with page.expect_download() as download:
        page.get_by_text("Download as CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert len(rows) == 53
    assert rows[-1]["timesteps beyond the end"] == "1"
    assert not page.request.get(f"{app_server.url}/api/health").json()["torch_loaded"]
