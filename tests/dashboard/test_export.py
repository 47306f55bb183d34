"""What is taken out of the lab: weights, profiles, the report and the zip file with everything."""

import base64
import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from dashboard.experiment.share import decode
from dashboard.experiment.twins import twins
from dashboard.experiment.words import label
from dashboard.exports.bundle import everything_zip
from dashboard.exports.modules import inline_modules
from dashboard.exports.payload import PROFILE_BYTES, run_payload
from dashboard.exports.profiles import profiles_csv
from dashboard.exports.report import report_html
from dashboard.exports.weights import weights_file
from rnncore.config import TrainConfig
from rnncore.records import PROFILES, Record
from rnncore.runs.store.store import Store, StoredRun
from tests.support import stored
from tests.support.trained import GROUP, WORKSPACE, run_id, train_into

SMALL = {"data": {"kind": "task", "seq_len": 7}, "model": {"hidden_size": 5}, "steps": 12, "batch_size": 4}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    yield store
    store.close()


def config(**fields: Any) -> TrainConfig:
    return TrainConfig.model_validate(SMALL | {"profile_every": 5, "eval_every": 5} | fields)


def one_run(store: Store, **fields: Any) -> tuple[StoredRun, Any, list[Record]]:
    [(trainer, records)] = train_into(store, [config(**fields)], ["alone"])
    return store.group(GROUP)[0], trainer, records


def stored_twins(store: Store, **fields: Any) -> list[StoredRun]:
    configs = twins(config(clip={"method": "norm", "threshold": 0.1}, **fields))
    train_into(store, list(configs), [label(each) for each in configs])
    return store.group(GROUP)


def page(store: Store, runs: list[StoredRun]) -> str:
    return b"".join(report_html(store, runs)).decode()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": {"cell": "lstm", "hidden_size": 5, "num_layers": 3, "readout": "attention"}},
        {"model": {"cell": "gru", "hidden_size": 3, "num_layers": 2}, "dtype": "float64"},
        {"optimizer": {"name": "sgd", "learning_rate": 90.0}, "model": {"hidden_size": 5, "nonlinearity": "relu"}},
    ],
    ids=["rnn", "lstm with attention", "gru in float64", "diverged"],
)
def test_the_weights_are_the_last_finite_ones_by_name(store: Store, fields: dict[str, Any]) -> None:
    run, trainer, _ = one_run(store, **fields)

    weights = load(weights_file(store, run) or b"")

    expected = trainer.last_finite_state()
    assert weights.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(weights[name], value.numpy())
        assert np.isfinite(weights[name]).all()


def test_the_recurrent_weights_load_into_torchs_own_layers(store: Store) -> None:
    run, _, _ = one_run(store, model={"cell": "lstm", "hidden_size": 5, "num_layers": 2})

    weights = load(weights_file(store, run) or b"")

    state = {k.removeprefix("recurrent."): torch.tensor(v) for k, v in weights.items() if k.startswith("recurrent.")}
    torch.nn.LSTM(2, 5, 2).load_state_dict(state, strict=True)


def test_profiles_are_a_line_per_step_layer_and_timestep(store: Store) -> None:
    run, _, records = one_run(store, model={"cell": "lstm", "hidden_size": 5, "num_layers": 2})

    lines = list(csv.DictReader(io.StringIO(b"".join(profiles_csv(store, run)).decode())))

    measured = [record for record in records if record.hidden_grad_norm is not None]
    assert len(lines) == len(measured) * 2 * 7
    for name in PROFILES:
        values = np.array([float(line[name]) for line in lines], np.float32).reshape(-1, 2, 7)
        np.testing.assert_array_equal(values, np.stack([getattr(record, name) for record in measured]))
    assert [lines[20][key] for key in ("step", "layer", "timestep")] == ["5", "1", "7"]


def test_a_column_that_was_not_measured_is_empty(store: Store) -> None:
    run, _, _ = one_run(store)

    line = next(csv.DictReader(io.StringIO(b"".join(profiles_csv(store, run)).decode())))

    assert line["cell_grad_norm"] == ""


def test_the_report_stands_alone_and_gives_no_access(store: Store) -> None:
    html = page(store, stored_twins(store))

    assert "default-src 'none'" in html
    own = html[: html.index('<script type="application/json"')] + html[html.rindex("<script") :]
    assert not re.search(r"""(?:src|href)=|https?://|@import|url\(""", own)
    for secret in (run_id(0), run_id(1), GROUP, WORKSPACE):
        assert secret not in html


def test_the_report_tells_settings_verdicts_link_script_and_versions(store: Store) -> None:
    runs = stored_twins(store, seed=5)

    html = page(store, runs)

    assert '<tr class="differs"><td>clip.method</td><td>norm</td><td class=default>off</td></tr>' in html
    assert "<td>seed</td><td>5</td><td>5</td>" in html
    (link,) = re.findall(r"\?config=([\w.-]+)", html)
    assert decode(link).config == TrainConfig.model_validate(runs[0].config)
    assert "class Model(nn.Module)" in html
    assert f"torch {version('torch')}" in html
    assert re.search(r"<ul><li>[A-Z][a-z ]+: .*gradient", html)


def test_names_in_the_report_are_text_and_never_markup(store: Store) -> None:
    train_into(store, [config()], ["</script><img src=x onerror=alert(1)>"])

    html = page(store, store.group(GROUP))

    begin, end = html.index("<script>"), html.index('<script type="module">')  # plotly.js, which is not ours
    assert "<img" not in html[:begin] + html[end:]
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;</strong>" in html
    data = json.loads(html[html.index(' id="data">') + 11 : begin - len("</script>\n")])
    assert data["runs"][0]["label"] == "‹/script›‹img src=x onerror=alert(1)›"
    assert "<img" not in json.dumps(data["figures"])


def test_profiles_of_a_report_are_thinned_to_a_budget_that_keeps_the_spikes(store: Store) -> None:
    rng = np.random.default_rng(0)
    profiles = rng.random((300, 4, 500)).astype("<f4")
    profiles[123] *= 1e6
    profiles[210, 2, 0] *= 1e6  # far up at t = 1 in one layer, and not large as a whole
    store.create_runs([stored.new_run("r")])
    records = [Record(i + 1, 0, 1.0, 0.1, 1.0, 1.0, 0.5, hidden_grad_norm=each) for i, each in enumerate(profiles)]
    stored.add(store, records)
    run = store.run("r")
    assert run is not None

    answer = run_payload(store, run, PROFILE_BYTES // 400_000)

    size = len(base64.b64decode(answer["profiles"]["hidden_grad_norm"]))
    assert 200_000 < size <= 475_000
    steps = np.frombuffer(base64.b64decode(answer["profiles"]["step"]), "<f4")
    assert len(steps) == answer["profiles"]["count"] == size // (4 * 4 * 500)
    assert {1.0, 2.0, 124.0, 211.0, 300.0} <= set(steps.tolist())
    assert "run" not in answer


def test_everything_is_in_the_zip_and_nothing_of_the_upload(store: Store) -> None:
    content = ("x\n" + "\n".join(f"{np.sin(day / 3):.4f}" for day in range(120))).encode()
    file = store.add_file(WORKSPACE, content)
    stored_twins(store, data={"kind": "csv", "file": file, "target": "x", "window": 6})

    plain = zipfile.ZipFile(io.BytesIO(b"".join(everything_zip(store, store.group(GROUP), with_data=False))))
    whole = zipfile.ZipFile(io.BytesIO(b"".join(everything_zip(store, store.group(GROUP), with_data=True))))

    assert plain.testzip() is None
    per_run = {"config.json", "info.json", "records.csv", "profiles.csv", "records.parquet", "weights.safetensors"}
    folders = ("1 clipped at 0.1", "2 not clipped")
    expected = {f"{folder}/{name}" for folder in folders for name in per_run | {"script.py"}}
    assert set(plain.namelist()) == {"README.txt", "report.html"} | expected
    assert set(whole.namelist()) == set(plain.namelist()) | {f"{folder}/data.npz" for folder in folders}
    again = TrainConfig.model_validate(json.loads(plain.read("1 clipped at 0.1/config.json")))
    assert again.model_dump(mode="json") == store.run(run_id(0)).config  # type: ignore[union-attr]
    assert len(plain.read("2 not clipped/records.csv").splitlines()) == 13


def test_a_run_without_a_step_can_be_exported_too(store: Store) -> None:
    from rnncore.runs.store.store import NewRun

    store.create_runs([NewRun(run_id(0), WORKSPACE, GROUP, "new", config().model_dump(mode="json"), 12)])
    runs = store.group(GROUP)

    assert weights_file(store, runs[0]) is None
    assert "Nothing was recorded" in page(store, runs)
    assert (
        "1 new/weights.safetensors"
        not in zipfile.ZipFile(io.BytesIO(b"".join(everything_zip(store, runs, with_data=False)))).namelist()
    )


def test_exports_need_no_torch() -> None:
    code = "import sys, dashboard.exports.bundle; assert 'torch' not in sys.modules and 'streamlit' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_inlined_modules_leave_nothing_to_load() -> None:
    script = inline_modules("report")

    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    assert "const report = (() => {" in script


@pytest.mark.browser
def test_the_report_opens_offline_with_all_figures(store: Store, chromium: Any, tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    html.write_text(page(store, stored_twins(store, model={"cell": "lstm", "hidden_size": 5, "num_layers": 2})))
    context = chromium.new_context(offline=True, color_scheme="dark")
    view = context.new_page()
    problems: list[str] = []
    view.on("console", lambda message: problems.append(message.text))
    view.on("pageerror", lambda error: problems.append(str(error)))
    view.on("request", lambda request: problems.append(request.url) if request.url != html.as_uri() else None)

    view.goto(html.as_uri())
    view.wait_for_selector("html[data-ready]", timeout=30_000)

    points = """name => document.querySelector(`[data-figure=${name}]`).data.map(
        trace => [trace.meta.run, (trace.z ?? trace.y ?? []).length])"""
    for name in ("loss", "grad_norm", "profile", "heatmap", "predictions", "gates"):
        plot = view.locator(f"[data-figure={name}]")
        plot.scroll_into_view_if_needed()
        drawn = [run for run, length in view.evaluate(points, name) if length]
        assert set(drawn) >= {0, 1}
    view.get_by_label("training step shown").fill("5")
    view.wait_for_function("document.querySelector('.rgl-when').textContent.startsWith('step 5 ')")
    assert "step 5" in view.locator("[data-figure=profile]").locator("xpath=../..").inner_text()
    view.emulate_media(color_scheme="light")
    view.wait_for_function("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'")
    context.close()
    assert problems == []


def test_a_lag_that_no_sequence_has_is_empty_in_the_table_of_profiles(store: Store) -> None:
    store.create_runs([stored.new_run("r")])
    counts = np.array([[0, 1, 3, 4]], np.float32)
    norms = np.array([[np.nan, 0.25, 0, 1]], np.float32)
    stored.add(store, [replace(stored.record(1), hidden_grad_norm=norms, sequence_count=counts)])
    run = store.run("r")
    assert run is not None
    lines = list(csv.DictReader(io.StringIO(b"".join(profiles_csv(store, run)).decode())))
    assert [line["hidden_grad_norm"] for line in lines] == ["", "0.25", "0.0", "1.0"]
    assert [line["sequence_count"] for line in lines] == ["0.0", "1.0", "3.0", "4.0"]


def test_the_report_says_how_a_run_is_broken_on_purpose(store: Store) -> None:
    one_run(store, mistake="padded")
    words = "This run is broken on purpose: four times as many zeros as timesteps follow each sequence."
    assert words in page(store, store.group(GROUP))
