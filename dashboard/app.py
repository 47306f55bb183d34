"""Entry of the app: `streamlit run dashboard/app.py`. Scheduler in the lifespan, HTTP routes, one page script."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware

from dashboard import services
from dashboard.api import routes
from dashboard.assets import asset_routes, warm_assets
from dashboard.workspace import WorkspaceCookie


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Start the scheduler with its warm workers; stop them when the server stops."""
    services.open_scheduler()
    await to_thread.run_sync(warm_assets)
    gc.collect()
    gc.freeze()  # what is loaded now lives as long as the server: later collections need not look at it
    try:
        yield
    finally:
        await to_thread.run_sync(services.close_scheduler)


app = st.App(
    str(Path(__file__).with_name("main.py")),
    lifespan=lifespan,
    routes=[*routes, *asset_routes],
    middleware=[Middleware(WorkspaceCookie)],
)
