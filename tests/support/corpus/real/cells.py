"""To come."""

from tests.support.corpus.real.case import Case

CELLS: list[Case] = []
