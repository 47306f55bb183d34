"""What stands on the screen before a page has come does not move when it comes: a style in Streamlit's own page."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The sidebar comes a moment after the frame of the page and pushes it aside: the frame is shown once something is in
# it, and in the lab not before its sidebar. Controls come as grey bars, lower than what takes their place.
_STYLE = b"""<style>
[data-testid="stAppViewContainer"] > div:not(:has([data-testid="stElementContainer"])),
[data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) > div:has(.st-key-beside-sidebar) {
  visibility: hidden;
}
[data-testid="stSidebar"] [data-testid="stElementContainer"]:has(> [data-testid="stSkeleton"]) { min-height: 60px; }
</style>
"""
_END = b"</head>"


class SteadyFirstFrame:
    """ASGI middleware: add the style to every HTML page that passes."""

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
            body = body.replace(_END, _STYLE + _END, 1)
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, styled)


def _is_page(message: Message) -> bool:
    headers = MutableHeaders(raw=message["headers"])
    attached = headers.get("content-disposition", "").startswith("attachment")
    encoded = "content-encoding" in headers
    return headers.get("content-type", "").startswith("text/html") and not attached and not encoded
