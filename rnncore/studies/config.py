"""What a study is: a base configuration, axes, seeds, and what counts as a success."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from rnncore.config import TrainConfig, explain_problem
from rnncore.data_config import Frozen
from rnncore.errors import ConfigError
from rnncore.studies.axis import Axis
from rnncore.studies.success import Success
from rnncore.words import many

MOST_AXES = 3
MOST_SEEDS = 10_000
MOST_RUNS = 100_000  # of one study, whatever a server allows
ASKS_ABOVE = 50  # runs above which a study starts only after a question

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


def _seeds(value: Any) -> Any:
    """Let a whole number stand for that many seeds from 0 on."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return list(range(value)) if whole and 1 <= value <= MOST_SEEDS else value


class StudyConfig(Frozen):
    """A study: every combination of the axes' values is a cell, and each cell has a run per seed.

    As JSON: {"base": {...}, "axes": [{"field": "model.cell", "values": [...]}], "seeds": [0, 1, 2], "success": {...}}.
    seeds may be a whole number N, which stands for the seeds 0 to N - 1; left out, it is the seed of the base.
    """

    base: TrainConfig = TrainConfig()
    axes: tuple[Axis, ...] = Field((), max_length=MOST_AXES, description="What differs between the cells.")
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_seeds)] = Field(
        (0,), min_length=1, max_length=MOST_SEEDS, description="Seeds of each cell's runs."
    )
    success: Success | None = Field(None, description="What counts as a success; without it none is counted.")
    batched: bool = Field(
        False,
        description="Train runs that differ in seed, or in numbers such as the learning rate, as one batched model,"
        " where that is faster; rounding may then differ from that of a run alone.",
    )

    @model_validator(mode="before")
    @classmethod
    def _seed_of_base(cls, values: Any) -> Any:
        base = values.get("base") if isinstance(values, dict) and "seeds" not in values else None
        seed = base.get("seed") if isinstance(base, dict) else getattr(base, "seed", None)
        return values if seed is None else values | {"seeds": [seed]}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        twice = next((seed for place, seed in enumerate(self.seeds) if seed in self.seeds[:place]), None)
        if twice is not None:
            raise ValueError(f"seeds: {twice} stands there twice; name each seed once")
        for place, axis in enumerate(self.axes):
            if "seed" in _paths(axis):
                raise ValueError("axes: the field 'seed' is no axis; the seeds of a study stand in 'seeds'")
            for other in self.axes[:place]:
                _check_apart(other, axis)
        if self.run_count > MOST_RUNS:
            raise ValueError(f"this study has {many(self.run_count, 'run')}, above the limit of {MOST_RUNS:,}")
        return self

    @property
    def cell_count(self) -> int:
        """How many combinations of values there are."""
        count = 1
        for axis in self.axes:
            count *= len(axis.numbers)
        return count

    @property
    def run_count(self) -> int:
        """How many runs there are: cells times seeds."""
        return self.cell_count * len(self.seeds)

    def configs(self) -> list[TrainConfig]:
        """Return the configurations of all runs, cell by cell and in each by seed. Raises ConfigError."""
        from rnncore.studies.expansion import cells_of

        return [config for cell in cells_of(self) for config in cell.configs]


def _check_apart(one: Axis, other: Axis) -> None:
    """Raise ValueError where two axes would change the same field."""
    if one.title == other.title:
        raise ValueError(f"axes: there are two axes called '{one.title}'; give each a name or a field of its own")
    taken = next((path for path in _paths(one) for each in _paths(other) if _overlap(path, each)), None)
    if taken is not None:
        raise ValueError(f"axes: '{one.title}' and '{other.title}' both change '{taken}'; leave it to one of them")


def _paths(axis: Axis) -> list[str]:
    """Return the fields that an axis changes."""
    found: dict[str, None] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping) and value:
            for name, part in value.items():
                walk(part, f"{path}.{name}" if path else str(name))
        elif path:
            found[path] = None

    for value in axis.numbers:
        walk(value, axis.field)
    return list(found)


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(other + ".") or other.startswith(one + ".")


def read_study(values: Any) -> StudyConfig:
    """Return the study that a JSON value describes. Raises ConfigError, one sentence that names the field."""
    if isinstance(values, StudyConfig):
        return values
    try:
        return StudyConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain_study(error)) from None


def explain_study(error: ValidationError) -> str:
    """Turn pydantic's report about a study into one sentence: field, value, what is allowed."""
    problems = error.errors(include_url=False)
    parts = {problem["loc"][:-1] for problem in problems}  # a list with a wrong item counts as too short, too
    told = [problem for problem in problems if problem["type"] != "too_short" or problem["loc"] not in parts]
    first, *others = map(_sentence, told)
    return first + (f" (and {many(len(others), 'more problem')})" if others else "")


def _sentence(problem: ErrorDetails) -> str:
    place = problem["loc"]
    if place[:1] == ("base",):
        problem["loc"] = place[1:]
        return f"base: {explain_problem(problem).removeprefix('config: ')}"
    if place == ("seeds",) and problem["type"] != "value_error":
        what = _shown(problem["input"])
        return f"seeds: {what} is not allowed; allowed: a list of whole numbers, or how many: 1 to {MOST_SEEDS:,}"
    told = explain_problem(problem)
    return told.removeprefix("config: ") if told.startswith("config: ") else told


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_study_text(text: str, name: str) -> StudyConfig:
    """Return the study in the text of a JSON file called `name`. Raises ConfigError, one sentence."""
    try:
        return read_study(json.loads(text))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(f"the study {name!r} is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise ConfigError(f"the study {name!r} is nested too deeply") from None
