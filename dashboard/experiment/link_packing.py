"""JSON as a short text for addresses, with a checksum; and back, within bounds, whatever the text is."""

import base64
import binascii
import io
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from dashboard.experiment.link_defaults import FIRST

COMPARE = "compare"  # beside the settings: whether the run has a twin without clipping
OTHERS = "others"  # the same: further runs, each as what differs from the first
MAX_BYTES = 20_000  # of the JSON
_FILE = re.compile(rb"sha256:([0-9a-f]{64})")
_TEXT = re.compile(r"([A-Za-z0-9_-]*)([0-9a-f]{4})(?![A-Za-z0-9_-])")


def compact_json(value: object) -> bytes:
    """Return JSON in UTF-8 without a needless space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def pack(content: bytes) -> str:
    """Return JSON, deflated, in base64url, and four digits of its checksum.

    The checksums of files, which do not shrink, stand behind the compressed text as they are, and NUL bytes for them
    in it.
    """
    machine = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    packed = machine.compress(_FILE.sub(b"\0", content)) + machine.flush()
    packed += bytes.fromhex(b"".join(_FILE.findall(content)).decode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=") + _checksum(content)


def unpack(text: str) -> bytes | None:
    """Undo `pack`; None where the text is not whole. What stands behind a link, as a full stop, is no part of it."""
    match = _TEXT.match(text)
    if match is None:
        return None
    packed, checksum = match.groups()
    machine = zlib.decompressobj(-15, _DICTIONARY)
    try:
        content = machine.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), MAX_BYTES + 1)
    except (zlib.error, binascii.Error):
        return None
    files = io.BytesIO(machine.unused_data)
    content = re.sub(rb"\0", lambda _: b"sha256:" + files.read(32).hex().encode(), content)
    return content if machine.eof and not files.read() and _checksum(content) == checksum else None


def _checksum(content: bytes) -> str:
    return f"{zlib.crc32(content) & 0xFFFF:04x}"


def _dictionary() -> bytes:
    """Return the settings as they stand in links, so that what is told of one is little more than its value."""
    upload, bundled, task = (_nested(FIRST.data[kind]) for kind in ("upload", "bundled", "task"))
    usual = task | _nested(FIRST.settings) | {COMPARE: False}
    return b"".join(map(compact_json, (upload, bundled, usual)))


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in settings.items():
        group, _, name = path.rpartition(".")
        (nested.setdefault(group, {}) if group else nested)[name] = value
    return nested


_DICTIONARY = _dictionary()
