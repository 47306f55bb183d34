"""A study as a link: its JSON, deflated, with a checksum, in the address of the page."""

from typing import Any

from dashboard.experiment.link_packing import compact_json, pack, unpack
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.studies.config import StudyConfig, read_study_text

PARAMETER = "plan"
LONGEST = 6000  # characters of a link that browsers and chat programs carry
BROKEN = "This link to a study is not whole; ask for it again, or for the study as a file."


def link_of(study: StudyConfig) -> str | None:
    """Return the study as text for an address, without what is as usual; None where it would be too long."""
    body = study.model_dump(mode="json", by_alias=True, exclude_none=True)
    body["base"] = _different(body["base"], TrainConfig().model_dump(mode="json"))
    text = pack(compact_json(body))
    return text if len(text) <= LONGEST else None


def study_of(text: str) -> StudyConfig:
    """Undo `link_of`. Raises ConfigError, one sentence."""
    content = unpack(text[: 4 * LONGEST])
    if content is None:
        raise ConfigError(BROKEN)
    try:
        return read_study_text(content.decode(), "link")
    except UnicodeDecodeError:
        raise ConfigError(BROKEN) from None


def _different(values: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are not as usual; of data of another kind all."""
    if values.get("kind") != usual.get("kind"):
        return values
    kept = {"kind": values["kind"]} if "kind" in values else {}
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(usual.get(name), dict):
            if inner := _different(value, usual[name]):
                kept[name] = inner
        elif value != usual.get(name):
            kept[name] = value
    return kept
