"""`make class`: the address that students type, its QR code, and the settings of the server that follows."""

import os
import sys
from typing import Any

import pytest

from dashboard import for_a_class


def test_it_says_the_address_with_a_qr_code_and_becomes_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    became: list[Any] = []
    monkeypatch.setenv("LAB_NAME", "lab.school.example")
    monkeypatch.delenv("STREAMLIT_SERVER_ADDRESS", raising=False)
    monkeypatch.delenv("STREAMLIT_SERVER_ALLOWED_HOSTS", raising=False)
    monkeypatch.setattr(os, "execve", lambda *call: became.append(call))
    for_a_class.main()
    said = capsys.readouterr().out
    assert "http://lab.school.example:8501/class" in said
    assert len([line for line in said.splitlines() if set(line.strip()) & set("█▀▄")]) > 10
    ((program, command, environment),) = became
    assert (program, command[1:4]) == (sys.executable, ["-m", "streamlit", "run"])
    assert environment["STREAMLIT_SERVER_ADDRESS"] == "0.0.0.0"
    assert "lab.school.example" in environment["STREAMLIT_SERVER_ALLOWED_HOSTS"].split()


def test_without_a_network_it_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(self: Any, address: Any) -> None:
        raise OSError

    monkeypatch.setattr(for_a_class.socket, "socket", type("Probe", (for_a_class.socket.socket,), {"connect": nowhere}))
    assert for_a_class.network_address() == "127.0.0.1"
