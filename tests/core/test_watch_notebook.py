"""The notebook docs/watch.ipynb runs from its first cell to its last, in a kernel of its own.

It runs in the environment that `.ci/extras` makes, and is skipped where no kernel is installed.
"""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "watch.ipynb"


def test_the_notebook_is_kept_without_what_it_printed():
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 4
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


@pytest.mark.filterwarnings("default")  # of the packages that run notebooks
def test_the_notebook_draws_while_it_trains_and_at_its_end(monkeypatch):
    reason = "nbclient and ipykernel are not installed here; .ci/extras runs this test"
    nbclient = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    import nbformat

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    updates = []
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
    handle = client.process_message

    def process(message, *rest):
        if message["msg_type"] == "update_display_data":
            updates.append(message["content"]["data"]["text/html"])
        return handle(message, *rest)

    monkeypatch.setattr(client, "process_message", process)
    client.execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    (live,) = (each.data["text/html"] for each in outputs[1])
    (last,) = (each.data["text/html"] for each in outputs[3])
    assert updates[-1] == last == live  # in place: one output, and it is the newest
    assert "step 296, loss" in last
    assert last.count("<polyline") == 1
    assert "(1, 40)" in outputs[2][0].data["text/plain"]
