"""Studies that cannot be: one sentence at every door, over HTTP, on the command line and on the page, and no start."""

import json
from pathlib import Path
from typing import Any

import pytest

from rnncore.__main__ import main
from rnncore.runs.scheduler import Scheduler
from tests.support.asgi import call
from tests.support.pages import studies_page


def axis(field: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "values": list(values), **more}


CLIPS = [{"method": "off"}, {"method": "norm", "threshold": 1}]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"axes": [axis("modle.cell", "rnn")]}, "modle: there is no such field"),
    ({"axes": [axis("model.hidden_size", 8, 0)]}, "model.hidden_size: 0 is not allowed; allowed: 1 to 2,048"),
    ({"axes": [axis("steps", 10, "many")]}, "steps: 'many' is not allowed; allowed: 1 to 1,000,000"),
    ({"axes": [axis("steps", *range(1, 30))], "seeds": 10_000}, "290,000 runs, above the limit of 100,000"),
    ({"axes": [axis("seed", 1, 2)]}, "the field 'seed' is no axis"),
    ({"axes": [axis("clip", *CLIPS, labels=["a", "b"]), axis("clip.threshold", 1, 2)]}, "both change 'clip."),
    ({"axes": [axis("steps", 5, 5)]}, "has 5 twice"),
    ({"axes": [{"field": "steps", "range": {"from": 9, "to": 3, "count": 3}}]}, "3 is not above 9"),
    ({"axes": [{"field": "batch_size", "range": {"from": 1, "to": 2, "count": 3}}]}, "batch_size: 1.5 is not allowed"),
    ({"success": {"metric": "accuracy", "above": 0.9}}, "success.metric: 'accuracy' is not allowed"),
    ({"axes": [axis("model.cell", "rnn", "lstm"), axis("omega", 0, 2)]}, "model.cell 'lstm', omega 2: omega 2.0"),
    ({"base": {"truncation": 20}, "axes": [axis("data.seq_len", 30, 10)]}, "data.seq_len 10: truncation: 20"),
    ({"axes": [axis("loss", "mse", "bce")]}, "loss: 'bce' is not allowed with the data 'adding'"),
    ({"axis": []}, "axis: there is no such field"),
]


def test_what_is_wrong_is_one_sentence_at_every_door_and_nothing_starts(
    scheduler: Scheduler, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app, file, before = studies_page("w" * 22), tmp_path / "study.json", len(scheduler.store.unfinished_studies())
    for body, sentence in BAD:
        answer = call("POST", "/api/studies", {"study": body, "confirm": True})
        assert (answer.status, sentence in answer.error) == (400, True), answer.error
        file.write_text(json.dumps(body))
        assert main(["study", str(file), "--out", str(tmp_path / "out"), "--yes"]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert sentence in said
        app.text_area[0].set_value(json.dumps(body))
        app.button(key="study.start.file").click().run()
        (error,) = [each.value.replace("\\", "") for each in app.error]
        assert sentence in error
    assert not app.exception
    assert len(scheduler.store.unfinished_studies()) == before
    assert not (tmp_path / "out").exists()
