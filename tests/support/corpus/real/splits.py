"""To come."""

from tests.support.corpus.real.case import Case

SPLITS: list[Case] = []
