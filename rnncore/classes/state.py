"""What a class shows: the runs of the teacher's board, a poll, a hand-out."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.words import visible

MAX_NAME = 24  # characters of a nickname
MAX_CHOICES = 8
MAX_RUNS = 6  # on a board
_KEY = r"^[A-Za-z0-9_-]{1,60}$"
_RUNS = rf"^w[A-Za-z0-9_-]{{22}}(,w[A-Za-z0-9_-]{{22}}){{0,{MAX_RUNS - 1}}}$"

Line = Annotated[str, AfterValidator(lambda text: visible(text).strip())]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Shown(_Part):
    """What the teacher's board shows.

    runs: watch keys of runs or of a group, with commas between them. step: where it is pinned, None: the newest.
    figure: the key of the one that is large. lesson: the key of the lesson.
    """

    runs: str | None = Field(None, pattern=_RUNS)
    step: int | None = Field(None, ge=0, le=10**9)
    figure: str | None = Field(None, pattern=_KEY)
    lesson: str | None = Field(None, pattern=_KEY)


class Poll(_Part):
    """A question and the answers to choose from. right: the index of the one that is right, told only at the end."""

    question: Annotated[Line, Field(min_length=1, max_length=500)]
    choices: Annotated[tuple[Annotated[Line, Field(min_length=1, max_length=200)], ...], Field(min_length=2)]
    right: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.choices) > MAX_CHOICES:
            raise ValueError(f"choices: {len(self.choices)} are not allowed; allowed: 2 to {MAX_CHOICES}")
        check_choice("right", self.right, self.choices)
        return self


class Handout(_Part):
    """A config for everybody's own controls. vary: the field that students are to choose, such as `clip.threshold`."""

    config: dict[str, Any]
    vary: str | None = Field(None, max_length=60)
    task: Annotated[Line, Field(max_length=300)] = ""

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        config = TrainConfig.model_validate(self.config).model_dump(mode="json")
        if config["data"]["kind"] == "upload":
            raise ValueError("config: data of an uploaded file cannot be handed out; choose a synthetic task")
        if self.vary is not None and not is_setting(config, self.vary):
            raise ValueError(f"vary: '{visible(self.vary)}' is no setting of this config, such as clip.threshold")
        return self

    def whole(self) -> Self:
        """Return the same with every setting written out."""
        return self.model_copy(update={"config": TrainConfig.model_validate(self.config).model_dump(mode="json")})


class RunningPoll(_Part):
    """A poll of a class. number: counts its polls. counts: how often each was chosen, once it is closed.

    told: whether the right answer has been told.
    """

    number: int
    poll: Poll
    open: bool = True
    counts: tuple[int, ...] | None = None
    told: bool = False


class RunningHandout(_Part):
    """A hand-out of a class. number: counts its hand-outs."""

    number: int
    handout: Handout


class ClassState(_Part):
    """All that a class shows. names: whether the wall shows nicknames. polls, handouts: how many there have been."""

    names: bool = False
    shown: Shown | None = None
    poll: RunningPoll | None = None
    handout: RunningHandout | None = None
    polls: int = 0
    handouts: int = 0


def check_choice(field: str, choice: int | None, choices: tuple[str, ...]) -> None:
    """Raise ConfigError where a choice is none of a poll's."""
    if choice is not None and not 0 <= choice < len(choices):
        raise ConfigError(f"{field}: {choice} is not allowed; allowed: 0 to {len(choices) - 1}")


def is_setting(config: Mapping[str, Any], path: str) -> bool:
    """Tell whether a path with dots leads to a single setting of a config."""
    value: Any = config
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return not isinstance(value, Mapping | list)
