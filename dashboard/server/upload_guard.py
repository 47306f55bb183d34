"""How much the file uploaders of all pages may hold in memory together; Streamlit limits single files only."""

import asyncio
import re

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import exists, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from dashboard.server.http import error_answer

SESSION_BYTES = 64 * 2**20
ALL_BYTES = 512 * 2**20
UPLOAD_SECONDS = 120.0  # room is set aside for a file as long as it arrives
_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/")


class UploadGuard:
    """ASGI middleware: refuse an upload that takes too long, or into pages that hold too much already."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 408, 413 or 429, or pass on."""
        match = _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if match is None:
            await self.app(scope, receive, send)
            return
        largest = config.get_option("server.maxUploadSize") * 2**20
        mine, everybodys = held_bytes(match[1])
        if mine + largest > SESSION_BYTES:
            sentence = "This page holds many uploaded files already; reload it to begin anew."
            await error_answer(413, sentence)(scope, receive, send)
        elif everybodys + (self._arriving + 1) * largest > ALL_BYTES:
            sentence = "Many files are being uploaded at this moment; try again in a minute."
            await error_answer(429, sentence, {"Retry-After": "60"})(scope, receive, send)
        else:
            self._arriving += 1
            try:
                async with asyncio.timeout(UPLOAD_SECONDS):
                    await self.app(scope, receive, send)
            except TimeoutError:  # Streamlit answers once all has arrived, so nothing was sent yet
                sentence = f"The file did not arrive within {UPLOAD_SECONDS:.0f} seconds."
                await error_answer(408, sentence, {"Connection": "close"})(scope, receive, send)
            finally:
                self._arriving -= 1


def held_bytes(session: str) -> tuple[int, int]:
    """Return the bytes of uploaded files that a session holds in memory, and that all sessions hold."""
    manager = get_instance().uploaded_file_mgr if exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return 0, 0
    sizes = {name: sum(len(file.data) for file in files.values()) for name, files in manager.file_storage.items()}
    return sizes.get(session, 0), sum(sizes.values())
