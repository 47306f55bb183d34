"""Links that were given away once, with what they meant and the defaults that their format leaves out; and odd ones."""

import json
from pathlib import Path
from typing import Any

from dashboard.experiment.link_packing import pack
from rnncore.config import TrainConfig

CORPUS = {
    version: json.loads(Path(__file__).with_name(f"links_v{version}.json").read_text("utf-8")) for version in "12"
}


def meant(version: str, settings: dict[str, Any]) -> TrainConfig:
    """Return the configuration of settings that differ from the frozen defaults of a format."""
    frozen = CORPUS[version]
    kind = settings.get("data", {}).get("kind", "task")
    whole = {**frozen["defaults"], "data": frozen["data"][kind]}
    for name, value in settings.items():
        whole[name] = {**whole[name], **value} if isinstance(value, dict) else value
    return TrainConfig.model_validate(whole)


def sealed(content: bytes) -> str:
    """Return a link of any content, its checksum right."""
    return f"2.{pack(content)}"


def saying(**said: Any) -> str:
    """Return a link of any settings, its checksum right."""
    return sealed(json.dumps(said).encode())
