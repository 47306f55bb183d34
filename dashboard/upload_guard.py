"""How much the file uploaders of all pages may hold in memory together; Streamlit limits single files only."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import exists, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from dashboard.api.http import error_answer

SESSION_BYTES = 64 * 2**20
ALL_BYTES = 512 * 2**20
_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/")


class UploadGuard:
    """ASGI middleware: refuse an upload into a page that holds too much already, or when all pages together do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 or 429, or pass on."""
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
                await self.app(scope, receive, send)
            finally:
                self._arriving -= 1


def held_bytes(session: str) -> tuple[int, int]:
    """Return the bytes of uploaded files that a session holds in memory, and that all sessions hold."""
    manager = get_instance().uploaded_file_mgr if exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return 0, 0
    sizes = {name: sum(len(file.data) for file in files.values()) for name, files in manager.file_storage.items()}
    return sizes.get(session, 0), sum(sizes.values())
