"""Findings as the board shows them: with what a remedy would change in words, or why it cannot be tried."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from dashboard.experiment.evidence_words import evidence_words
from dashboard.experiment.groups import changes_in_words
from rnncore.changes import changed
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.runs.watched_forms import is_watched

_THERE = {"words": "", "settings": None, "problem": "This run trains in a program of its own: it is changed there."}
CANNOT = "This run cannot be changed that way"


def told(insights: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a run (`rnncore.runs.read.insights.look`) with more to each of its findings.

    measured: the evidence in words. Of a remedy, words: the changes in words, '' where all is so already; settings:
    `fingerprint` of the changed settings, by which a run on the board that has them is known; problem: why this run
    cannot be changed that way, a sentence, or None. config: the run's own settings.
    """
    own = json.dumps(config, sort_keys=True)
    findings = []
    for finding in insights["findings"]:
        remedy = finding["remedy"]
        if remedy is not None:
            tried = _THERE if is_watched(config) else _tried(own, json.dumps(remedy["changes"], sort_keys=True))
            remedy = {**remedy, **tried}
        measured = evidence_words(finding["evidence"])
        findings.append({**finding, "measured": measured, "remedy": remedy})
    return {**insights, "findings": findings}


def fingerprint(config: TrainConfig) -> str:
    """Return a short text that is the same for the same settings."""
    return hashlib.blake2s(config.model_dump_json().encode(), digest_size=6).hexdigest()


@lru_cache(maxsize=2048)
def _tried(config: str, changes: str) -> dict[str, Any]:
    """Return words, settings and problem of a change; both as JSON, since a board asks several times a second."""
    try:
        before = TrainConfig.model_validate(json.loads(config))
        after = changed(before, json.loads(changes))
    except ValidationError:
        return {"words": "", "settings": None, "problem": "The settings of this run cannot be read."}
    except ConfigError as error:
        return {"words": "", "settings": None, "problem": f"{CANNOT}: {str(error).rstrip('.')}."}
    words = changes_in_words(before, after)
    if not words:
        return {"words": "", "settings": None, "problem": None}
    return {"words": ", ".join(words), "settings": fingerprint(after), "problem": None}
