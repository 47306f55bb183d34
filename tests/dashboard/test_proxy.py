"""The reverse proxy of compose.yaml, as a process of Debian's package: TLS, sockets, who is believed, limits."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.sync.client import connect

from dashboard.server.guesses import BURST
from tests.support.server import ROOT, AppServer, free_port
from tests.support.waiting import wait

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
TEMPLATE = ROOT / "deploy" / "nginx.conf.template"
AT_ONCE = 150  # requests of one address, in this test
MAIN = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{ access_log off; {paths} include {folder}/lab.conf; }}
"""


class Proxy(NamedTuple):
    """The ports of a running proxy, and the file of its certificate."""

    http: int
    https: int
    certificate: Path

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    if NGINX is None:
        assert not os.environ.get("CI"), "nginx is not installed"
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    folder = tmp_path_factory.mktemp("proxy")
    server = AppServer(folder, RNNLAB_TRUSTED_PROXIES="127.0.0.1", RNNLAB_WORKERS="1")
    server.start()
    found = Proxy(free_port(), free_port(), certificate(folder))
    configure(folder, found, server.port)
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([NGINX, "-c", str(folder / "main.conf")], stderr=log)
    try:
        wait(lambda: answers(found), 60)
        yield found
    finally:
        process.terminate()
        process.wait(20)
        server.stop()


def certificate(folder: Path) -> Path:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return folder / "certificate.pem"


def configure(folder: Path, ports: Proxy, upstream: int) -> None:
    """Fill the template in, as the nginx image does: what looks like ${NAME} and is known."""
    values = {
        "LAB_NAME": "localhost", "LAB_UPSTREAM": f"127.0.0.1:{upstream}", "LAB_HTTP_PORT": f"{ports.http}",
        "LAB_HTTPS_PORT": f"{ports.https}", "LAB_HTTPS_SUFFIX": f":{ports.https}",
        "LAB_CERTIFICATE": f"{folder}/certificate.pem", "LAB_CERTIFICATE_KEY": f"{folder}/key.pem",
        "LAB_REQUESTS_PER_SECOND": "1", "LAB_REQUESTS_BURST": f"{AT_ONCE}", "LAB_CONNECTIONS": "100",
    }  # fmt: skip
    text = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], TEMPLATE.read_text("utf-8"))
    (folder / "lab.conf").write_text(text, "utf-8")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "main.conf").write_text(MAIN.format(folder=folder, paths=paths), "utf-8")


def answers(proxy: Proxy) -> bool:
    try:
        return ask(proxy, "/api/health") == 200
    except OSError:
        return False


def ask(proxy: Proxy, path: str, address: str = "127.0.0.1", **headers: str) -> int:
    """Ask the proxy, from an address of this machine."""
    connection = http.client.HTTPSConnection(
        "localhost", proxy.https, context=proxy.trust, source_address=(address, 0), timeout=30
    )
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_what_is_asked_without_tls_is_led_to_tls_and_cookies_are_for_tls_alone(proxy: Proxy) -> None:
    plain = http.client.HTTPConnection("localhost", proxy.http, timeout=30)
    plain.request("GET", "/?run=x")
    moved = plain.getresponse()
    assert (moved.status, moved.getheader("Location")) == (301, f"https://localhost:{proxy.https}/?run=x")
    secure = http.client.HTTPSConnection("localhost", proxy.https, context=proxy.trust, timeout=30)
    secure.request("GET", "/", headers={"Accept": "text/html"})
    answer = secure.getresponse()
    assert answer.status == 200
    assert "; Secure" in answer.getheader("Set-Cookie", "")
    plain.close()
    secure.close()


def test_a_browser_needs_one_connection(proxy: Proxy) -> None:
    trust = ssl.create_default_context(cafile=proxy.certificate)
    trust.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection(("localhost", proxy.https), timeout=30)
    with trust.wrap_socket(plain, server_hostname="localhost") as secure:
        assert secure.selected_alpn_protocol() == "h2"


def test_the_sockets_of_pages_pass(proxy: Proxy) -> None:
    address = f"wss://localhost:{proxy.https}/_stcore/stream"
    with connect(address, ssl=proxy.trust, subprotocols=["streamlit"], origin=f"https://localhost:{proxy.https}") as ws:
        assert ws.subprotocol == "streamlit"


def test_the_lab_counts_by_the_clients_address_and_believes_nobody_about_it(proxy: Proxy) -> None:
    guess = "/api/classes/CCCCCC"
    tried = [ask(proxy, guess, "127.0.0.2") for _ in range(BURST + 1)]
    assert 429 in tried
    assert set(tried) == {404, 429}
    assert ask(proxy, guess, "127.0.0.2", **{"X-Forwarded-For": "203.0.113.7"}) == 429
    assert ask(proxy, guess, "127.0.0.3") == 404


def test_one_address_is_held_back_and_the_others_are_not(proxy: Proxy) -> None:
    connection = http.client.HTTPSConnection(
        "localhost", proxy.https, context=proxy.trust, source_address=("127.0.0.4", 0), timeout=30
    )
    statuses = []
    for _ in range(4 * AT_ONCE):
        connection.request("GET", "/api/nowhere")
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
        if answer.status == 429:
            break
    connection.close()
    assert statuses[-1] == 429
    assert set(statuses[:AT_ONCE]) == {404}
    assert ask(proxy, "/api/health", "127.0.0.5") == 200
