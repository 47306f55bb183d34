"""Settings of the server's sockets that neither Streamlit nor uvicorn makes."""

import logging
import os
import signal
import socket
import sys

import psutil
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from dashboard.server.request_heads import BoundedHeads

logger = logging.getLogger(__name__)

CONNECTIONS = 65_536
GOODBYE_S = 0.5


def answer_at_once() -> None:
    """Turn Nagle's algorithm off for the connections that this process will accept.

    asyncio does so only for sockets that were made with an explicit protocol number, and Streamlit's was not. Without
    it every answer waits for the client's delayed acknowledgement of its own headers: 40 ms on Linux (measured), 200 ms
    on Windows. Accepted connections inherit the option from the socket that listens.
    """
    try:
        listening = [c.fd for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        for descriptor in listening:
            if descriptor >= 0:  # Windows does not tell
                with socket.socket(fileno=os.dup(descriptor)) as listener:
                    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, psutil.Error) as error:
        logger.warning("answers will be slower: TCP_NODELAY cannot be set: %s", error)


def bound_request_heads() -> None:
    """Close connections whose request line and headers are too long or too slow.

    uvicorn asks for the class of its protocol anew at each connection; Streamlit passes no such option on.
    """
    if (server := _running_server()) is not None:
        server.config.http_protocol_class = BoundedHeads


def stop_without_waiting() -> None:
    """Let the server stop within moments, whatever its clients do: uvicorn would wait for the slowest of them.

    Streamlit passes no such option on.
    """
    if (server := _running_server()) is not None:
        server.config.timeout_graceful_shutdown = GOODBYE_S  # type: ignore[assignment]  # any number of seconds will do


def trust_proxies(addresses: str) -> None:
    """Believe the header X-Forwarded-For of these network addresses (with commas between them) and of nobody else.

    uvicorn believes every program on this machine, which could then take the budgets of all other addresses.
    """
    server = _running_server()
    outermost = server and server.config.loaded_app
    if isinstance(outermost, ProxyHeadersMiddleware):
        named = [address.strip() for address in addresses.split(",") if address.strip()]
        outermost.trusted_hosts = ProxyHeadersMiddleware(outermost.app, named).trusted_hosts


def _running_server() -> uvicorn.Server | None:
    """Return the server that runs this app, as its handler of signals tells; None where another program runs it."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


def allow_many_connections() -> None:
    """Raise the number of connections that may be open from the system's usual 1,024 to what the system permits."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
