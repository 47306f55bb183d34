"""How much the file uploaders of all pages may hold in memory together; Streamlit limits single files only."""

import asyncio
import re

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import exists, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import client_of, error_answer

SESSION_BYTES = 48 * 2**20
ALL_BYTES = 160 * 2**20
UPLOAD_SECONDS = 120.0
FULL_SESSION = "This page holds many uploaded files already; reload it to begin anew."
FULL_SERVER = "Many files are being uploaded at this moment; try again in a minute."
BUSY = "This page is uploading several files at this moment; try again when they have arrived."
_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/")


class UploadGuard:
    """ASGI middleware: refuse an upload that takes too long, or into pages that hold too much already.

    What counts is what has arrived: a slow upload takes no room from others, and each page and each client
    (`client_of`) may have only so many under way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._arrived = 0  # bytes of uploads under way
        self._of_page = Budget(each=6, total=1000)
        self._of_client = Budget(each=48, total=1000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 408, 413 or 429, or pass on."""
        match = _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if match is None:
            await self.app(scope, receive, send)
            return
        client = client_of(HTTPConnection(scope))
        try:
            with self._of_page.one_more(match[1]), self._of_client.one_more(client):
                await self._take(match[1], scope, receive, send)
        except OverBudget:
            await error_answer(429, BUSY, {"Retry-After": "60"})(scope, receive, send)

    async def _take(self, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        arrived = 0

        def check() -> None:
            mine, everybodys = held_bytes(session)
            if mine + arrived > SESSION_BYTES:
                raise _Refused(413, FULL_SESSION)
            if everybodys + self._arrived > ALL_BYTES:
                raise _Refused(429, FULL_SERVER)

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            size = len(message.get("body", b""))
            arrived, self._arrived = arrived + size, self._arrived + size
            check()
            return message

        try:
            check()
            async with asyncio.timeout(UPLOAD_SECONDS):
                await self.app(scope, counted, send)
        except _Refused as refusal:
            headers = {"Connection": "close", **({"Retry-After": "60"} if refusal.status == 429 else {})}
            await error_answer(refusal.status, str(refusal), headers)(scope, receive, send)
        except TimeoutError:  # Streamlit answers once all has arrived, so nothing was sent yet
            sentence = f"The file did not arrive within {UPLOAD_SECONDS:.0f} seconds."
            await error_answer(408, sentence, {"Connection": "close"})(scope, receive, send)
        finally:
            self._arrived -= arrived


class _Refused(Exception):  # noqa: N818 - it says what has happened
    """An upload that goes beyond what may be held."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def held_bytes(session: str) -> tuple[int, int]:
    """Return the bytes of uploaded files that a session holds in memory, and that all sessions hold."""
    manager = get_instance().uploaded_file_mgr if exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return 0, 0
    sizes = {name: sum(len(file.data) for file in files.values()) for name, files in manager.file_storage.items()}
    return sizes.get(session, 0), sum(sizes.values())
