"""The settings in words: as the page docs/settings.md, and as a list of what is in force here."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, cast

from pydantic.fields import FieldInfo

from rnncore.runs.settings import Settings, env_name, kind_of, range_of

INTRODUCTION = """\
# Settings

Each setting is an environment variable; an empty one counts as not set. A value that cannot be used ends the server at
its start with one sentence. `python -m rnncore settings` lists the values that are in force. Beside these settings,
`RNNLAB_LOG_LEVEL` says how much the server logs (`INFO`).

*This page is written by `python -m rnncore settings --markdown > docs/settings.md`; a test checks that it is current.*
"""


def markdown() -> str:
    """Return docs/settings.md, the same on every machine: a table for each group of settings."""
    return "\n".join(_lines())


def listing(settings: Settings) -> str:
    """Return each variable with its value and its meaning."""
    fields = Settings.model_fields.items()
    return "".join(f"{env_name(name)}={getattr(settings, name)}\n    {field.description}\n" for name, field in fields)


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    for group, fields in groupby(Settings.model_fields.items(), lambda item: _about(item[1])["group"]):
        yield f"## {group}\n\n| variable | default | allowed | meaning |\n|---|---|---|---|"
        for name, field in fields:
            yield f"| `{env_name(name)}` | {_default(field)} | {_allowed(field)} | {field.description} |"
        yield ""


def _about(field: FieldInfo) -> dict[str, str]:
    return cast(dict[str, str], field.json_schema_extra)


def _default(field: FieldInfo) -> str:
    """The default in words where it depends on the machine."""
    value: Any = field.default
    if isinstance(value, float):
        return f"{value:g}"
    return _about(field)["default"] or str(value) or "none"


def _allowed(field: FieldInfo) -> str:
    return f"{kind_of(field)}, {range_of(field)}".removeprefix("a ") if kind_of(field) else _about(field)["allowed"]
