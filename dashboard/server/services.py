"""The process-wide scheduler and store: opened by the app's lifespan, used by pages and HTTP routes.

They live in a plain module, not in st.cache_resource: "Clear cache" in Streamlit's menu would end everybody's runs.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rnncore.classes.school import School
from rnncore.registry import load_plugins
from rnncore.runs.backend.protocol import Backend
from rnncore.runs.inspector.desk import Desk
from rnncore.runs.reader import shared
from rnncore.runs.reader.pool import ReaderPool
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store

_scheduler: Scheduler | None = None
_school: School | None = None
_desk: Desk | None = None
_opened = 0.0


def open_scheduler(settings: Settings | None = None, backend: Backend | None = None) -> Scheduler:
    """Import the plugins, open the store, start the scheduler and its workers; call once per process.

    Raises:
        SettingsError, ConfigError (a plugin cannot be imported), StoreError: one plain sentence each.
    """
    global _scheduler, _school, _desk, _opened
    settings = settings or Settings.from_env()
    load_plugins(settings.plugins, pages=True)
    _scheduler = Scheduler(Store(settings.store_path), settings, backend)
    _scheduler.start()
    _school = School(_scheduler.store, settings.max_students)
    _scheduler.let_teachers_go_first(_school.students_of)
    _desk = Desk(_scheduler.store, settings, _scheduler.watched.quiet_for)
    _opened = time.monotonic()
    return _scheduler


def scheduler() -> Scheduler:
    """Return the running scheduler; RuntimeError when the app was started without its lifespan."""
    if _scheduler is None:
        raise RuntimeError("the scheduler is not running; start the app with `streamlit run dashboard/app.py`")
    return _scheduler


def school() -> School:
    """Return the classes of this server; RuntimeError when the app was started without its lifespan."""
    if _school is None:
        raise RuntimeError("the scheduler is not running; start the app with `streamlit run dashboard/app.py`")
    return _school


def desk() -> Desk:
    """Return where instruments are asked for; RuntimeError when the app was started without its lifespan."""
    if _desk is None:
        raise RuntimeError("the scheduler is not running; start the app with `streamlit run dashboard/app.py`")
    return _desk


def is_in_a_class(workspace: str) -> bool:
    """Tell whether a workspace teaches or takes part in an open class."""
    return _school is not None and _school.has(workspace)


def note_sign_of_life(targets: Sequence[str], workspace: str | None) -> None:
    """Note that somebody who may do so asks about these runs or groups, or is at work in a workspace."""
    if isinstance(_scheduler, Scheduler):
        _scheduler.seen(*targets, workspace=workspace)


def readers() -> ReaderPool:
    """Return the processes that read uploaded files: foreign bytes are never parsed in this one."""
    return shared.readers(scheduler().settings)


def close_scheduler() -> None:
    """Stop the readers and the workers, and close the store."""
    global _scheduler, _school, _desk
    shared.close_readers()
    if _desk is not None:
        _desk.close()
        _desk = None
    if _scheduler is not None:
        _scheduler.shutdown()
        _scheduler.store.close()
        _scheduler = _school = None


def health() -> dict[str, Any]:
    """Return how the server is, in counts that tell nothing of anybody's runs."""
    overview, problem = scheduler().overview(), scheduler().problem()
    return {
        "status": "trouble" if problem else "ok" if overview.workers_ready else "starting",
        "problem": problem,
        "version": product_version(),
        "uptime_s": round(time.monotonic() - _opened, 1),
        **asdict(overview),
        "store_bytes": store_bytes(),
        "torch_loaded": "torch" in sys.modules,
    }


def store_bytes() -> int:
    """Return the size of the run store on disk, its write-ahead log included."""
    path = scheduler().settings.store_path
    parts = (path, path.with_name(path.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def product_version() -> str:
    """Return the installed version, 'unknown' in a copy that was never installed."""
    try:
        return version("rnn-gradient-lab")
    except PackageNotFoundError:
        return "unknown"
