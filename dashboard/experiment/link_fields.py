"""The fields of a configuration as share links write them: their keys, their values as text, and back."""

import base64
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rnncore.config import DataConfig, TrainConfig

KIND = "data.kind"
_UPLOAD_ID = re.compile(r"sha256:[0-9a-f]{64}")

# Path of a field -> its key in links. Never rename a key; a field without one goes by its path.
KEYS = {
    "data.kind": "data", "data.task": "task", "data.seq_len": "T", "data.delay": "delay", "data.symbols": "symbols",
    "data.name": "series", "data.window": "window", "data.horizon": "horizon", "data.val_fraction": "val",
    "data.file": "file", "data.target": "target", "data.files": "files", "data.layout": "layout",
    "data.features": "features", "data.targets": "targets", "data.id": "id", "data.time": "time",
    "data.target_kind": "target_kind", "data.missing": "missing", "data.stride": "stride",
    "data.max_length": "max_length", "data.delimiter": "delimiter", "data.decimal": "decimal", "data.header": "header",
    "model.cell": "cell", "model.nonlinearity": "nonlinearity", "model.hidden_size": "hidden",
    "model.num_layers": "layers", "model.dropout": "dropout", "model.readout": "readout",
    "init.scheme": "init", "init.spectral_radius": "radius", "init.std": "std", "init.forget_bias": "forget_bias",
    "init.chrono": "chrono", "loss": "loss",
    "optimizer.name": "optimizer", "optimizer.learning_rate": "lr", "optimizer.momentum": "momentum",
    "optimizer.nesterov": "nesterov", "optimizer.weight_decay": "weight_decay",
    "schedule.name": "schedule", "schedule.warmup_steps": "warmup", "schedule.decay": "decay",
    "schedule.decay_steps": "decay_steps", "schedule.final_fraction": "final",
    "clip.method": "clip", "clip.threshold": "threshold", "clip.percentile": "percentile", "clip.agc_factor": "agc",
    "omega": "omega", "truncation": "truncation", "early_stopping": "patience", "steps": "steps",
    "batch_size": "batch", "seed": "seed", "eval_every": "eval_every", "profile_every": "profile_every",
    "dtype": "dtype", "device": "device",
}  # fmt: skip
PATHS = {key: path for path, key in KEYS.items()}


class _OldCsv(BaseModel):
    """The fields of the kind of data "csv" of earlier versions, which is read as an upload."""

    kind: Literal["csv"] = "csv"
    file: str
    target: str
    window: int = 50
    horizon: int = 1
    val_fraction: float = 0.2


DATA_MODELS: dict[str, type[BaseModel]] = {
    model.model_fields["kind"].default: model for model in (*get_args(get_args(DataConfig)[0]), _OldCsv)
}


class ShareError(ValueError):
    """A configuration that no link can carry; the message is one plain sentence."""


def values(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of every field, groups taken apart."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from values(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


@cache
def defaults(kind: str) -> Mapping[str, Any]:
    """Return path -> default of every field that has one, with this kind of data."""
    own = {path: value for path, value in values(TrainConfig()) if not path.startswith("data.")}
    fields = DATA_MODELS[kind].model_fields.items()
    return own | {f"data.{name}": info.default for name, info in fields if not info.is_required()}


def to_text(path: str, value: Any) -> str:
    """Write the value of a field with characters that addresses carry. Raises ShareError."""
    if value is None:
        return ".none"
    if path == "data.file":
        return _pack_id(value)
    if path == "data.files":
        return "".join(f"{_pack_id(each.file)}..{_escape(each.name)}.." for each in value)
    if isinstance(value, tuple):
        return "".join(f"{_escape(item)}.." for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return (str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)).replace("+", "")
    return str(value) if isinstance(value, int) else _escape(value)


def _pack_id(file_id: str) -> str:
    if not _UPLOAD_ID.fullmatch(file_id):
        raise ShareError("This experiment reads a file of one machine; a link can only name a file that was uploaded.")
    return base64.urlsafe_b64encode(bytes.fromhex(file_id[7:])).decode().rstrip("=")


def _escape(text: str) -> str:
    """Keep letters, digits, _ and -; write any other byte of the UTF-8 text as .XX."""
    plain = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    return "".join(chr(byte) if byte in plain else f".{byte:02X}" for byte in text.encode("utf-8", "replace"))


@cache
def settings() -> Mapping[str, str]:
    """Return path -> how its value is written: number, text, texts, file or files; in the order of the config."""
    fields = [(f"data.{name}", info) for model in DATA_MODELS.values() for name, info in model.model_fields.items()]
    fields += [pair for pair in _annotated(TrainConfig) if pair[0] != "data"]
    special = {"data.file": "file", "data.files": "files"}
    return {path: special.get(path) or _form(info.annotation) for path, info in fields}


def _annotated(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _annotated(info.annotation, f"{name}.")
        else:
            yield prefix + name, info


def _form(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is tuple:
        return "texts"
    if annotation is str or origin is Literal:
        return "text"
    forms = {_form(each) for each in get_args(annotation)}
    return next((form for form in ("texts", "text") if form in forms), "number")


def from_text(path: str, text: str) -> Any:
    """Undo `to_text`; raises ValueError. Numbers and yes/no stay texts: pydantic reads and checks them."""
    if text == ".none":
        return None
    form = settings()[path]
    if form == "file":
        return _unpack_id(text)
    if form == "files":
        items = _items(text)
        if len(items) % 2:
            raise ValueError
        return [
            {"file": _unpack_id(file), "name": _unescape(name)}
            for file, name in zip(items[::2], items[1::2], strict=True)
        ]
    if form == "texts":
        return [_unescape(item) for item in _items(text)]
    return _unescape(text) if form == "text" else text


def _items(text: str) -> list[str]:
    *items, rest = text.split("..")
    if rest:
        raise ValueError
    return items


def _unpack_id(text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9_-]{43}", text):
        raise ValueError
    return "sha256:" + base64.urlsafe_b64decode(text + "=").hex()


def _unescape(text: str) -> str:
    if not re.fullmatch(r"(?:[A-Za-z0-9_-]|\.[0-9A-F]{2})*", text):
        raise ValueError
    return re.sub(rb"\.([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), text.encode()).decode("utf-8")
