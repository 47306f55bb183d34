"""The workspace: an unguessable id in an HttpOnly cookie that says whose runs and uploads these are."""

import re
import secrets

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "rnn_lab_workspace"
_VALID = re.compile(r"[A-Za-z0-9_-]{22,64}")


class WorkspaceCookie:
    """ASGI middleware: give every browser a workspace id (128 bit) with its first page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add Set-Cookie to a page answer when the browser brought no valid id."""
        if scope["type"] != "http" or _VALID.fullmatch(HTTPConnection(scope).cookies.get(COOKIE, "")):
            await self.app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append(
                        "Set-Cookie",
                        f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax",
                    )
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def workspace_id() -> str:
    """Return this browser's workspace; without a cookie (tests, blocked cookies) one for this session alone."""
    cookie = str(st.context.cookies.get(COOKIE, ""))
    if _VALID.fullmatch(cookie):
        return cookie
    fallback: str = st.session_state.setdefault("workspace", secrets.token_urlsafe(16))
    return fallback
