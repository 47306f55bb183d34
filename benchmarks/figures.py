"""Measured figures beside what they are to reach: a table that says which are missed, and a status that says it too."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.timing import table


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and the most, or with `at_least` the least, that it may be; `to_reach` None: only told."""

    name: str
    value: float
    unit: str
    to_reach: float | None = None
    at_least: bool = False
    digits: int = 0

    @property
    def missed(self) -> bool:
        """Whether the value is not what was to be reached; one that is no number is not."""
        if self.to_reach is None:
            return False
        return not (self.value >= self.to_reach if self.at_least else self.value <= self.to_reach)

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The figure in words: its name, its value, what is to be reached, and whether it is."""
        told = f"{self.value:.{self.digits}f} {self.unit}".strip()
        if self.to_reach is None:
            return self.name, told, "", ""
        return self.name, told, f"{self.to_reach:g} {self.unit}".strip(), "missed" if self.missed else "met"


def report(figures: Iterable[Figure]) -> int:
    """Print the table, the figures that are missed and the load of the machine; return 1 if one is missed, else 0."""
    figures = list(figures)
    print(table(("figure", "measured", "to reach", ""), [figure.row for figure in figures]))
    print(f"\nLoad of the machine (1, 5, 15 minutes): {', '.join(f'{each:.1f}' for each in os.getloadavg())}")
    missed = [figure.name for figure in figures if figure.missed]
    if missed:
        print(f"Missed: {'; '.join(missed)}.")
    return int(bool(missed))
