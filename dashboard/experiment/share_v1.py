"""Reads links of format 1, which is no longer written: `1.task-parity~T-20~cell-lstm~hidden-64~end`.

After the version stands what differs from the defaults of the format, `key-value` joined by `~`; where that was longer
than a link may be, the same text is compressed (`1z.` and base64). The mark `end` tells a whole link from one that was
cut off. Nothing here changes with the settings of today: old links mean what they meant.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Sequence
from typing import Any

from dashboard.experiment.link_defaults import FIRST
from dashboard.experiment.link_repair import KIND, Problems, flag, quoted

_UNPACKED_CHARS = 20_000
_MAX_PARTS = 120
_END, _COMPARE = "end", "compare"

# Key in links -> path of the setting, by how its value is written. Any other setting goes by its path.
_NUMBERS = {
    "T": "data.seq_len", "delay": "data.delay", "symbols": "data.symbols", "window": "data.window",
    "horizon": "data.horizon", "val": "data.val_fraction", "stride": "data.stride", "max_length": "data.max_length",
    "hidden": "model.hidden_size", "layers": "model.num_layers", "dropout": "model.dropout",
    "radius": "init.spectral_radius", "std": "init.std", "forget_bias": "init.forget_bias", "chrono": "init.chrono",
    "lr": "optimizer.learning_rate", "momentum": "optimizer.momentum", "nesterov": "optimizer.nesterov",
    "weight_decay": "optimizer.weight_decay", "warmup": "schedule.warmup_steps", "decay": "schedule.decay",
    "decay_steps": "schedule.decay_steps", "final": "schedule.final_fraction", "threshold": "clip.threshold",
    "percentile": "clip.percentile", "agc": "clip.agc_factor", "omega": "omega", "truncation": "truncation",
    "patience": "early_stopping", "steps": "steps", "batch": "batch_size", "seed": "seed", "eval_every": "eval_every",
    "profile_every": "profile_every",
}  # fmt: skip
_TEXTS = {
    "data": KIND, "task": "data.task", "series": "data.name", "target": "data.target", "layout": "data.layout",
    "id": "data.id", "time": "data.time", "target_kind": "data.target_kind", "missing": "data.missing",
    "delimiter": "data.delimiter", "decimal": "data.decimal", "header": "data.header", "cell": "model.cell",
    "nonlinearity": "model.nonlinearity", "readout": "model.readout", "init": "init.scheme", "loss": "loss",
    "optimizer": "optimizer.name", "schedule": "schedule.name", "clip": "clip.method", "dtype": "dtype",
    "device": "device",
}  # fmt: skip
_LISTS = {"features": "data.features", "targets": "data.targets"}
_FILES = {"file": "data.file", "files": "data.files"}
_PATHS = _NUMBERS | _TEXTS | _LISTS | _FILES
_KEYS = {path: key for key, path in _PATHS.items()}
_NEEDED = {"csv": ("data.file", "data.target"), "upload": ("data.files",)}  # settings without a default


def read(text: str, packed: bool, problems: Problems) -> tuple[dict[str, Any], bool]:
    """Return what a link says after its version: path -> value of the settings, and whether twins are compared."""
    parts = (_unpack(text, problems) if packed else text).split("~")
    if parts[-1] == _END:
        parts.pop()
    elif parts := [part for part in parts if part]:
        problems.note(f"The link is cut off at its end; its last part {quoted(parts.pop())} was left out.")
    else:
        problems.note("The link is cut off: nothing of it is left.")
    if len(parts) > _MAX_PARTS:
        problems.note(f"The link has {len(parts):,} parts; only the first {_MAX_PARTS} were read.")
    parts = parts[:_MAX_PARTS]
    compare = _compare(parts, problems)
    return _given(parts, problems), compare


def _unpack(text: str, problems: Problems) -> str:
    """Decompress as much as can be, within bounds."""
    unpacked = b""
    try:
        text = re.split("[^A-Za-z0-9_-]", text, maxsplit=1)[0]
        content = base64.urlsafe_b64decode(text[: len(text) // 4 * 4 if len(text) % 4 == 1 else None] + "==")
        machine = zlib.decompressobj()
        for byte in content:  # one by one: what stands before a fault can still be read
            unpacked += machine.decompress(bytes([byte]), _UNPACKED_CHARS)
            if len(unpacked) > _UNPACKED_CHARS:
                break
    except (zlib.error, binascii.Error):
        problems.note("The link is damaged; what stands before the damage was read.")
    return unpacked[:_UNPACKED_CHARS].decode("ascii", "replace")


def _compare(parts: list[str], problems: Problems) -> bool:
    """Take the part `compare-...` out; without one, twins are compared."""
    asked = [part for part in parts if part.startswith(f"{_COMPARE}-")]
    for part in asked:
        parts.remove(part)
    words = asked[0][len(_COMPARE) + 1 :] if asked else "yes"
    return flag({"yes": True, "no": False}.get(words, words), problems)


def _given(parts: Sequence[str], problems: Problems) -> dict[str, Any]:
    """Return path -> value, as pydantic takes it, of all parts that name a setting; the kind of data comes first."""
    texts: dict[str, str] = {}
    for part in parts:
        key, dash, value = part.partition("-")
        path = _PATHS.get(key, key)
        if not dash or path not in _KEYS:
            problems.note(f"There is no setting {quoted(key)}.")
        elif path in texts:
            problems.note(f"The setting {quoted(key)} is there twice; the first one is used.")
        else:
            texts[path] = value
    kind = texts.pop(KIND, "task")
    if kind not in FIRST.data:
        problems.note(f"data: {quoted(kind)} is not allowed; allowed: {', '.join(FIRST.data)}.")
        kind = "task"
    given: dict[str, Any] = {KIND: kind}
    known = {*FIRST.of(kind), *_NEEDED.get(kind, ())}
    for path, text in texts.items():
        if path not in known:
            problems.note(f"The setting {quoted(_KEYS[path])} does not belong to this kind of data.")
            continue
        try:
            given[path] = _value(path, text)
        except ValueError:
            problems.note(f"{path.removeprefix('data.')}: {quoted(text)} cannot be read.")
    return given


def _value(path: str, text: str) -> Any:
    """Return the value that a text stands for; numbers and yes/no stay texts: pydantic reads and checks them."""
    if text == ".none":
        return None
    key = _KEYS[path]
    if key == "file":
        return _file_id(text)
    if key == "files":
        items = _items(text)
        if len(items) % 2:
            raise ValueError
        pairs = zip(items[::2], items[1::2], strict=True)
        return [{"file": _file_id(file), "name": _unescape(name)} for file, name in pairs]
    if key in _LISTS:
        return [_unescape(item) for item in _items(text)]
    return _unescape(text) if key in _TEXTS else text


def _items(text: str) -> list[str]:
    *items, rest = text.split("..")
    if rest:
        raise ValueError
    return items


def _file_id(text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9_-]{43}", text):
        raise ValueError
    return "sha256:" + base64.urlsafe_b64decode(text + "=").hex()


def _unescape(text: str) -> str:
    if not re.fullmatch(r"(?:[A-Za-z0-9_-]|\.[0-9A-F]{2})*", text):
        raise ValueError
    return re.sub(rb"\.([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), text.encode()).decode("utf-8")
