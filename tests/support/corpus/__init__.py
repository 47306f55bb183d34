"""A corpus of files to read: `GOOD` ones made up for one property each, others as people have them, and bad ones."""

from tests.support.corpus.arrays import ARRAYS
from tests.support.corpus.cells import CELLS
from tests.support.corpus.columns import COLUMNS
from tests.support.corpus.sequences import SEQUENCES
from tests.support.corpus.writing import WRITING

GOOD = WRITING + CELLS + COLUMNS + SEQUENCES + ARRAYS
