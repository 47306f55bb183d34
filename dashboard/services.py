"""The process-wide scheduler and store: opened by the app's lifespan, used by pages and HTTP routes.

They live in a plain module, not in st.cache_resource: "Clear cache" in Streamlit's menu would end everybody's runs.
"""

from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store import Store

_scheduler: Scheduler | None = None


def open_scheduler(settings: Settings | None = None) -> Scheduler:
    """Open the store, start the scheduler and its workers; call once per process."""
    global _scheduler
    settings = settings or Settings.from_env()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _scheduler = Scheduler(Store(settings.store_path), settings)
    _scheduler.start()
    return _scheduler


def scheduler() -> Scheduler:
    """Return the running scheduler; RuntimeError when the app was started without its lifespan."""
    if _scheduler is None:
        raise RuntimeError("the scheduler is not running; start the app with `streamlit run dashboard/app.py`")
    return _scheduler


def close_scheduler() -> None:
    """Stop the workers and close the store."""
    global _scheduler
    if _scheduler is not None:
        _scheduler.shutdown()
        _scheduler = None
