"""To come."""

from tests.support.corpus.real.case import Case

TEXTS: list[Case] = []
