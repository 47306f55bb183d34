"""The app as a real server on 127.0.0.1, and a small HTTP client, for benchmarks."""

import gzip
import http.client
import json
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parents[1]
KEEP_ALIVE_S = 4.0  # the server closes idle connections after five seconds


class Answered(Exception):  # noqa: N818 - it says what happened
    """The server answered with an error."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status}: {body[:200].decode(errors='replace')}")
        self.status = status


class Client:
    """One keep-alive connection, with a workspace of its own. Timings in seconds, of the last call."""

    def __init__(self, port: int, timeout: float = 30.0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.workspace: str | None = None
        self.seconds = 0.0
        self._last_call = 0.0

    def raw(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        """Return the body of the answer. Raises Answered, OSError, http.client.HTTPException."""
        sent = {"Accept-Encoding": "gzip"} | ({"X-Workspace": self.workspace} if self.workspace else {})
        if time.monotonic() - self._last_call > KEEP_ALIVE_S:
            self._connection.close()  # the next request connects anew
        self._last_call = time.monotonic()
        began = time.perf_counter()
        try:
            self._connection.request(method, path, body, sent | (headers or {}))
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        self.seconds = time.perf_counter() - began
        if answer.getheader("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        if answer.status >= 400:
            raise Answered(answer.status, content)
        return content

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        return json.loads(self.raw(method, path, data, {"Content-Type": "application/json"} if data else {}))

    def start(self, config: dict[str, Any], compare: bool = False) -> dict[str, Any]:
        """Start runs; the first start gives this client its workspace."""
        answer: dict[str, Any] = self.json("POST", "/api/runs", {"config": config, "compare": compare})
        self.workspace = answer.get("workspace", self.workspace)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Page:
    """A browser's page: its HTML and the websocket session behind it, which stays open until the next page."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: ClientConnection | None = None
        self.seconds = 0.0

    def visit(self, client: Client, query: str = "") -> None:
        """Leave the page that is open, load another and wait until its script has run."""
        self.leave()
        began = time.perf_counter()
        client.raw("GET", f"/?{query}", headers={"Accept": "text/html"})
        cookie = {"Cookie": f"rnn_lab_workspace={client.workspace}"} if client.workspace else {}
        address = f"ws://127.0.0.1:{self._port}/_stcore/stream"
        self._socket = connect(
            address, subprotocols=[Subprotocol("streamlit")], additional_headers=cookie, max_size=None, legacy=True
        )
        request = BackMsg()
        request.rerun_script.query_string = query
        self._socket.send(request.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(cast(bytes, self._socket.recv(timeout=60)))
            if message.WhichOneof("type") == "script_finished":
                break
        self.seconds = time.perf_counter() - began

    def leave(self) -> None:
        """Close the page."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class LabServer:
    """`streamlit run dashboard/app.py` on a port of its own."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.data_dir = data_dir
        self.log = data_dir / "server.log"
        self._environment = os.environ | {"RNNLAB_DATA_DIR": str(data_dir), "OMP_NUM_THREADS": "1"} | environment
        self._process: psutil.Popen | None = None

    @property
    def process(self) -> psutil.Popen:
        """The UI process."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process

    def start(self) -> None:
        """Start and wait until the workers are warm."""
        command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", f"--server.port={self.port}"]
        with self.log.open("ab") as log:
            self._process = psutil.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                health = Client(self.port, 5).json("GET", "/api/health")
                if health["workers_ready"] == health["workers"]:
                    return
            except (OSError, Answered, http.client.HTTPException):
                if self._process.poll() is not None:
                    break
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start, see {self.log}")

    def workers(self) -> list[psutil.Process]:
        """Return the training processes that live."""
        found = []
        for child in self.process.children():
            with suppress(psutil.Error):  # it has just died
                if "rnncore.runs.worker" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def stop(self) -> None:
        """Stop the server in order."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except psutil.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the server; its workers notice and end."""
        self.process.kill()
        self.process.wait(10)

    def worker_cpu_seconds(self) -> float:
        """Return the CPU time of the training processes that live."""
        return sum(cpu_seconds_of(worker) for worker in self.workers())

    def cpu_seconds(self) -> float:
        """Return the CPU time of the UI process itself, without its workers."""
        return cpu_seconds_of(self.process)


def cpu_seconds_of(process: psutil.Process) -> float:
    """Return the CPU time of a process, without its children."""
    times = process.cpu_times()
    return float(times.user + times.system)
