"""Downloads over HTTP, and the panel that offers them with the link and the code."""

import io
import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load
from streamlit.testing.v1 import AppTest

from dashboard.experiment.share import encode
from dashboard.experiment.twins import twins
from dashboard.experiment.words import label
from dashboard.server import services
from dashboard.server.qr import qr_svg
from rnncore.classes.school import School
from rnncore.config import TrainConfig
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import Store
from tests.support.asgi import call
from tests.support.links import saying
from tests.support.trained import train_into

CONTENT = ("x\n" + "\n".join(f"{np.sin(day / 3):.4f}" for day in range(120))).encode()
WORKSPACE = "w" * 22
NOBODY = "A" * 22


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Twins on an uploaded file in a store of their own, behind the app's services."""
    store = Store(tmp_path_factory.mktemp("store") / "runs.sqlite")
    file = store.add_file(WORKSPACE, CONTENT)
    config = TrainConfig.model_validate(
        {"data": {"kind": "csv", "file": file, "target": "x", "window": 6}, "clip": {"method": "norm"}, "steps": 5}
    )
    train_into(store, list(twins(config)), [label(each) for each in twins(config)], WORKSPACE)
    before = services._scheduler, services._school
    services._scheduler, services._school = SimpleNamespace(store=store), School(store, 10)  # type: ignore[assignment]
    yield store
    services._scheduler, services._school = before
    store.close()


@pytest.fixture
def runs(store: Store) -> tuple[str, str]:
    """Ids of the clipped run and of the group."""
    first = store.runs_of(WORKSPACE)[0]
    return first.id, first.group


def test_a_run_is_taken_away_over_http(runs: tuple[str, str]) -> None:
    run, _ = runs

    weights = call("GET", f"/api/runs/{run}/weights.safetensors")
    profiles = call("GET", f"/api/runs/{run}/profiles.csv")
    script = call("GET", f"/api/runs/{run}/script.py")

    assert load(weights.body)["recurrent.weight_hh_l0"].shape == (32, 32)
    assert profiles.body.startswith(b"step,layer,timestep,hidden_grad_norm")
    assert b"class Model" in script.body
    assert weights.headers["content-disposition"] == f'attachment; filename="run-{run[:6]}-weights.safetensors"'


def test_a_group_is_taken_away_and_the_upload_only_by_its_own_workspace(runs: tuple[str, str]) -> None:
    _, group = runs

    report = call("GET", f"/api/groups/{group}/report.html")
    stranger = zipfile.ZipFile(io.BytesIO(call("GET", f"/api/groups/{group}/everything.zip").body))
    cookie = {"cookie": f"rnn_lab_workspace={WORKSPACE}"}
    owner = zipfile.ZipFile(io.BytesIO(call("GET", f"/api/groups/{group}/everything.zip", headers=cookie).body))

    assert report.headers["content-disposition"].startswith("attachment;")
    assert report.body.startswith(b"<!doctype html>")
    assert set(owner.namelist()) - set(stranger.namelist()) == {"1 clipped at 1/data.npz", "2 not clipped/data.npz"}


@pytest.mark.parametrize("path", ["runs/{}/weights.safetensors", "runs/{}/script.py", "groups/{}/report.html"])
def test_who_has_not_got_the_id_gets_nothing(store: Store, path: str) -> None:
    assert call("GET", f"/api/{path.format(NOBODY)}").status == 404


def panel(address: str = "", own: bool = True) -> None:
    import streamlit as st

    from dashboard.panels import share_panel
    from dashboard.server import services
    from rnncore.config import TrainConfig

    st.session_state["workspace"] = "w" * 22 if own else "v" * 22
    opened = share_panel.decode_address()
    if opened is not None:
        share_panel.link_notice(opened)
    store = services.scheduler().store
    shown = store.runs_of("w" * 22) if address == "runs" else []
    share_panel.share_panel(shown, [TrainConfig(seed=4)])


def opened(**kwargs: str) -> AppTest:
    app = AppTest.from_function(panel, default_timeout=20, kwargs=kwargs)
    app.session_state["share.open"] = True
    return app.run()


def test_the_panel_offers_the_link_of_the_experiment_chosen_and_its_code(store: Store) -> None:
    app = opened()

    assert not app.exception
    assert app.code[0].value.endswith(f"?config={encode(TrainConfig(seed=4), False)}")
    app.button(key="share.code").click().run()
    assert "class Model(nn.Module)" in app.code[0].value  # the panel has made room
    assert "SEED = 4" in app.code[0].value


def test_the_panel_offers_the_files_of_the_runs_shown(store: Store, runs: tuple[str, str]) -> None:
    app = opened(address="runs")

    assert not app.exception
    config = TrainConfig.model_validate(store.runs_of(WORKSPACE)[0].config)
    assert app.code[0].value.endswith(f"?config={encode(config, True)}")
    links = [element.proto.url for element in app.get("link_button")]
    assert f"api/groups/{watch_key(runs[1])}/report.html" in links
    assert f"api/runs/{runs[0]}/weights.safetensors" in links
    app.button(key="share.code").click().run()
    assert not app.exception
    assert [tab.label for tab in app.tabs] == ["clipped at 1", "not clipped"]


def test_the_panel_shows_the_watch_address_as_a_qr_code_and_no_key_of_the_owner(store: Store) -> None:
    (image,) = opened(address="runs").image
    shown = b64decode(image.proto.imgs[0].url.partition("base64,")[2]).decode()
    group = store.runs_of(WORKSPACE)[0].group
    assert drawn(shown) == drawn(qr_svg(f"?run={watch_key(group)}"))
    assert drawn(shown) != drawn(qr_svg(f"?run={group}"))
    assert not opened().image  # there are no runs to watch


def drawn(svg: str) -> list[str]:
    return re.findall(r' d="(.*?)"', svg)


def test_a_link_that_is_opened_says_what_it_lacks_as_plain_text(store: Store) -> None:
    app = AppTest.from_function(panel, default_timeout=20, kwargs={"own": False})
    config = TrainConfig.model_validate(store.runs_of(WORKSPACE)[0].config)
    app.query_params["config"] = saying(**config.model_dump(mode="json"), nonsense=1)
    app.run()

    assert "nonsense: there is no such field; nonsense was left out." in app.text[1].value
    assert "This link needs the file with the checksum sha256:" in app.text[1].value


@pytest.mark.parametrize(
    "text",
    ["", "1.", "1.steps-9~lr-na", "0.cell-gru~end", "1z.AAAA", "1.<b>-1~[a](http)-$x$~end", "1.hidden-99999999~end",
     "1.data-csv~file-.2Fetc.2Fpasswd~end", "1." + "x-1~" * 3000, "1.steps-1000000~hidden-2048~layers-8~end",
     "2.", "2.AAAA", "3.AAAA", saying(**{"<b>": 1, "[a](http)": "$x$"}), saying(model={"hidden_size": 99_999_999}),
     saying(data={"kind": "csv", "file": "/etc/passwd", "target": "x"})],
)  # fmt: skip
def test_any_link_ends_in_sentences_and_starts_nothing(store: Store, text: str) -> None:
    before = len(store.runs())
    app = AppTest.from_function(panel, default_timeout=20, kwargs={"own": False})
    app.query_params["config"] = text
    app.run()

    assert not app.exception
    assert "This link put an experiment into the controls" in app.markdown[0].value
    assert "Train this now" in [button.label for button in app.button]
    shown = "".join(element.value for element in (*app.text, *app.markdown))
    assert not any(mark in shown for mark in ("<b>", "[a]", "$x"))
    assert len(store.runs()) == before
