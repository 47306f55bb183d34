"""Where this server is reached, noted in its data folder for `rnnlab view`."""

from contextlib import suppress
from pathlib import Path

from streamlit import config

from rnncore.runs.app_command import ADDRESS_FILE

_EVERYWHERE = ("", "0.0.0.0", "::")


def own_address() -> str:
    """Return the address of the pages as this machine reaches them."""
    host = str(config.get_option("server.address") or "")
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    host = "localhost" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{config.get_option('server.port')}{f'/{path}' if path else ''}"


def note_address(data_dir: Path) -> None:
    """Note it; a folder that cannot be written has been told of elsewhere."""
    with suppress(OSError):
        (data_dir / ADDRESS_FILE).write_text(own_address(), "utf-8")


def forget_address(data_dir: Path) -> None:
    """Take the note back."""
    with suppress(OSError):
        (data_dir / ADDRESS_FILE).unlink(missing_ok=True)
