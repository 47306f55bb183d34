"""An axis of a study: one field of a configuration, and the values that it takes."""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from rnncore.data_config import Frozen
from rnncore.words import many

MOST_VALUES = 1000


class Range(Frozen):
    """Equally spaced numbers from `start` to `stop`, both included: either `count` of them, or one every `step`.

    The names in JSON are from, to, count and step. Where all that is given is whole, so are the numbers.
    """

    start: float = Field(alias="from")
    stop: float = Field(alias="to")
    count: int | None = Field(None, ge=2, le=MOST_VALUES)
    step: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one_way_to_count(self) -> Self:
        if (self.count is None) == (self.step is None):
            raise ValueError("a range needs either count or step")
        if self.stop <= self.start:
            raise ValueError(f"a range ends above its beginning; {self.stop:g} is not above {self.start:g}")
        if self.step is not None and (self.stop - self.start) / self.step >= MOST_VALUES:
            raise ValueError(f"a step of {self.step:g} gives more than {MOST_VALUES:,} values; choose a larger one")
        return self

    def numbers(self) -> list[float]:
        """Return the numbers, ascending."""
        if self.step is not None:
            count = math.floor((self.stop - self.start) / self.step * (1 + 1e-12)) + 1
            return [_rounded(self.start + place * self.step) for place in range(count)]
        assert self.count is not None
        share = (self.stop - self.start) / (self.count - 1)
        return [_rounded(self.start + place * share) for place in range(self.count)]


class LogRange(Frozen):
    """`count` numbers from `start` to `stop`, both included, each the same factor above the one before."""

    start: float = Field(alias="from", gt=0)
    stop: float = Field(alias="to", gt=0)
    count: int = Field(ge=2, le=MOST_VALUES)

    @model_validator(mode="after")
    def _upwards(self) -> Self:
        if self.stop <= self.start:
            raise ValueError(f"a range ends above its beginning; {self.stop:g} is not above {self.start:g}")
        return self

    def numbers(self) -> list[float]:
        """Return the numbers, ascending, in six significant digits."""
        low, high = math.log(self.start), math.log(self.stop)
        return [float(f"{math.exp(low + place * (high - low) / (self.count - 1)):.6g}") for place in range(self.count)]


class Axis(Frozen):
    """A field of the configuration and its values: a list, a range or a range on a logarithmic scale.

    field: the path of a field, such as "model.cell". It may name a part of the configuration, such as "clip", or be ''
    for the whole; its values are then objects whose fields are changed together. labels: what the values are called, by
    default their own text. name: what the axis is called, by default its field.
    """

    field: str = Field(max_length=100)
    values: tuple[Any, ...] | None = Field(None, min_length=1, max_length=MOST_VALUES)
    range: Range | None = None
    log_range: LogRange | None = None
    labels: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] | None = None
    name: str = Field("", max_length=80)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [self.values is not None, self.range is not None, self.log_range is not None]
        if sum(given) != 1:
            raise ValueError(f"the axis '{self.title}' needs either values, range or log_range")
        if self.field and not all(self.field.split(".")):
            raise ValueError(f"{self.field!r} is no path of a field; allowed: names with points, such as 'model.cell'")
        if not self.title:
            raise ValueError("an axis with the field '' changes several fields at once and needs a name")
        if self.labels is not None and len(self.labels) != len(self.numbers):
            raise ValueError(
                f"the axis '{self.title}' has {many(len(self.numbers), 'value')} and {many(len(self.labels), 'label')}"
            )
        shown = (
            self.labels if self.labels is not None else [json.dumps(value, sort_keys=True) for value in self.numbers]
        )
        twice = next((each for place, each in enumerate(shown) if each in shown[:place]), None)
        if twice is not None:
            raise ValueError(f"the axis '{self.title}' has {twice} twice; name each value once")
        if self.labels is None and any(isinstance(value, Mapping | list) for value in self.numbers):
            raise ValueError(f"the axis '{self.title}' has values that are objects, and needs a label for each")
        return self

    @property
    def title(self) -> str:
        """What the axis is called; cells name their values by it."""
        return self.name or self.field

    @property
    def numbers(self) -> list[Any]:
        """All values, in their order."""
        if self.values is not None:
            return list(self.values)
        span = self.range or self.log_range
        assert span is not None
        return [int(value) if value == int(value) else value for value in span.numbers()]

    @property
    def shown(self) -> list[Any]:
        """What stands for each value in a table: its label, or the value itself."""
        return list(self.labels) if self.labels is not None else self.numbers

    def change(self, value: Any) -> dict[str, Any]:
        """Return the partial configuration that puts `value` where the axis says."""
        for name in reversed(self.field.split(".") if self.field else []):
            value = {name: value}
        return dict(value)


def _rounded(value: float) -> float:
    """Return a number without the dust of binary fractions: 0.1 + 0.2 is 0.3."""
    return float(f"{value:.12g}")
