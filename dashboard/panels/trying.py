"""What the board's button "Try it" does: it starts a changed run beside those shown, or says why that cannot be."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from pydantic import BaseModel, ConfigDict, ValidationError

from dashboard.experiment import history
from dashboard.experiment.groups import MOST
from dashboard.experiment.told import CANNOT
from dashboard.panels import controls
from dashboard.server import services
from dashboard.server.starting import start_changed
from dashboard.server.workspace import workspace_id
from rnncore.data import DataError
from rnncore.errors import ConfigError
from rnncore.runs.limits import LimitError
from rnncore.runs.scheduler import UnknownRun
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import StoredRun
from rnncore.runs.trouble import StoreTrouble

FULL = f"The board has room for {MOST} runs; open this run alone, from History, to try it there."
GONE = "This run has been deleted."
_ANSWER = "trying.answer"
_RUNS = "trying.runs"  # ids of the runs that were started here


class Asked(BaseModel):
    """What the board sends: whose change it is, and which; number: of the press, which the answer repeats."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    run: str
    changes: dict[str, Any]


def on_try(key: str, shown: Sequence[StoredRun]) -> Callable[[], None]:
    """Return what to call when the button was pressed on the board of this key, which shows these runs."""

    def start() -> None:
        try:
            asked = Asked.model_validate(st.session_state[key].tried)
        except ValidationError:
            return  # no board of ours sends that
        st.session_state[_ANSWER] = {"number": asked.number, "problem": _start(asked, shown)}

    return start


def answer() -> dict[str, Any] | None:
    """Return what came of the last press: its number and, where nothing has started, why, in a sentence."""
    found: dict[str, Any] | None = st.session_state.get(_ANSWER)
    return found


def by_controls(shown: Sequence[StoredRun]) -> list[StoredRun]:
    """Return the runs on the board without those that were started here; all of them, if there are no others."""
    here = st.session_state.get(_RUNS, ())
    return [run for run in shown if run.id not in here] or list(shown)


def _start(asked: Asked, shown: Sequence[StoredRun]) -> str | None:
    """Start what was asked for and put it on the board; return why that was not possible, None if it was."""
    if len(shown) >= MOST:
        return FULL
    by_watch_key = {watch_key(run.id): run.id for run in shown}  # runs of others, on this board
    slow, ids = bool(st.session_state.get(controls.SLOW_START)), [run.id for run in shown]
    try:
        run = by_watch_key.get(asked.run, asked.run)
        tried = start_changed(run, asked.changes, workspace_id(), beside=ids, slow_start=slow)
    except (ConfigError, DataError) as error:
        return f"{CANNOT}: {str(error).rstrip('.')}."
    except (LimitError, StoreTrouble) as error:
        return str(error)
    except UnknownRun:
        return GONE
    st.session_state[_RUNS] = {*st.session_state.get(_RUNS, ()), tried.run}
    store = services.scheduler().store
    runs = [*shown, *(run for run in store.named(tried.run) if run.id not in ids)]
    groups = dict.fromkeys(run.group for run in runs)
    st.query_params["run"] = history.address(runs, [run for group in groups for run in store.group(group)])
    return None
