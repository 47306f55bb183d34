"""Share and keep: the link to an experiment, the files of its runs, its code; and opening somebody else's link."""

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

import streamlit as st

from dashboard.experiment.comparison import sent_as
from dashboard.experiment.configs import known_configs, labels_of
from dashboard.experiment.groups import Group
from dashboard.experiment.history import address, ids
from dashboard.experiment.share import PARAMETER, Decoded, ShareError, decode, encode
from dashboard.experiment.text import escape
from dashboard.experiment.words import in_words, mistake_words
from dashboard.exports.code import script, script_data, script_for
from dashboard.lessons import LESSONS
from dashboard.panels import controls
from dashboard.panels.class_panel import open_button
from dashboard.panels.theme import on_primary
from dashboard.server import services
from dashboard.server.board_data import mine
from dashboard.server.guard import is_loopback
from dashboard.server.qr import qr_svg
from dashboard.server.workspace import workspace_id
from rnncore.config import TrainConfig
from rnncore.data import DataError, ReadFile
from rnncore.errors import ConfigError
from rnncore.runs.store.store import StoredRun
from rnncore.runs.watched_forms import is_watched
from rnncore.words import many

_OPEN, _SHOW_CODE = "share.open", "share.show_code"
_QR_WIDTH = 200  # pixels: a phone reads it from a screen, and from a projector when it is enlarged
_CODE_HELP = "The same run as a plain torch script."

_REPORT = "Report", "All figures and settings in one page that opens anywhere."
_EVERYTHING = "Everything", "Report, records, profiles, weights and code of all runs, as a zip file."
_RUN_FILES = {
    "export.csv": ("Records, CSV", "A line per training step."),
    "profiles.csv": ("Profiles, CSV", "A line per recorded step, layer and timestep."),
    "export.parquet": ("Parquet", "Records and profiles in one table."),
    "weights.safetensors": ("Weights", "The last finite weights, as safetensors."),
    "config.json": ("Config", "For `python -m rnncore train`."),
}
_OF_OWN = ("weights.safetensors", "config.json")  # what a watched run has not


def share_panel(
    runs: Sequence[StoredRun],
    chosen: Sequence[TrainConfig],
    read_file: ReadFile | None = None,
) -> None:
    """Draw the popover "Share and keep" of the runs shown, or of the experiment chosen where there are none.

    chosen: the runs that the controls say, none while that is not valid. read_file: for their data
    (`rnncore.data.load_dataset`).
    """
    configs = tuple(known_configs(runs)) if runs else tuple(chosen)
    config = configs[0] if configs else None
    panel = st.popover("Share and keep", icon=":material/ios_share:", key=_OPEN, on_change="rerun")
    if st.session_state.pop(_SHOW_CODE, False):
        _code(runs, config, read_file)
    if not panel.open:
        return
    with panel:
        if not configs and not runs:
            st.caption("The settings are not valid yet.")
        else:
            if configs:
                _link(*sent_as(configs))
            if runs:
                _watch_address(runs)
                _files(runs)
            if configs:
                st.button("Show me the code", key="share.code", help=_CODE_HELP, on_click=_ask_for_code)
        open_button(_close)


def decode_address() -> Decoded | None:
    """Return what the address says (`?config=...`), None where it holds no link; files are looked for in the workspace.

    Show it with `link_notice`.
    """
    text = st.query_params.get(PARAMETER)
    if text is None:
        return None
    store, workspace = services.scheduler().store, workspace_id()
    return decode(text, lambda file_id: store.has_file(workspace, file_id))


def link_notice(link: Decoded) -> None:
    """Draw what a link put into the controls and, as plain text, what was not understood of it.

    Nothing starts by itself: a button asks the lab page to train it.
    """
    config = link.config
    with st.container(border=True, key="link-notice"):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
            second = ", with and without clipping" if link.compare else ""
            if link.others:
                by = Group((config, *link.others)).words()
                second += f", and {many(len(link.others), 'further run')} that differ{'s' * (len(link.others) == 1)}"
                second += f" by {by}" if by else ""
            st.markdown(
                f"This link put an experiment into the controls: {escape(in_words(config))} · "
                f"{many(config.steps, 'step')}{second}.",
                width="stretch",
            )
            st.button(on_primary("Train this now"), type="primary", on_click=controls.request_start)
        if link.problems:
            st.text("Not everything in this link was understood; the rest of it is in the controls.")
            st.text("\n".join(link.problems))


def _close() -> None:
    st.session_state[_OPEN] = False


def _ask_for_code() -> None:
    """Close the panel, which would lie over the code, and show that instead."""
    _close()
    st.session_state[_SHOW_CODE] = True


def _link(config: TrainConfig, compare: bool, others: Sequence[TrainConfig]) -> None:
    """Show the link, which carries the whole group of runs."""
    try:
        text = encode(config, compare, others)
    except ShareError as error:
        st.text(str(error))
        return
    base = _base()
    whole = f"the configurations of all {1 + compare + len(others)} runs" if others else "the whole configuration"
    broken = mistake_words(config.model_dump(include={"mistake"}))
    st.caption(f"This link holds {whole}, and no access to your runs.{f' The run is {broken}.' if broken else ''}")
    st.code(f"{base}?{PARAMETER}={text}", language=None, wrap_lines=True)
    if (lesson := st.query_params.get("lesson")) in LESSONS:
        st.caption("This one opens the lesson.")
        st.code(f"{base}?lesson={lesson}", language=None, wrap_lines=True)


def _watch_address(runs: Sequence[StoredRun]) -> None:
    """Show the address of these runs, with which nobody can steer them, also as a QR code."""
    store = services.scheduler().store
    everything = [run for group in {run.group for run in runs} for run in store.group(group)]
    these = "this run" if len(runs) == 1 else "these runs"
    link = f"{_base()}?run={address(runs, everything)}"
    st.caption(f"Whoever opens [{escape(link)}]({link}) watches {these}, and can neither steer nor delete anything.")
    here = " Only this machine can open it." if is_loopback(urlsplit(link).hostname or "") else ""
    caption = f"The same address as a QR code.{here}"
    st.image(qr_svg(link), caption=caption, alt="QR code of the address", width=_QR_WIDTH)


def _base() -> str:
    """Return the address of the lab, without parameters."""
    page = urlsplit(st.context.url or "")
    return f"{page.scheme}://{page.netloc}{page.path or '/'}" if page.netloc else ""


def _files(runs: Sequence[StoredRun]) -> None:
    """Offer the report to everybody; all else that was recorded to the owner of the runs alone."""
    left, right = st.columns(2)
    store, own = services.scheduler().store, all(mine(run, workspace_id()) for run in runs)
    everything = [run for group in {run.group for run in runs} for run in store.group(group)]
    label, words = _REPORT
    left.link_button(label, f"api/groups/{address(runs, everything)}/report.html", help=words, width="stretch")
    if not own:
        return
    label, words = _EVERYTHING
    together = ",".join(ids(runs, everything))
    right.link_button(label, f"api/groups/{together}/everything.zip", help=words, width="stretch")
    for run, called in zip(runs, labels_of(runs), strict=True):
        st.caption(escape(called))
        offered = {
            name: words for name, words in _RUN_FILES.items() if name not in _OF_OWN or not is_watched(run.config)
        }
        columns = st.columns(len(_RUN_FILES))
        for column, (name, (label, words)) in zip(columns, offered.items(), strict=False):
            column.link_button(label, f"api/runs/{run.id}/{name}", help=words, type="tertiary")


@st.dialog("The run in plain torch", width="large")
def _code(runs: Sequence[StoredRun], config: TrainConfig | None, read_file: ReadFile | None) -> None:
    """One tab per run; the file beside the script only for the workspace that brought it."""
    store = services.scheduler().store
    if runs and runs[0].workspace == workspace_id():
        _data_files(runs[0])
    makers: dict[str, Callable[[], str]] = {
        f"{run.label}": partial(script, store, run) for run in runs if not is_watched(run.config)
    }
    if config is not None and not runs:
        makers["code"] = partial(script_for, workspace_id(), config, read_file or _no_file)
    for number, (tab, make) in enumerate(zip(st.tabs([escape(name) for name in makers]), makers.values(), strict=True)):
        with tab:
            try:
                code = make()
            except (DataError, ConfigError) as error:
                st.text(str(error))
                continue
            key = f"share.script.{number}"
            st.download_button("Download script.py", code, "script.py", "text/x-python", on_click="ignore", key=key)
            st.code(code, language="python", height=520)


def _no_file(file_id: str) -> bytes:
    raise DataError("Choose a file first.")


def _data_files(run: StoredRun) -> None:
    try:
        for name, content in script_data(services.scheduler().store, run).items():
            st.caption(f"The script reads {name}: save it beside the script.")
            st.download_button(f"Download {name}", content, name, on_click="ignore", key="share.data")
    except (DataError, ConfigError) as error:
        st.text(str(error))
