"""`make class`: the lab for everybody on this network, with the address that students type, and as a QR code."""

import os
import socket
import sys
from pathlib import Path

import segno

PORT = os.environ.get("STREAMLIT_SERVER_PORT", "8501")


def network_address() -> str:
    """Return this machine's address on the network that leads outside; the loopback address where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: the system only chooses the way
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def environment(host: str) -> dict[str, str]:
    """Return the settings by which the server listens to the network and answers to this machine's names alone."""
    names = dict.fromkeys((host, socket.gethostname().lower(), "localhost", "127.0.0.1"))
    given = {name: value for name, value in os.environ.items() if value}
    return {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "STREAMLIT_SERVER_ALLOWED_HOSTS": " ".join(names)} | given


def main() -> None:
    """Print the address and its QR code, then become the server."""
    host = os.environ.get("LAB_NAME") or network_address()
    address = f"http://{host}:{PORT}/class"
    sys.stdout.write(f"\nStudents open  {address}\n\n")
    segno.make(address, error="m").terminal(compact=True)
    sys.stdout.write(f"\nThe teacher opens  http://{host}:{PORT}/  and there a class.\n\n")
    sys.stdout.flush()
    app = str(Path(__file__).with_name("app.py"))
    os.execve(sys.executable, [sys.executable, "-m", "streamlit", "run", app], environment(host))


if __name__ == "__main__":
    main()
