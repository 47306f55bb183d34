"""What a ready-made study is: where it comes from, what it is expected to show, and what came out of it here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rnncore.studies.config import StudyConfig
from rnncore.studies.results import TOLD


@dataclass(frozen=True)
class ReadyStudy:
    """A study to start from.

    expects: what its source lets one expect. found: what came out here, in the words of docs/measurements.md too; its
    numbers and its minutes are those of `rnncore.studies.results`. paper: the same in its source's size, for a cluster.
    told: the numbers of each cell that its table shows, see `rnncore.studies.results.table_of`. at_start: heading ->
    key of an instrument on demand and name of its array, whose last number at step 1 the table shows too (the median).
    """

    key: str
    title: str
    source: str
    expects: str
    found: str
    body: Mapping[str, Any]
    paper: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=lambda: TOLD)
    at_start: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def study(self) -> StudyConfig:
        """The study, shortened where its source has a larger one."""
        return StudyConfig.model_validate(self.body)

    @cached_property
    def as_in_the_paper(self) -> StudyConfig | None:
        """The study in the size of its source; None where the other one is all there is."""
        return StudyConfig.model_validate(self.paper) if self.paper else None


def task(name: str, **fields: Any) -> dict[str, Any]:
    """Return a synthetic task as a configuration names it."""
    return {"kind": "task", "task": name, **fields}
