"""Share links: a configuration as a short text for the address bar, and back.

A link reads `1.task-parity~T-20~cell-lstm~hidden-64~end`: the version, then what differs from the defaults, `key-value`
joined by `~`. Every character is one that addresses carry as it is. Where this is longer than a link may be, the same
text is compressed (`1z.` and base64). The mark `end` tells a whole link from one that was cut off.

A link holds a configuration and nothing else: no run, no workspace, no content of a file. An uploaded file is named by
its sha256; whoever opens the link must have the same file.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from dashboard.experiment.link_fields import (
    DATA_MODELS,
    KEYS,
    KIND,
    PATHS,
    ShareError,
    defaults,
    from_text,
    settings,
    to_text,
    values,
)
from rnncore.config import TaskData, TrainConfig, explain

__all__ = ["MAX_CHARS", "VERSION", "Decoded", "ShareError", "decode", "encode"]

VERSION = "1"  # a new one whenever a default changes: a link leaves out what is at its default
MAX_CHARS = 1200  # of any link
_READ_CHARS = 4000  # of a text given to `decode`; the rest is not looked at
_UNPACKED_CHARS = 20_000
_MARKUP = re.compile(r"[\[\]<>*`$!\\#|&]|[^\x20-\uffff]")  # never in our own words; may come from a link
_MAX_PARTS, _MAX_PROBLEMS = 120, 20
_END, _COMPARE = "end", "compare"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a link says: always a valid configuration. problems: a sentence for everything that was not understood.

    needs: ids (`sha256:...`) of the files it is about.
    """

    config: TrainConfig
    compare: bool
    problems: list[str]
    needs: tuple[str, ...] = ()


# ---- to text ----


def encode(config: TrainConfig, compare: bool) -> str:
    """Return the text of a link, at most MAX_CHARS characters.

    compare: whether the run has a twin without clipping.

    Raises:
        ShareError: the names of files and columns are too long for a link, or a file has not been uploaded.
    """
    kind = config.data.kind
    parts = [] if kind == "task" else [f"{KEYS[KIND]}-{kind}"]
    for path, value in values(config):
        if path != KIND and (path not in defaults(kind) or value != defaults(kind)[path]):
            parts.append(f"{KEYS.get(path, path)}-{to_text(path, value)}")
    if not compare:
        parts.append(f"{_COMPARE}-no")
    text = "~".join((*parts, _END))
    whole = f"{VERSION}.{text}"
    if len(whole) > MAX_CHARS:
        whole = f"{VERSION}z.{base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip('=')}"
    if len(whole) > MAX_CHARS:
        raise ShareError(
            f"The names of files and columns in this experiment do not fit into a link of {MAX_CHARS:,} characters; "
            "share its config.json instead."
        )
    return whole


# ---- from text ----


def decode(text: str, has_file: Callable[[str], bool] | None = None) -> Decoded:
    """Return what a link's text says; whatever it is, the answer is a valid configuration and never an exception.

    What is not understood is one sentence in `problems` each, and the default takes its place.
    has_file: tells whether the workspace has an upload (`sha256:...`); if not, that is a problem too.
    """
    reading = _Reading()
    parts = _split(text, reading)
    compare = _compare(parts, reading)
    config = _valid_config(_given(parts, reading), reading)
    needs = _needs(config)
    missing = [] if has_file is None else [file_id for file_id in needs if not has_file(file_id)]
    for file_id in missing[:3]:
        reading.problem(
            f"This link needs the file with the checksum {file_id[:15]}..., which this workspace has not got; "
            "upload it."
        )
    if len(missing) > 3:
        reading.problem(f"It needs {len(missing) - 3:,} more files that this workspace has not got.")
    return Decoded(config, compare, reading.sentences(), needs)


@dataclass(slots=True)
class _Reading:
    """The problems met while a link is read; a hostile one has at most a page of them."""

    problems: list[str] = field(default_factory=list)
    more: int = 0

    def problem(self, sentence: str) -> None:
        """Note a sentence, once."""
        sentence = _MARKUP.sub("?", sentence)
        if sentence in self.problems:
            return
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(sentence)
        else:
            self.more += 1

    def sentences(self) -> list[str]:
        """Return all that was noted."""
        return self.problems + ([f"{self.more:,} more parts of the link were not understood."] if self.more else [])


def _split(text: str, reading: _Reading) -> list[str]:
    """Return the `key-value` parts of a link."""
    text = text.strip()
    if len(text) > _READ_CHARS:
        reading.problem(f"The link has {len(text):,} characters; only the first {_READ_CHARS:,} were read.")
        text = text[:_READ_CHARS]
    match = re.match(r"([0-9]{1,4})(z?)\.", text)
    if match is None:
        reading.problem("The link does not begin as a link of this program does, so nothing in it was used.")
        return []
    version, packed = match.groups()
    if version != VERSION:
        reading.problem(
            f"The link is of format {version}, this program writes format {VERSION}: its settings may have had other "
            "defaults."
        )
    text = text[match.end() :]
    parts = (_unpack(text, reading) if packed else text).split("~")
    if parts[-1] == _END:
        parts.pop()
    elif parts := [part for part in parts if part]:
        reading.problem(f"The link is cut off at its end; its last part {_show(parts.pop())} was left out.")
    else:
        reading.problem("The link is cut off: nothing of it is left.")
    if len(parts) > _MAX_PARTS:
        reading.problem(f"The link has {len(parts):,} parts; only the first {_MAX_PARTS} were read.")
    return parts[:_MAX_PARTS]


def _unpack(text: str, reading: _Reading) -> str:
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
        reading.problem("The link is damaged; what stands before the damage was read.")
    return unpacked[:_UNPACKED_CHARS].decode("ascii", "replace")


def _compare(parts: list[str], reading: _Reading) -> bool:
    """Take the part `compare-...` out; without one, twins are compared."""
    asked = [part for part in parts if part.startswith(f"{_COMPARE}-")]
    for part in asked:
        parts.remove(part)
    if asked and asked[0] not in (f"{_COMPARE}-no", f"{_COMPARE}-yes"):
        reading.problem(f"compare: {_show(asked[0][len(_COMPARE) + 1 :])} is not allowed; allowed: yes or no.")
    return not asked or asked[0] != f"{_COMPARE}-no"


def _given(parts: Sequence[str], reading: _Reading) -> dict[str, Any]:
    """Return path -> value, as pydantic takes it, of all parts that name a setting; the kind of data comes first."""
    given: dict[str, Any] = {KIND: "task"}
    texts: dict[str, str] = {}
    for part in parts:
        key, dash, value = part.partition("-")
        path = PATHS.get(key, key)
        if not dash or path not in settings():
            reading.problem(f"There is no setting {_show(key)}.")
        elif path in texts:
            reading.problem(f"The setting {_show(key)} is there twice; the first one is used.")
        else:
            texts[path] = value
    kind = texts.pop(KIND, "task")
    if kind in DATA_MODELS:
        given[KIND] = kind
    else:
        reading.problem(f"data: {_show(kind)} is not allowed; allowed: {', '.join(DATA_MODELS)}.")
    for path, text in texts.items():
        name = path.removeprefix("data.")
        if name != path and name not in DATA_MODELS[given[KIND]].model_fields:
            reading.problem(f"The setting {_show(KEYS.get(path, path))} does not belong to this kind of data.")
            continue
        try:
            given[path] = from_text(path, text)
        except ValueError:
            reading.problem(f"{path.removeprefix('data.')}: {_show(text)} cannot be read.")
    return given


def _valid_config(given: dict[str, Any], reading: _Reading) -> TrainConfig:
    """Return the config of `given`, left out what is not valid, with a sentence for each."""
    while True:
        error = _error(given)
        if error is None:
            return TrainConfig.model_validate(_nested(given))
        culprits = _culprits(error, given)
        reading.problem(_sentence(error, culprits))
        for path in culprits:
            del given[path]


def _error(given: Mapping[str, Any]) -> ValidationError | None:
    try:
        TrainConfig.model_validate(_nested(given))
    except ValidationError as error:
        return error
    return None


def _nested(given: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for path, value in given.items():
        group, dot, name = path.partition(".")
        if dot:
            config.setdefault(group, {})[name] = value
        else:
            config[path] = value
    return config


def _culprits(error: ValidationError, given: Mapping[str, Any]) -> list[str]:
    """Return the paths to leave out so that the first error goes away: one, where one is enough."""
    place = [str(part) for part in error.errors(include_url=False)[0]["loc"]]
    if place[:1] == ["data"]:
        place[1:2] = []  # the kind of data
    path = ".".join(place[:2])
    if path in given:
        return [path]
    inside = [each for each in given if each != KIND and each.startswith(path and f"{path}.")]
    before = error.errors(include_url=False)[0]["msg"]
    for each in sorted(inside, key=list(settings()).index, reverse=True):  # what comes later depends on the earlier
        left = _error({other: value for other, value in given.items() if other != each})
        if left is None or left.errors(include_url=False)[0]["msg"] != before:
            return [each]
    return [each for each in given if each.startswith("data.")] if place[:1] == ["data"] else list(given)


def _sentence(error: ValidationError, culprits: Sequence[str]) -> str:
    text = explain(error).split(" (and ")[0].rstrip(".")
    return text[:300] + (
        "; the default data are used." if KIND in culprits else "; " + _list(culprits) + " was left out."
    )


def _list(paths: Sequence[str]) -> str:
    names = [path.removeprefix("data.") for path in paths]
    return ", ".join(names[:3]) + (" and more" if len(names) > 3 else "")


def _needs(config: TrainConfig) -> tuple[str, ...]:
    data: Any = config.data
    if isinstance(data, TaskData):
        return ()
    files = [getattr(data, "file", ""), *(each.file for each in getattr(data, "files", ()))]
    return tuple(dict.fromkeys(file for file in files if file))


def _show(text: str) -> str:
    """Return a piece of a link as it may be shown: quoted, short, printable."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
