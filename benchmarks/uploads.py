"""Files built to be slow, large or wrong, uploaded to one real server while others look on.

`python -m benchmarks uploads`, or, for many files in parts, `python -m benchmarks.uploads --files 19700 --seconds 450
--state FILE`: it ends after so many seconds, and goes on from there when it is called again.
"""

import argparse
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.lab_server import Answered, Client, LabServer, cpu_seconds_of
from benchmarks.timing import table
from tests.support.damaged_files import damaged_file
from tests.support.hostile_files import KINDS

LONGEST_WAIT_S, LONGEST_UPLOAD_S, MOST_MB = 0.25, 20.0, 400
CLIENTS = 3
PAUSE_S = 0.05  # between two requests of the one who looks on
SENTENCES = (400, 413, 429)
LONGEST_SENTENCE = 600
File = tuple[str, str, bytes]  # kind, name, content


class Onlooker:
    """Asks for the server's health again and again; the waits are what everybody else feels.

    Of each it also counts the processor time that the page's process and everything else on the machine left it: a
    wait of a process that had no core to run on says nothing about the product.
    """

    def __init__(self, server: LabServer) -> None:
        self._server = server
        self._over = threading.Event()
        self.waits: list[tuple[float, float]] = []  # seconds, and seconds of the page's own processor time meanwhile
        self.most_bytes = 0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        client, process = Client(self._server.port, 120), self._server.process
        while not self._over.wait(PAUSE_S):
            before = cpu_seconds_of(process)
            client.raw("GET", "/api/health")
            self.waits.append((client.seconds, cpu_seconds_of(process) - before))
            self.most_bytes = max(self.most_bytes, process.memory_info().rss)


class Files:
    """All files in a fixed order, hostile ones spread among damaged ones; several clients take the next one each."""

    def __init__(self, damaged: int, each: int, seed: int, first: int) -> None:
        self._hostile = [kind for kind in KINDS for _ in range(each)]
        Random(seed).shuffle(self._hostile)
        self.count, self.taken = damaged + len(self._hostile), first
        self._every = max(1, self.count // max(1, len(self._hostile)))
        self._seed, self._lock = seed, threading.Lock()

    def take(self, until: float) -> Iterator[File]:
        """Yield one after another until all are taken or the time is up."""
        while time.monotonic() < until:
            with self._lock:
                number = self.taken
                self.taken += 1
            if number >= self.count:
                return
            yield self._file(number)

    def _file(self, number: int) -> File:
        place, rest = divmod(number, self._every)
        if rest == 0 and place < len(self._hostile):
            kind = self._hostile[place]
            name, make = KINDS[kind]
            return kind, name, make(Random(f"{self._seed} {number}"))
        return "damaged", *damaged_file(number, self._seed)


def upload_all(server: LabServer, files: Files, until: float, found: dict[str, Any]) -> None:
    """Upload as one client."""
    client = Client(server.port, 120)
    for kind, name, content in files.take(until):
        began = time.perf_counter()
        outcome = _outcome(client, name, content)
        seconds = time.perf_counter() - began
        if seconds > found["longest_upload"]:
            found["longest_upload"], found["longest_kind"] = seconds, kind
        if outcome.startswith("wrong"):
            log = server.log.read_text("utf-8", "replace")[-800:]
            found["wrong"].append(f"{kind}, {len(content):,} bytes beginning {content[:40]!r}: {outcome}\n{log}")
        else:
            found[outcome] = found.get(outcome, 0) + 1


def _outcome(client: Client, name: str, content: bytes) -> str:
    headers = {"Content-Type": "application/octet-stream"}
    while True:
        try:
            answer = json.loads(client.raw("POST", f"/api/files?name={name}", content, headers))
        except Answered as refusal:
            if refusal.status == 429 and "Many files" in str(refusal):
                time.sleep(0.5)
                continue
            return "sentences" if refusal.status in SENTENCES and _is_sentence(str(refusal)) else f"wrong: {refusal}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"wrong: {error!r}"
        problem = answer.get("problem")
        if problem is None:
            return "data sets"
        return "sentences" if _is_sentence(problem) else f"wrong: {problem!r}"


def _is_sentence(text: str) -> bool:
    return len(text) <= LONGEST_SENTENCE and "\n" not in text and "server's log" not in text


def part(server: LabServer, options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Upload until all is done or the time is up, and add what was seen to `found`."""
    files = Files(options.files, options.each, options.seed, found["done"])
    until = time.monotonic() + options.seconds
    onlooker = Onlooker(server)
    clients = [threading.Thread(target=upload_all, args=(server, files, until, found)) for _ in range(CLIENTS)]
    try:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    finally:
        onlooker.close()
    found["done"], found["of"] = min(files.taken, files.count), files.count
    for name, number in (("longest_wait", 0), ("longest_work", 1)):
        found[name] = max(found[name], max(wait[number] for wait in onlooker.waits))
    found["waits"] += len(onlooker.waits)
    found["late"] += sum(wait > LONGEST_WAIT_S for wait, _ in onlooker.waits)
    found["most_mb"] = max(found["most_mb"], onlooker.most_bytes / 2**20)
    found["load"] = max(found["load"], os.getloadavg()[0])


def report(found: dict[str, Any]) -> int:
    """Print the figures; return 1 where one of them is missed."""
    rows = [
        [f"files uploaded by {CLIENTS} clients at once", f"{found['done']:,} of {found['of']:,}", ""],
        ["of these data sets / sentences", f"{found.get('data sets', 0):,} / {found.get('sentences', 0):,}", ""],
        [f"longest upload ({found['longest_kind']})", f"{found['longest_upload']:.1f} s", f"{LONGEST_UPLOAD_S:.0f} s"],
        ["longest wait of anybody else", f"{found['longest_wait'] * 1000:.0f} ms", f"{LONGEST_WAIT_S * 1000:.0f} ms"],
        ["waits that were longer than that", f"{found['late']:,} of {found['waits']:,}", "0"],
        ["most work of the page's process in one wait", f"{found['longest_work'] * 1000:.0f} ms", ""],
        ["largest size of the page's process", f"{found['most_mb']:.0f} MB", f"{MOST_MB} MB"],
        ["answers that are no sentence", f"{len(found['wrong'])}", "0"],
        [f"load of the machine with {os.cpu_count()} cores", f"{found['load']:.1f}", ""],
    ]
    print(table(["figure", "measured", "to reach"], rows))
    for line in found["wrong"][:20]:
        print(line)
    slow = found["late"] or found["longest_upload"] > LONGEST_UPLOAD_S
    missed = bool(slow or found["wrong"] or found["most_mb"] > MOST_MB)
    print("\nA target is missed." if missed else "\nAll targets are met.")
    return int(missed)


def main() -> int:
    """Upload, print, judge."""
    parser = argparse.ArgumentParser(description="Files built to be slow, large or wrong, uploaded to one real server.")
    parser.add_argument("--files", type=int, default=600, help="small damaged files (default 600)")
    parser.add_argument("--each", type=int, default=12, help="files of every hostile kind (default 12, 300 in all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600.0, help="end this part after so long (default 3600)")
    parser.add_argument("--state", type=Path, help="a file in which to note what was done, to go on from there")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "done": 0, "of": 0, "longest_upload": 0.0, "longest_kind": "", "longest_wait": 0.0, "longest_work": 0.0,
        "waits": 0, "late": 0, "most_mb": 0.0, "wrong": [], "load": 0.0,
    }  # fmt: skip
    if options.state and options.state.exists():
        found |= json.loads(options.state.read_text())
    with tempfile.TemporaryDirectory() as folder:
        server = LabServer(Path(folder), RNNLAB_MAX_STORE_MB="8192")
        server.start()
        try:
            part(server, options, found)
        finally:
            server.stop()
    if options.state:
        options.state.write_text(json.dumps(found))
    return report(found)


if __name__ == "__main__":
    sys.exit(main())
