"""Which host names the server answers to, and the security headers of every answer."""

import ipaddress
import re
from base64 import b64encode
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, file_util
from streamlit.path_security import is_unsafe_path_pattern

from dashboard.server.board_page import WAY_FOR_PHONES
from dashboard.server.budget import Budget, OverBudget
from dashboard.server.http import client_of, error_answer
from dashboard.server.pace import Paces

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # a run's id in the address does not leak to other sites
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,260}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SOCKETS_OF_ADDRESS, SOCKETS_OF_ALL = 500, 2000  # of a client, and of all; a page takes 0.1 MB
NOWHERE = "There is nothing at this address."
FOREIGN_HOST = (
    "This server does not answer to that host name; whoever runs it can allow it with --server.allowedHosts=NAME."
)


class Guard:
    """ASGI middleware: refuse foreign hosts (DNS rebinding) and foreign pages' sockets, add security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._paces = Paces()
        self._sockets = Budget(SOCKETS_OF_ADDRESS, SOCKETS_OF_ALL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to a foreign host, else pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or not host_is_allowed(hosts[0]):  # what sends two of them hopes for different readings
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await error_answer(403, FOREIGN_HOST)(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, hosts[0])
            return
        if leads_nowhere(scope["path"]):
            await error_answer(404, NOWHERE)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", content_policy(hosts[0]))
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)

    async def _socket(self, scope: Scope, receive: Receive, send: Send, host: str) -> None:
        """Open a page's socket, at a bounded pace of messages; refuse one too many, and one of another site's page.

        Streamlit's own check would ask a public address service, inside the event loop, whether an origin that it does
        not know is this machine: so it gets to see none.
        """
        origins = Headers(scope=scope).getlist("origin")
        if len(origins) > 1 or not all(origin_is_allowed(origin, host) for origin in origins):
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        own = f"{'https' if scope['scheme'] == 'wss' else 'http'}://{host}".encode("latin-1")
        headers += [(b"origin", own)] if origins else []
        client = client_of(HTTPConnection(scope))
        try:
            with self._sockets.one_more(client):
                await self.app({**scope, "headers": headers}, self._paces.of_socket(receive, client), send)
        except OverBudget:
            await send({"type": "websocket.close", "code": 1013})  # try again later


def leads_nowhere(path: str) -> bool:
    """Tell whether an address is one that only somebody who looks for files outside would ask for.

    Streamlit itself answers "Bad Request" to some of them, and its page to the others.
    """
    unsafe = path.startswith(("//", "\\\\")) or is_unsafe_path_pattern(path.lstrip("/"))
    return unsafe or ".." in re.split(r"[/\\]", path) or _CONTROL.search(path) is not None


def content_policy(host: str) -> str:
    """Return where a page may load from and connect to: this server alone.

    Streamlit's page has small scripts inside, named here by their hashes, and needs inline styles (emotion) and, for
    components without a build step, modules from blob: URLs.
    """
    sockets = (
        f"ws://{host} wss://{host}" if _PLAIN_HOST.fullmatch(host) else ""
    )  # not all browsers count them to 'self'
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' blob: {' '.join(_inline_scripts())}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' {sockets}",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "frame-src 'self'",
            "media-src 'self' blob:",
            "form-action 'self'",
            "base-uri 'self'",
            "frame-ancestors 'self'",
        )
    )


@cache
def _inline_scripts() -> tuple[str, ...]:
    """Return the hashes of the scripts inside Streamlit's page, and of the one that it is given (`first_frame`)."""
    page = (Path(file_util.get_static_dir()) / "index.html").read_text("utf-8")
    scripts = [*re.findall(r"<script>(.*?)</script>", page, re.DOTALL), WAY_FOR_PHONES]
    return tuple(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)


def origin_is_allowed(origin: str, host: str) -> bool:
    """Tell whether a page of an origin may open a socket: one of this very host and port, or one of an allowed site.

    Allowed sites are those of Streamlit's option `server.corsAllowedOrigins`, with scheme and port.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower():
        return True
    allowed: list[str] = config.get_option("server.corsAllowedOrigins") or []
    return origin.rstrip("/").lower() in {site.rstrip("/").lower() for site in allowed}


def host_is_allowed(host: str) -> bool:
    """Tell whether a Host header may be answered.

    With `server.allowedHosts` set, that list decides, as it does for Streamlit's own connection. Without it a server
    on the loopback address answers to loopback names alone, and any other server to every name.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    allowed: list[str] = config.get_option("server.allowedHosts")
    if allowed:
        return any(_matches(name, pattern.strip().lower().rstrip(".")) for pattern in allowed)
    return is_loopback(name) or not is_loopback(config.get_option("server.address") or "")


def _matches(name: str, pattern: str) -> bool:
    return pattern == "*" or (name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern)


@lru_cache(maxsize=1024)
def is_loopback(name: str) -> bool:
    """Tell whether a host name is one of this machine alone."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
