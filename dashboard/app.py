"""Entry of the app: `streamlit run dashboard/app.py`. Scheduler in the lifespan, HTTP routes, one page script."""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware

from dashboard import figures
from dashboard.api import routes
from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.twins import twins
from dashboard.experiment.words import label
from dashboard.server import services
from dashboard.server.assets import asset_routes, warm_assets
from dashboard.server.board_data import warm_board
from dashboard.server.board_page import board_routes
from dashboard.server.class_page import class_routes
from dashboard.server.first_frame import SteadyFirstFrame
from dashboard.server.guard import Guard
from dashboard.server.logs import configure_logs
from dashboard.server.page_files import CompressedPageFiles
from dashboard.server.script_turns import script_turns
from dashboard.server.sockets import (
    allow_many_connections,
    answer_at_once,
    bound_request_heads,
    stop_without_waiting,
    trust_proxies,
)
from dashboard.server.streamlit_options import read_options_without_lock
from dashboard.server.upload_guard import UploadGuard
from dashboard.server.view_page import view_routes
from dashboard.server.whereabouts import forget_address, note_address
from dashboard.server.workspace import WorkspaceCookie
from rnncore.errors import ConfigError
from rnncore.runs.settings import SettingsError
from rnncore.runs.store.lock import StoreError

SWITCH_S = 0.001  # of threads: who answers requests must not wait 5 ms, the usual time, for each script that runs

logger = logging.getLogger("dashboard.app")  # the launcher runs this file under another name


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Start the scheduler with its warm workers; stop them when the server stops."""
    configure_logs()
    os.umask(0o077)  # what this process and its workers write is for nobody else
    sys.setswitchinterval(SWITCH_S)
    answer_at_once()
    script_turns.pass_on_through(asyncio.get_running_loop())
    allow_many_connections()
    stop_without_waiting()
    bound_request_heads()
    read_options_without_lock()
    try:
        settings = services.open_scheduler().settings
        trust_proxies(settings.trusted_proxies)
    except (StoreError, SettingsError, ConfigError) as error:
        logger.critical("%s", error, extra={"event": "server_failed"})
        os._exit(1)  # an exception would bury the sentence in three tracebacks
    note_address(settings.data_dir)
    await to_thread.run_sync(warm_assets)
    await to_thread.run_sync(services.readers().warm_up)
    gc.collect()
    gc.freeze()  # what is loaded now lives as long as the server: later collections need not look at it
    first_runs = [figures.Run.of(label(config), config) for config in twins(DEFAULT)]
    threading.Thread(target=warm_board, args=(first_runs,), name="warm-board", daemon=True).start()
    facts = {"event": "server_started", "version": services.product_version(), "workers": settings.workers}
    logger.info("the server has started", extra=facts)
    try:
        yield
    finally:
        forget_address(settings.data_dir)
        await to_thread.run_sync(services.close_scheduler)
        logger.info("the server has stopped", extra={"event": "server_stopped"})


def page_failed(error: Exception) -> bool:
    """Log an error of a page and tell its reader in one sentence."""
    logger.error("a page failed", exc_info=error, extra={"event": "page_failed"})
    st.error("This page met an unexpected error; the server's log says more.", icon=":material/error:")
    return True


app = st.App(
    str(Path(__file__).with_name("main.py")),
    lifespan=lifespan,
    on_script_error=page_failed,
    routes=[*routes, *asset_routes, *board_routes, *class_routes, *view_routes],
    middleware=[
        Middleware(Guard),
        Middleware(CompressedPageFiles),
        Middleware(SteadyFirstFrame),
        Middleware(UploadGuard),
        Middleware(WorkspaceCookie),
    ],
)
