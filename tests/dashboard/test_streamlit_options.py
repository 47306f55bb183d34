"""Streamlit's options: the same values as it reads itself, without its lock."""

import threading
from collections.abc import Iterator

import pytest
from streamlit import config

from dashboard.server.streamlit_options import read_options_without_lock


@pytest.fixture(autouse=True)
def _replaced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("get_option", "get_options_for_section"):
        monkeypatch.setattr(config, name, getattr(config, name))  # put back afterwards
    return


def test_options_are_those_that_streamlit_reads() -> None:
    names = list(config.get_config_options())
    sections = {name.rpartition(".")[0] for name in names}
    own = {name: config.get_option(name) for name in names}
    own_sections = {section: config.get_options_for_section(section) for section in sections}
    read_options_without_lock()
    assert {name: config.get_option(name) for name in names} == own
    assert {section: config.get_options_for_section(section) for section in sections} == own_sections
    with pytest.raises(RuntimeError, match=r'"server\.nothing" not defined'):
        config.get_option("server.nothing")
    assert config.get_options_for_section("nothing") == {}


def test_a_change_is_seen() -> None:
    read_options_without_lock()
    before = config.get_option("client.toolbarMode")
    config.set_option("client.toolbarMode", "minimal")
    try:
        assert config.get_option("client.toolbarMode") == "minimal"
    finally:
        config.set_option("client.toolbarMode", before)


def test_nobody_waits_for_whoever_holds_the_lock() -> None:
    read_options_without_lock()
    read: list[object] = []
    with config._config_lock:
        reader = threading.Thread(
            target=lambda: read.extend((config.get_option("server.port"), config.get_options_for_section("server")))
        )
        reader.start()
        reader.join(20)
        assert len(read) == 2
