"""Files built to be slow or large: each ends in findings or in one sentence, long before its reader is given up."""

import os
from collections.abc import Iterator

import pytest

from rnncore.config import UploadData, UploadedFile
from rnncore.data.dataset import DataError
from rnncore.runs.reader.pool import ReaderPool
from tests.support.hostile_files import KINDS, hostile_files

EACH = int(os.environ.get("RNNLAB_HOSTILE", "3"))  # files of every kind
SECONDS = 60.0  # a third of it is promised, on a machine that has nothing else to do


@pytest.fixture(scope="module")
def readers() -> Iterator[ReaderPool]:
    pool = ReaderPool(size=1, seconds=SECONDS, memory_mb=1024)
    yield pool
    pool.close()


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_keeps_its_reader_long_or_fills_it(readers: ReaderPool, kind: str) -> None:
    for number, (made, name, content) in enumerate(hostile_files(EACH, seed=1)):
        if made != kind:
            continue
        options = UploadData(files=(UploadedFile(file=f"{kind} {number}", name=name),))
        try:
            readers.inspect("hostile", options, [(name, content)])
        except DataError as error:
            sentence = str(error)
            assert "longer than" not in sentence, (kind, content[:100])
            assert "memory" not in sentence, (kind, content[:100])
            assert "server's log" not in sentence, (kind, content[:100])
            assert len(sentence) < 500
