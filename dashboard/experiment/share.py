"""Share links: a configuration as a short text for the address bar, and back.

A link reads `2.q1YqzkgtyU...`: the version, what differs from the defaults as compressed JSON in base64url, and four
digits of a checksum. A default that changes makes another version necessary: a link leaves out what is at its
default, and is read with the defaults of its own version (`DEFAULTS`).

A link holds a configuration and nothing else: no run, no workspace, no content of a file. An uploaded file is named by
its sha256; whoever opens the link must have the same file.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from dashboard.experiment import share_v1
from dashboard.experiment.groups import MOST, difference
from dashboard.experiment.link_defaults import FIRST, SECOND
from dashboard.experiment.link_packing import COMPARE, MAX_BYTES, OTHERS, compact_json, pack, unpack
from dashboard.experiment.link_repair import Problems, flag, other_configs, quoted, valid_config
from dashboard.experiment.setting_paths import values
from rnncore.config import DataConfig, TaskData, TrainConfig, files_of
from rnncore.words import many

__all__ = ["MAX_CHARS", "PARAMETER", "VERSION", "Decoded", "ShareError", "decode", "encode"]

PARAMETER = "config"  # of the address of a page, holds a link's text
VERSION = "2"
DEFAULTS = {"1": FIRST, "2": SECOND}
MAX_CHARS = 1200  # of any link
_READ_CHARS = 4000  # of a text given to `decode`; the rest is not looked at
_UPLOAD_ID = re.compile(r"sha256:[0-9a-f]{64}")


class ShareError(ValueError):
    """A configuration that no link can carry; the message is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a link says: always a valid configuration. problems: a sentence for everything that was not understood.

    needs: ids (`sha256:...`) of the files it is about. others: further runs of the group.
    """

    config: TrainConfig
    compare: bool
    problems: list[str]
    needs: tuple[str, ...] = ()
    others: tuple[TrainConfig, ...] = ()


# ---- to text ----


def encode(config: TrainConfig, compare: bool, others: Sequence[TrainConfig] = ()) -> str:
    """Return the text of a link, at most MAX_CHARS characters.

    compare: whether the run has a twin without clipping. others: further runs of its group.

    Raises:
        ShareError: the names of files and columns are too long for a link, or a file has not been uploaded.
    """
    if not all(_UPLOAD_ID.fullmatch(file) for each in (config, *others) for file in files_of(each.data)):
        raise ShareError("This experiment reads a file of one machine; a link can only name a file that was uploaded.")
    said = config.model_dump(mode="json", exclude_defaults=True)
    if config.data.kind != "task":
        said["data"] = {"kind": config.data.kind} | said["data"]
        _say_what_links_mean_otherwise(said["data"], config.data)
    said |= {} if compare else {COMPARE: False}
    content = compact_json(said | ({OTHERS: [difference(config, each) for each in others]} if others else {}))
    text = f"{VERSION}.{pack(content)}"
    if len(text) > MAX_CHARS or len(content) > MAX_BYTES:
        raise ShareError(
            f"The names of files and columns in this experiment do not fit into a link of {MAX_CHARS:,} characters; "
            "share its config.json instead."
        )
    return text


def _say_what_links_mean_otherwise(said: dict[str, Any], data: DataConfig) -> None:
    """Exchange what is left out by the defaults of today for what a link leaves out by its own table."""
    for path, meant in DEFAULTS[VERSION].data[data.kind].items():
        name = path.removeprefix("data.")
        field = type(data).model_fields[name]
        if name != "kind" and not field.is_required() and meant != field.default:
            said.pop(name, None)
            if (value := getattr(data, name)) != meant:
                said[name] = value


# ---- from text ----


def decode(text: str, has_file: Callable[[str], bool] | None = None) -> Decoded:
    """Return what a link's text says; whatever it is, the answer is a valid configuration and never an exception.

    What is not understood is one sentence in `problems` each, and the default takes its place.
    has_file: tells whether the workspace has an upload (`sha256:...`); if not, that is a problem too.
    """
    problems = Problems()
    version, given, compare, others = _read(text.strip(), problems)
    config = valid_config(given, DEFAULTS[version], problems)
    runs = other_configs(config, others, MOST - 1 - compare, problems)
    needs = tuple(dict.fromkeys(file for each in (config, *runs) for file in files_of(each.data)))
    if paths := [file for file in needs if not _UPLOAD_ID.fullmatch(file)]:  # on this machine, not of the workspace
        problems.note(f"file: {quoted(paths[0])} is no uploaded file; the default data are used.")
        config, needs, runs = config.model_copy(update={"data": TaskData()}), (), ()
    missing = [] if has_file is None else [file_id for file_id in needs if not has_file(file_id)]
    for file_id in missing[:3]:
        problems.note(
            f"This link needs the file with the checksum {file_id[:15]}..., which this workspace has not got; "
            "upload it."
        )
    if len(missing) > 3:
        problems.note(f"It needs {many(len(missing) - 3, 'more file')} that this workspace has not got.")
    return Decoded(config, compare, problems.sentences(), needs, runs)


def _read(text: str, problems: Problems) -> tuple[str, dict[str, Any], bool, object]:
    """Return version, path -> value of the settings, whether twins are compared, and what is said of other runs."""
    if len(text) > _READ_CHARS:
        problems.note(f"The link has {len(text):,} characters; only the first {_READ_CHARS:,} were read.")
        text = text[:_READ_CHARS]
    match = re.match(r"(1z|[0-9]{1,4})\.", text)
    if match is None:
        problems.note("The link does not begin as a link of this program does, so nothing in it was used.")
        return VERSION, {}, True, []
    version, text = match[1], text[match.end() :]
    if version in ("1", "1z"):
        return "1", *share_v1.read(text, version == "1z", problems), []
    if version != VERSION:
        problems.note(
            f"The link is of format {version}, this program reads formats up to {VERSION}; nothing in it was used."
        )
        return VERSION, {}, True, []
    content = unpack(text)
    try:
        said = None if content is None else from_json(content)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        problems.note("The link is cut off or damaged, so nothing in it was used; ask for the whole link.")
        return version, {}, True, []
    compare = flag(said.pop(COMPARE, True), problems)
    others = said.pop(OTHERS, [])
    return version, _given(said, problems), compare, others


def _given(said: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return path -> value of the settings in a link."""
    groups = {path.partition(".")[0] for path, _ in values(TrainConfig()) if "." in path}
    given: dict[str, Any] = {}
    for name, content in said.items():
        if "." in name:
            problems.note(f"There is no setting {quoted(name)}.")
        elif isinstance(content, dict) and name in groups:
            given |= {f"{name}.{inner}": value for inner, value in content.items()}
        else:
            given[name] = content
    return given
