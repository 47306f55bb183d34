"""Sessions that flood the page with reruns, or open page after page, while somebody else looks on.

`python -m benchmarks flooding [SECONDS]`: for how long others wait meanwhile, beside their waits with nobody there.
What counts is the processor time that the page's process takes in a wait: on a busy machine the waits are longer.
"""

import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from benchmarks.lab_server import LabServer
from benchmarks.timing import table
from benchmarks.uploads import LONGEST_WAIT_S, Onlooker

SESSIONS, RERUNS, BEFORE_LEAVING = 10, 500, 60
PAGES = ("", "lessons", "glossary", "history", "studies", "microscope")
OVER = (WebSocketException, OSError, TimeoutError)
Attack = Callable[[int, int, float], None]  # port, number of the session, until when (time.monotonic)


def rerun(number: int) -> bytes:
    """Return the message by which a browser has the script of a page run."""
    message = BackMsg()
    message.rerun_script.page_name = PAGES[number % len(PAGES)]
    return message.SerializeToString()


def open_socket(port: int, address: int = 0) -> ClientConnection:
    """Open a page's socket, from one of the addresses of this machine."""
    url, source = f"ws://127.0.0.1:{port}/_stcore/stream", (f"127.0.0.{2 + address}", 0)
    return connect(url, subprotocols=[Subprotocol("streamlit")], max_size=None, legacy=True, source_address=source)


# --- what the sessions do ---------------------------------------------------------------------------------------------


def nothing(port: int, number: int, until: float) -> None:
    """Wait."""
    time.sleep(max(0.0, until - time.monotonic()))


def flood(port: int, number: int, until: float, address: int = 0) -> None:
    """Send reruns as fast as they are taken, and throw away what is answered."""
    with suppress(*OVER), open_socket(port, address) as socket:
        threading.Thread(target=_throw_away, args=(socket,), daemon=True).start()
        for each in range(RERUNS):
            if time.monotonic() > until:
                return
            socket.send(rerun(number + each))
        nothing(port, number, until)


def flood_from_everywhere(port: int, number: int, until: float) -> None:
    """Do so from an address of its own."""
    flood(port, number, until, address=number)


def open_page_after_page(port: int, number: int, until: float) -> None:
    """Open a page, and leave when its script has ended; again and again."""
    while time.monotonic() < until:
        with suppress(*OVER), open_socket(port) as socket:
            socket.send(rerun(number))
            while not has_ended(socket.recv(timeout=5)):
                pass


def leave_at_once(port: int, number: int, until: float) -> None:
    """Open a page, send some reruns, and leave; again and again."""
    while time.monotonic() < until:
        with suppress(*OVER), open_socket(port) as socket:
            for each in range(BEFORE_LEAVING):
                socket.send(rerun(number + each))


ATTACKS: dict[str, Attack] = {
    "nobody there": nothing,
    f"{SESSIONS} sessions with {RERUNS} reruns each": flood,
    "the same from as many addresses": flood_from_everywhere,
    f"{SESSIONS} clients open page after page": open_page_after_page,
    f"{SESSIONS} clients open a page, send {BEFORE_LEAVING} reruns and leave": leave_at_once,
    "nobody there, afterwards": nothing,
}


def has_ended(content: str | bytes) -> bool:
    """Tell whether a message from the server says that the script has ended."""
    message = ForwardMsg()
    message.ParseFromString(content if isinstance(content, bytes) else content.encode())
    return message.WhichOneof("type") == "script_finished"


def _throw_away(socket: ClientConnection) -> None:
    with suppress(*OVER):
        for _ in socket:
            pass


# --- what others feel -------------------------------------------------------------------------------------------------


def attack(what: Attack, port: int, seconds: float) -> None:
    """Do something in ten sessions at once, in this process."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=what, args=(port, number, until)) for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def waits_during(server: LabServer, what: Attack, seconds: float) -> list[tuple[float, float]]:
    """Return others' waits and the work of the page's process in each (seconds), while another process attacks."""
    attacker = multiprocessing.get_context("fork").Process(target=attack, args=(what, server.port, seconds))
    attacker.start()
    onlooker = Onlooker(server)
    try:
        attacker.join()
    finally:
        onlooker.close()
    return onlooker.waits


def row(name: str, waits: list[tuple[float, float]]) -> list[str]:
    """Return a row of the table, times in ms."""
    times = [list(each) for each in zip(*waits, strict=True)]
    figures = [figure for each in times for figure in (statistics.quantiles(each, n=20)[-1], max(each))]
    return [name, f"{statistics.median(times[0]) * 1000:.0f}", *(f"{figure * 1000:.0f}" for figure in figures)]


def main() -> int:
    """Look on without and with floods; return 1 where somebody waits too long."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    rows, missed = [], False
    with tempfile.TemporaryDirectory() as folder:
        server = LabServer(Path(folder))
        server.start()
        try:
            for name, what in ATTACKS.items():
                waits = waits_during(server, what, seconds)
                missed |= max(work for _, work in waits) > LONGEST_WAIT_S
                rows.append(row(name, waits))
        finally:
            server.stop()
    print(table(["", "wait, ms", "p95", "longest", "work in it, p95", "most work"], rows))
    print(f"\nLoad of the machine with {os.cpu_count()} cores: {os.getloadavg()[0]:.1f}.")
    print("A target is missed." if missed else "All targets are met.")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
