"""When a run of a study counts as a success."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from rnncore.data_config import Frozen

MetricName = Literal["val_loss", "val_metric", "train_loss"]
METRIC_WORDS: dict[str, str] = {
    "val_loss": "validation loss",
    "val_metric": "metric on the validation set",
    "train_loss": "training loss",
}


class Success(Frozen):
    """A bound that a number of the run has to pass: at its end, or at any step.

    metric: as in records; "val_metric" is the data's own, such as an error rate. below, above: the bound itself.
    times_baseline: the bound is that many times the loss of the best answer that takes no learning.
    """

    metric: MetricName = Field("val_loss", description="Number that is compared.")
    below: float | None = Field(None, description="Success is a number below this.")
    above: float | None = Field(None, description="Success is a number above this.")
    times_baseline: float | None = Field(None, gt=0, le=1000, description="Success is below this many times chance.")
    when: Literal["end", "any"] = Field("end", description="At the last step, or at any.")

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        given = [name for name in ("below", "above", "times_baseline") if getattr(self, name) is not None]
        if len(given) != 1:
            shown = "none is given" if not given else f"{' and '.join(given)} are given"
            raise ValueError(f"success needs one of below, above and times_baseline; {shown}")
        if self.times_baseline is not None and self.metric == "val_metric":
            raise ValueError("times_baseline compares losses, so it is for val_loss and train_loss, not 'val_metric'")
        return self

    def passes(self, value: float, baseline: float | None) -> bool:
        """Whether a value of the metric is a success, which nothing is that is not finite. baseline: loss of chance."""
        if not math.isfinite(value):
            return False
        if self.above is not None:
            return value > self.above
        bound = self.below if self.below is not None else self._times(baseline)
        return bound is not None and value < bound

    def _times(self, baseline: float | None) -> float | None:
        assert self.times_baseline is not None
        return None if baseline is None else self.times_baseline * baseline

    @property
    def words(self) -> str:
        """The criterion as the end of a sentence: 'validation loss below 0.01 at the end'."""
        when = "at the end" if self.when == "end" else "at any step"
        name = METRIC_WORDS[self.metric]
        if self.above is not None:
            return f"{name} above {self.above:g} {when}"
        if self.below is not None:
            return f"{name} below {self.below:g} {when}"
        times = "" if self.times_baseline == 1 else f"{self.times_baseline:g} times "
        return f"{name} below {times}that of the best simple answer {when}"
