"""Files built to be slow or large, uploaded to one real server while others look on: `python -m benchmarks.uploads`."""

import argparse
import http.client
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.lab_server import Answered, Client, LabServer
from benchmarks.timing import table
from tests.support.hostile_files import hostile_files

LONGEST_WAIT_S, LONGEST_UPLOAD_S, MOST_MB = 0.25, 20.0, 400
HOSTILE_CLIENTS = 3
PAUSE_S = 0.05  # between two requests of the one who looks on


class Onlooker:
    """Asks for the server's health again and again; the waits are what everybody else feels."""

    def __init__(self, server: LabServer) -> None:
        self._server = server
        self._over = threading.Event()
        self.waits: list[float] = []
        self.most_bytes = 0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        client = Client(self._server.port, 120)
        while not self._over.wait(PAUSE_S):
            client.raw("GET", "/api/health")
            self.waits.append(client.seconds)
            self.most_bytes = max(self.most_bytes, self._server.process.memory_info().rss)


def upload_all(server: LabServer, each: int, seed: int, took: list[float], wrong: list[str]) -> None:
    """Upload `each` files of every kind, one after another, as one client."""
    client = Client(server.port, 120)
    for kind, name, content in hostile_files(each, seed):
        began = time.perf_counter()
        try:
            client.raw("POST", f"/api/files?name={name}", content, {"Content-Type": "application/octet-stream"})
        except Answered as answer:
            if answer.status not in (400, 413, 429):
                wrong.append(f"{kind}: {answer}")
        except (OSError, http.client.HTTPException) as error:
            wrong.append(f"{kind}: {error!r}")
        took.append(time.perf_counter() - began)


def main() -> int:
    """Print the figures; return 1 where one of them is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=4, help="files of every kind and client (default 4)")
    options = parser.parse_args()
    took: list[float] = []
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        server = LabServer(Path(folder), RNNLAB_MAX_STORE_MB="4096")
        server.start()
        onlooker = Onlooker(server)
        clients = [
            threading.Thread(target=upload_all, args=(server, options.each, seed, took, wrong))
            for seed in range(HOSTILE_CLIENTS)
        ]
        try:
            for client in clients:
                client.start()
            for client in clients:
                client.join()
        finally:
            onlooker.close()
            server.stop()
    waits = sorted(onlooker.waits)
    rows = [
        ["files uploaded by three clients at once", f"{len(took)}", ""],
        ["longest upload", f"{max(took):.1f} s", f"{LONGEST_UPLOAD_S:.0f} s"],
        ["longest wait of anybody else", f"{waits[-1] * 1000:.0f} ms", f"{LONGEST_WAIT_S * 1000:.0f} ms"],
        ["the same, 99 of 100", f"{waits[int(0.99 * len(waits))] * 1000:.0f} ms", ""],
        ["largest size of the page's process", f"{onlooker.most_bytes / 2**20:.0f} MB", f"{MOST_MB} MB"],
        ["answers that are no sentence", f"{len(wrong)}", "0"],
    ]
    print(table(["figure", "measured", "to reach"], rows))
    for line in wrong[:10]:
        print(line)
    slow = waits[-1] > LONGEST_WAIT_S or max(took) > LONGEST_UPLOAD_S
    missed = slow or wrong or onlooker.most_bytes > MOST_MB * 2**20
    print("\nA target is missed." if missed else "\nAll targets are met.")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
