"""Streamlit's options are read without its lock: scripts that read hundreds of them kept the event loop waiting for it.

Each delta of a script reads an option, and so does each message to a page, about thirty times: with ten sessions that
are told to run their scripts again and again, others were answered after seconds. Options are set before the server
starts; reading one is one look into a dict, which needs no lock.
"""

from typing import Any

from streamlit import config


def read_options_without_lock() -> None:
    """Replace the two functions by which Streamlit reads its options."""
    config.get_option = _option
    config.get_options_for_section = _section


def _option(key: str) -> Any:
    option = config.get_config_options().get(key)
    if option is None:
        raise RuntimeError(f'Config key "{key}" not defined.')
    return option.value


def _section(section: str) -> dict[str, Any]:
    options = list(config.get_config_options().values())
    return {option.name: option.value for option in options if option.section == section}
