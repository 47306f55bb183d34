"""What Streamlit's own page is given: a style by which nothing moves as the page comes, and the way for phones."""

import gzip

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.server.board_page import WAY_FOR_PHONES

# The sidebar comes a moment after the frame of the page and pushes it aside: the frame is shown once its heading is
# in it, or what went wrong, and in the lab not before its sidebar. Controls come as grey bars, lower than what takes
# their place. None of this waits for longer than a few seconds. A board switches it off while it is there
# (static/first_frame.js).
STYLE = b"""<style id="rgl-first-frame">
[data-testid="stAppViewContainer"] > div:not(:has([data-testid="stHeading"], [data-testid="stAlert"])),
[data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) > div:has(.st-key-beside-sidebar) {
  visibility: hidden; animation: rgl-show 0s 5s forwards;
}
@keyframes rgl-show { to { visibility: visible; } }
[data-testid="stSidebar"] [data-testid="stElementContainer"]:has(> [data-testid="stSkeleton"]) { min-height: 60px; }
/* What comes later takes its room before, so that nothing moves: the cards of the first screen, and the board. */
.st-key-presets:not(:has(.presets)) { min-height: 124px; }
@media (max-width: 1407px) { .st-key-presets:not(:has(.presets)) { min-height: 290px; } }
@media (max-width: 900px) { .st-key-presets:not(:has(.presets)) { min-height: 390px; } }
.st-key-history-filter, .st-key-history-actions { min-height: 68px; align-content: flex-start; }
:is(.st-key-history-filter > :first-child, .st-key-history-actions > :last-child) { min-height: 68px; }
@media (max-width: 950px) {
  .st-key-history-filter { min-height: 147px; }
  .st-key-history-filter > :first-child { margin-right: calc(100% - 300px); }
}
.st-key-history-summary { min-height: 26px; }
[data-testid="stMain"]:not(:has(.st-key-history-actions))
  :is([class*="st-key-history-table"], .st-key-history-summary) {
  visibility: hidden; animation: rgl-show 0s 5s forwards;
}
@media (max-width: 640px) {
  .st-key-history-actions { min-height: 124px; }
  .st-key-history-actions > :last-child { flex-basis: calc(100% - 6.5rem); }
  .st-key-history-summary { min-height: 51px; }
}
.st-key-board:not(:has(.rgl-card, .rgl-waiting)) { min-height: 100vh; }
.st-key-with-formulas:not(:has(.katex-display)) { visibility: hidden; animation: rgl-show 0s 3s forwards; }
</style>
"""
_FOR_GOOD = b"""<style>
/* What can be scrolled would have to be reached with the keyboard. So a formula that is too long goes on below, and
   code is scrolled by the frame around it, which holds a button. */
[data-testid="stMarkdownContainer"] .katex-display { overflow: visible !important; }
[data-testid="stMarkdownContainer"] .katex-display > .katex { white-space: normal !important; }
[overflow="auto"] > [data-testid="stCode"] pre { overflow: visible !important; }
/* The row of a lesson would take a finger's movement for a few pixels of its own, instead of scrolling the page. */
:is([class*="st-key-lesson-"], [class*="st-key-lesson-"] > [data-testid="stHorizontalBlock"]) {
  overflow: visible !important;
}
</style>
"""
_BEGIN, _END = b"<head>", b"</head>"
_STREAMLITS = b'<div id="root">'
_SCRIPT = f"<script>{WAY_FOR_PHONES}</script>".encode()


class SteadyFirstFrame:
    """ASGI middleware: add the style and the script to every HTML page of Streamlit's that passes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; hold the head of a page back until its body is known."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def styled(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                if message["status"] == 200 and _is_page(message):
                    start = message
                else:
                    await send(message)
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body", False):
                return
            headers = MutableHeaders(raw=start["headers"])
            zipped = headers.get("content-encoding") == "gzip"
            page = gzip.decompress(body) if zipped else body
            if _STREAMLITS in page:
                page = page.replace(_BEGIN, _BEGIN + _SCRIPT, 1).replace(_END, STYLE + _FOR_GOOD + _END, 1)
                body = gzip.compress(page, compresslevel=6, mtime=0) if zipped else page
                headers["content-length"] = str(len(body))
                del headers["etag"], headers["last-modified"]  # they tell of what Streamlit has sent
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, styled)


def _is_page(message: Message) -> bool:
    headers = MutableHeaders(raw=message["headers"])
    attached = headers.get("content-disposition", "").startswith("attachment")
    encoded = headers.get("content-encoding", "gzip") != "gzip"
    return headers.get("content-type", "").startswith("text/html") and not attached and not encoded
