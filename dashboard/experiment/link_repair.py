"""What a link says becomes a valid configuration: what is not understood is left out, with a sentence for each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from dashboard.experiment.link_defaults import Defaults
from dashboard.experiment.setting_paths import values
from rnncore.changes import changed
from rnncore.config import TrainConfig, explain_each
from rnncore.errors import ConfigError
from rnncore.words import many, shorten

KIND = "data.kind"
_MARKUP = re.compile(r"[\[\]<>*`$!\\#|&]|[^\x20-\uffff]")  # never in our own words; may come from a link
_MAX_SETTINGS, _MAX_PROBLEMS, _MAX_SENTENCE = 120, 20, 300


@dataclass(slots=True)
class Problems:
    """Sentences about what was not understood of a link; a hostile one has at most a page of them."""

    noted: list[str] = field(default_factory=list)
    more: int = 0

    def note(self, sentence: str) -> None:
        """Note a sentence, once."""
        sentence = "".join(char if char.isprintable() else "?" for char in _MARKUP.sub("?", sentence))
        if sentence in self.noted:
            return
        if len(self.noted) < _MAX_PROBLEMS:
            self.noted.append(sentence)
        else:
            self.more += 1

    def sentences(self) -> list[str]:
        """Return all that was noted."""
        if not self.more:
            return self.noted
        were = "was" if self.more == 1 else "were"
        return [*self.noted, f"{many(self.more, 'more part')} of the link {were} not understood."]


def quoted(text: str) -> str:
    """Return a piece of a link as it may be shown: quoted, short, printable."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def flag(value: object, problems: Problems) -> bool:
    """Return whether twins are compared; `value`: what the link says of it."""
    if isinstance(value, bool):
        return value
    problems.note(f"compare: {quoted(str(value))} is not allowed; allowed: yes or no.")
    return True


def valid_config(given: Mapping[str, Any], defaults: Defaults, problems: Problems) -> TrainConfig:
    """Return the configuration of the settings `given` by their paths, the rest at the defaults of the link's format.

    What is not valid is left out, with a sentence for each.
    """
    given = dict(given)
    for path in list(given)[_MAX_SETTINGS:]:
        problems.note(f"The link has {len(given):,} settings; only the first {_MAX_SETTINGS} were read.")
        del given[path]
    while (error := _error(given, defaults)) and given:
        culprits = _culprits(error, given, defaults)
        problems.note(_sentence(error, culprits))
        for path in culprits:
            del given[path]
    return TrainConfig() if error else TrainConfig.model_validate(_nested(given, defaults))


def other_configs(config: TrainConfig, others: object, most: int, problems: Problems) -> tuple[TrainConfig, ...]:
    """Return the further runs of a link's group, at most `most`; others: what it says of each beside `config`.

    One that is not valid is left out, with a sentence.
    """
    if not isinstance(others, list) or not all(isinstance(each, dict) for each in others):
        problems.note("What the link says of further runs was not understood.")
        return ()
    if len(others) > most:
        problems.note(f"The link has {many(len(others), 'further run')}; only the first {most} were read.")
    found = []
    for number, changes in enumerate(others[:most], start=2):
        try:
            found.append(changed(config, changes))
        except ConfigError as error:
            problems.note(f"Run {number} of the link was left out: {str(error)[:300]}.")
    return tuple(found)


def _error(given: Mapping[str, Any], defaults: Defaults) -> ValidationError | None:
    try:
        TrainConfig.model_validate(_nested(given, defaults))
    except ValidationError as error:
        return error
    return None


def _nested(given: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for path, value in (defaults.of(given.get(KIND, "task")) | dict(given)).items():
        group, dot, name = path.partition(".")
        if dot:
            config.setdefault(group, {})[name] = value
        else:
            config[path] = value
    return config


def _culprits(error: ValidationError, given: Mapping[str, Any], defaults: Defaults) -> list[str]:
    """Return the paths to leave out so that the first error goes away: one, where one is enough."""
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"]]
    if place[:1] == ["data"]:
        place[1:2] = []  # the kind of data
    path = ".".join(place[:2])
    if path in given:
        return [path]
    inside = [each for each in given if each != KIND and each.startswith(path and f"{path}.")]
    order = {path: number for number, (path, _) in enumerate(values(TrainConfig()))}
    for each in sorted(inside, key=lambda path: order.get(path, -1), reverse=True):  # the later depend on the earlier
        left = _error({other: value for other, value in given.items() if other != each}, defaults)
        if left is None or left.errors(include_url=False)[0]["msg"] != first["msg"]:
            return [each]
    own = [each for each in given if each.startswith("data.")] if place[:1] == ["data"] else []
    return own or list(given)


def _sentence(error: ValidationError, culprits: Sequence[str]) -> str:
    text = shorten(explain_each(error)[0], _MAX_SENTENCE)
    return f"{text}; {'the default data are used' if KIND in culprits else _left_out(culprits)}."


def _left_out(paths: Sequence[str]) -> str:
    names = [shorten(path.removeprefix("data.")) for path in paths]
    more = " and more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} {'was' if len(names) == 1 else 'were'} left out"
