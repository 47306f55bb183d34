"""The workspace: an unguessable id in an HttpOnly cookie that says whose runs and uploads these are."""

import re
import secrets

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "rnn_lab_workspace"
HEADER = "X-Workspace"
_VALID = re.compile(r"[A-Za-z0-9_-]{22,64}")
_YEAR = 31_536_000


class WorkspaceCookie:
    """ASGI middleware: give every browser a workspace id (128 bit) with its first page, a cached one (304) too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add Set-Cookie to a page answer when the browser brought no valid id."""
        if scope["type"] != "http" or workspace_of(HTTPConnection(scope)):
            await self.app(scope, receive, send)
            return
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")
        secure = "; Secure" if scope["scheme"] == "https" else ""

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                if is_page or (message["status"] == 304 and wants_page):
                    cookie = f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax"
                    headers.append("Set-Cookie", cookie + secure)
                    headers["Cache-Control"] = "private, no-cache"  # a shared cache must not hand the id to others
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def workspace_of(connection: HTTPConnection) -> str | None:
    """Return the workspace of a request: its cookie's, else its header's, None without a valid one."""
    for value in (connection.cookies.get(COOKIE, ""), connection.headers.get(HEADER, "")):
        if _VALID.fullmatch(value):
            return value
    return None


def workspace_id() -> str:
    """Return this browser's workspace; without a cookie (tests, blocked cookies) one for this session alone."""
    cookie = str(st.context.cookies.get(COOKIE, ""))
    if _VALID.fullmatch(cookie):
        return cookie
    fallback: str = st.session_state.setdefault("workspace", secrets.token_urlsafe(16))
    return fallback
