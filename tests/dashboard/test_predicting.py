"""Predict on a file: over HTTP, on the page and on the command line, by a process of its own."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.api import predict
from dashboard.experiment.configs import config_of
from dashboard.exports.weights import weights_file
from dashboard.figures.predicted import predicted_figure
from dashboard.server import services
from rnncore.__main__ import main
from rnncore.config import TrainConfig
from rnncore.data.dataset import DataError
from rnncore.runs.reader import predicting
from rnncore.runs.reader.pool import Predicted
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import file_id_of
from tests.support.api import AS_CSV
from tests.support.asgi import call
from tests.support.hostile_formats import HOSTILE, REFUSED
from tests.support.pages import MAIN
from tests.support.trained import WORKSPACE, run_id, train_into

VALUES = np.round(np.cumsum(np.random.default_rng(1).normal(size=100)), 3)
OLD = ("day,temp\n" + "".join(f"{day},{value}\n" for day, value in zip(
    np.datetime64("2021-01-01") + np.arange(100), VALUES, strict=True))).encode()  # fmt: skip
NEW = ("day,temp\n" + "".join(f"{day},{value}\n" for day, value in zip(
    np.datetime64("2022-01-01") + np.arange(20), VALUES[:20], strict=True))).encode()  # fmt: skip
SMALL = {"steps": 3, "batch_size": 4, "model": {"hidden_size": 4}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module", autouse=True)
def scheduler(folder: Path) -> Iterator[Any]:
    scheduler = services.open_scheduler(Settings(data_dir=folder, workers=1))
    scheduler.add_file(WORKSPACE, OLD, "old.csv")
    upload = {"kind": "upload", "files": [{"file": file_id_of(OLD), "name": "old.csv"}], "window": 5}
    configs = [TrainConfig.model_validate({**SMALL, "data": upload}), TrainConfig.model_validate(SMALL)]
    train_into(scheduler.store, configs, ["of a file", "of a task"])
    yield scheduler
    services.close_scheduler()


def test_a_file_is_predicted_over_http_and_as_csv_alone() -> None:
    answer = call("POST", f"/api/runs/{run_id(0)}/predict?name=new.csv", NEW, AS_CSV)
    assert answer.status == 200, answer.body
    found = answer.json
    assert found["rows"] == 16
    assert found["columns"][-2:] == ["predicted temp", "actual temp"]
    rows = list(csv.DictReader(io.StringIO(found["csv"])))
    assert (rows[0]["day"], rows[-1]["day"]) == ("2022-01-06", "")
    assert found["picture"]["kind"] == "line"
    alone = call("POST", f"/api/runs/{run_id(0)}/predict?name=new.csv&as=csv", NEW, AS_CSV)
    assert alone.body.decode() == found["csv"]


@pytest.mark.parametrize("size", [1, 7, 1 << 18])
def test_an_answer_in_pieces_is_whole_json(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(predict, "PIECE_BYTES", size)
    table = 'day,"Größe"\r\n1,"😀 \\ \t"\r\n'
    found = Predicted(1, ["day", "Größe"], [["1", "😀"]], ["a note"], {"kind": "line"}, table.encode())
    answer = json.loads(b"".join(predict._as_json(found)))
    assert answer == {
        "rows": 1, "columns": ["day", "Größe"], "notes": ["a note"], "picture": {"kind": "line"}, "csv": table,
    }  # fmt: skip


def test_predictions_too_large_to_give_out_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    store = services.scheduler().store
    run = store.run(run_id(0))
    assert run is not None
    weights = weights_file(store, run)
    assert weights is not None
    request = {"config": config_of(run).model_dump(mode="json"), "new": 1}
    files = [("weights", weights), ("new.csv", NEW), (file_id_of(OLD), OLD)]
    plain, arrays = predicting.predict(request, files)
    assert plain["rows"] == 16
    monkeypatch.setattr(predicting, "MAX_BYTES", len(arrays["csv"]) - 1)
    with pytest.raises(DataError, match=r"'new\.csv' would be a table of 0 MB"):
        predicting.predict(request, files)


@pytest.mark.parametrize("kind", HOSTILE | REFUSED)
def test_files_that_do_harm_end_in_one_sentence_here_too(kind: str) -> None:
    name, content, _ = (HOSTILE | REFUSED)[kind]
    store = services.scheduler().store
    run = store.run(run_id(0))
    assert run is not None
    weights = weights_file(store, run)
    assert weights is not None
    request = {"config": config_of(run).model_dump(mode="json"), "new": 1}
    with pytest.raises(DataError) as raised:
        predicting.predict(request, [("weights", weights), (name, content), (file_id_of(OLD), OLD)])
    assert len(str(raised.value)) < 500
    assert "\n" not in str(raised.value)


def test_what_cannot_be_predicted_is_said_in_one_sentence() -> None:
    where = f"/api/runs/{run_id(0)}/predict"
    missing = call("POST", where, b"day,wind\n" + NEW.split(b"\n", 1)[1], AS_CSV)
    assert (missing.status, "no column 'temp', which this run needs" in missing.json["error"]) == (400, True)
    task = call("POST", f"/api/runs/{run_id(1)}/predict", NEW, AS_CSV)
    assert (task.status, "synthetic task, which has no columns" in task.json["error"]) == (400, True)
    assert call("POST", where, NEW, {"Content-Type": "text/plain"}).status == 415
    assert (
        call("POST", f"{where}?as=xls", NEW, AS_CSV).json["error"] == "as: 'xls' is not allowed; allowed: json or csv."
    )
    assert call("POST", f"/api/runs/{'N' * 22}/predict", NEW, AS_CSV).status == 404


def test_the_page_predicts_one_click_away_and_offers_the_download() -> None:
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.query_params["run"] = run_id(0)
    assert "Predict on a file" not in [each.label for each in app.run().expander], "the run is not this browser's"
    app.session_state["workspace"] = WORKSPACE
    app.run()
    assert not app.exception
    assert "predict.file" not in [each.key for each in app.get("file_uploader")]
    app.session_state["predict.open"] = True
    app.run()
    app.file_uploader(key="predict.file").upload("new.csv", NEW)
    app.run()
    assert not app.exception
    assert "16 predictions" in [caption.value for caption in app.caption]
    assert "Download as CSV" in [each.label for each in app.get("download_button")]
    app.file_uploader(key="predict.file").upload("short.csv", b"day,temp\n2022-01-01,1\n2022-01-02,2\n")
    app.run()
    assert any("too short" in error.value for error in app.error)


def test_a_run_of_a_task_has_no_panel() -> None:
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.query_params["run"] = run_id(1)
    app.run()
    assert "Predict on a file" not in [each.label for each in app.expander]


def test_pictures_of_lines_and_of_classes() -> None:
    line = {"kind": "line", "title": "a", "x_title": "x", "y_title": "<b>y", "x": [1, 2], "predicted": [1.0, 2.0]}
    assert [trace.name for trace in predicted_figure({**line, "actual": [None, 1.0]}, "light").data] == [
        "in the file", "predicted",
    ]  # fmt: skip
    assert len(predicted_figure({**line, "actual": [None, None]}, "dark").data) == 1
    bars = {"kind": "bars", "title": "a", "y_title": "n", "classes": ["1", "2"], "counts": [3, 4]}
    assert list(predicted_figure(bars, "light").data[0].y) == [3, 4]


def test_the_command_line_predicts_for_a_stored_run_and_for_a_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, out = tmp_path / "new.csv", tmp_path / "out.csv"
    new.write_bytes(NEW)
    assert main(["predict", run_id(0), str(new), "--data-dir", str(folder)]) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 16
    (tmp_path / "old.csv").write_bytes(OLD)
    data = {"kind": "upload", "files": [{"file": str(tmp_path / "old.csv")}], "window": 5}
    config = TrainConfig.model_validate({**SMALL, "data": data})
    (tmp_path / "config.json").write_text(config.model_dump_json())
    assert main(["train", str(tmp_path / "config.json"), "--out", str(tmp_path / "run")]) == 0
    assert main(["predict", str(tmp_path / "run"), str(new), "--out", str(out)]) == 0
    assert "wrote 16 predictions" in capsys.readouterr().err
    assert len(list(csv.DictReader(io.StringIO(out.read_text())))) == 16
    assert main(["predict", run_id(1), str(new), "--data-dir", str(folder)]) == 2
    assert "synthetic task, which has no columns" in capsys.readouterr().err
    assert main(["predict", "nobody", str(new), "--data-dir", str(folder)]) == 2
    assert "there is no run with the id 'nobody'" in capsys.readouterr().err
    assert main(["predict", str(tmp_path), str(new)]) == 2
    assert "holds no run with weights" in capsys.readouterr().err
