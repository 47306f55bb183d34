"""Files as people have them, generated: what each must be read as, or asked about, or refused with."""

from tests.support.corpus.real.beside import BESIDE
from tests.support.corpus.real.cells import CELLS
from tests.support.corpus.real.clocks import CLOCKS
from tests.support.corpus.real.collected import COLLECTED
from tests.support.corpus.real.interleaved import INTERLEAVED
from tests.support.corpus.real.marks import MARKS
from tests.support.corpus.real.panels import BLOCKS
from tests.support.corpus.real.rows import ROWS
from tests.support.corpus.real.splits import SPLITS
from tests.support.corpus.real.texts import TEXTS
from tests.support.corpus.real.unseen import UNSEEN

REAL = CLOCKS + BLOCKS + INTERLEAVED + ROWS + CELLS + SPLITS + TEXTS + UNSEEN + COLLECTED + MARKS + BESIDE
