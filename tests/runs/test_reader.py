"""The processes that read uploaded files: what they answer, what they keep, and how they end."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from rnncore.choices import OPTIMIZERS
from rnncore.config import OptimizerConfig, TrainConfig, UploadData, UploadedFile
from rnncore.data.dataset import DataError
from rnncore.data.findings import DataSummary
from rnncore.data.upload import inspect
from rnncore.runs.reader import jobs
from rnncore.runs.reader.jobs import Findings, Inspector
from rnncore.runs.reader.pool import ReaderPool
from rnncore.runs.reader.wire import pack_arrays, unpack_arrays
from tests.support.corpus import GOOD
from tests.support.formats import AS_CSV, rows, xlsx

WEEK = b"day,v\n" + b"".join(b"2020-01-%02d,%d\n" % (day, day % 7) for day in range(1, 31))


def options(name: str, **chosen: Any) -> UploadData:
    return UploadData(files=(UploadedFile(file=f"id of {name}", name=name),), **chosen)


def equal(a: Findings, b: Findings) -> bool:
    (plain_a, arrays_a), (plain_b, arrays_b) = a.to_parts(), b.to_parts()
    same = all(np.array_equal(arrays_a[name], arrays_b[name], equal_nan=True) for name in arrays_a)
    return plain_a == plain_b and arrays_a.keys() == arrays_b.keys() and same


@pytest.fixture
def readers() -> Iterator[ReaderPool]:
    pool = ReaderPool(size=1, seconds=20.0)
    yield pool
    pool.close()


def test_every_format_is_read_within_the_memory_that_a_reader_may_have(readers: ReaderPool) -> None:
    formats = {Path(case.files[0][0]).suffix: case for case in GOOD}
    assert {".csv", ".parquet", ".npz", ".npy", ".ts", ".txt"} <= formats.keys()
    for case in formats.values():
        wanted = UploadData(files=tuple(UploadedFile(file=name, name=name) for name, _ in case.files))
        found = readers.inspect("me", wanted, case.files)
        assert found.inspection.error is None, case.name
        assert found.summary is not None, case.name


@pytest.mark.parametrize("case", GOOD[::7], ids=lambda case: case.name)
def test_findings_are_those_of_the_same_files_read_here(case: Any) -> None:
    files = list(case.files)
    wanted = UploadData(files=tuple(UploadedFile(file=name, name=name) for name, _ in files))
    here = inspect(files, wanted)
    plain, arrays = Inspector()({"options": wanted.model_dump(mode="json")}, files)
    found = Findings.from_parts(plain, unpack_arrays(*pack_arrays(arrays)))
    assert found.inspection.options == here.options
    assert found.inspection.columns == here.columns
    assert found.inspection.notes == here.notes
    if here.dataset is None:
        assert (found.summary, found.inspection.error) == (None, here.error)
    else:
        assert found.summary is not None
        expected = DataSummary.of(here.dataset)
        assert found.summary.to_parts()[0] == expected.to_parts()[0]
        np.testing.assert_array_equal(found.summary.preview.batch.inputs, expected.preview.batch.inputs)


def test_a_process_answers_and_a_second_choice_reads_nothing_anew(readers: ReaderPool) -> None:
    first = readers.inspect("w", options("week.csv"), [("week.csv", WEEK)])
    assert first.summary is not None
    assert first.inspection.layout == "series"
    again = readers.inspect("w", options("week.csv"), [("week.csv", WEEK)])
    assert equal(first, again)
    other = readers.inspect("w", options("week.csv", horizon=2), [("week.csv", WEEK)])
    assert other.inspection.options.horizon == 2


def test_what_was_read_is_kept_for_the_next_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    given = jobs.read_source
    monkeypatch.setattr(jobs, "read_source", lambda files, data: read.append(files[0][0]) or given(files, data))
    look = Inspector()
    for chosen in ({}, {"horizon": 2}, {"window": 5}, {"header": "yes"}, {"horizon": 3}):
        look({"options": options("week.csv", **chosen).model_dump(mode="json")}, [("week.csv", WEEK)])
    assert len(read) == 2


def test_a_wrong_file_is_one_sentence_and_the_process_goes_on(readers: ReaderPool) -> None:
    with pytest.raises(DataError, match="is empty"):
        readers.inspect("w", options("nothing.csv"), [("nothing.csv", b"")])
    assert readers.inspect("w", options("week.csv"), [("week.csv", WEEK)]).summary is not None
    assert len(processes(readers)) == 1


def test_a_reader_that_takes_too_long_is_ended_and_replaced() -> None:
    pool = ReaderPool(size=1, seconds=20.0)
    try:
        pool.inspect("w", options("week.csv"), [("week.csv", WEEK)])
        stopped = processes(pool)[0]
        stopped.suspend()  # whatever it does, it answers nobody
        pool._seconds = 0.3
        with pytest.raises(DataError, match=r"longer than 0\.3 seconds"):
            pool.inspect("w", options("week.csv"), [("week.csv", WEEK * 1000)])
        assert not stopped.is_running() or stopped.status() == psutil.STATUS_ZOMBIE
        pool._seconds = 20.0
        assert pool.inspect("w", options("week.csv"), [("week.csv", WEEK)]).summary is not None
    finally:
        pool.close()


def test_a_reader_that_is_killed_is_one_sentence_and_is_replaced(readers: ReaderPool) -> None:
    readers.warm_up()
    processes(readers)[0].kill()
    time.sleep(0.2)
    assert readers.inspect("w", options("week.csv"), [("week.csv", WEEK)]).summary is not None


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux limits a process's address space")
def test_a_file_that_needs_too_much_memory_is_one_sentence() -> None:
    pool = ReaderPool(size=1, seconds=60.0, memory_mb=100)
    try:
        cells = b"day,v\n" + b"2020Q1,1\n" * 1_500_000  # read as text first, which takes more than 150 MB
        with pytest.raises(DataError, match="more memory than the server allows"):
            pool.inspect("w", options("large.csv"), [("large.csv", cells)])
        assert pool.inspect("w", options("week.csv"), [("week.csv", WEEK)]).summary is not None
    finally:
        pool.close()


def test_one_owner_waits_for_its_own_reading_and_takes_no_other_reader() -> None:
    pool = ReaderPool(size=2, seconds=60.0)
    try:
        pool.inspect("slow", options("week.csv"), [("week.csv", WEEK)])
        slow = processes(pool)[0]
        slow.suspend()

        def ask() -> None:
            with contextlib.suppress(DataError):
                pool.inspect("slow", options("week.csv", horizon=2), [("week.csv", WEEK)])

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        while not pool._busy:
            time.sleep(0.01)
        assert pool.inspect("other", options("week.csv"), [("week.csv", WEEK)]).summary is not None
        assert all(thread.is_alive() for thread in threads)  # theirs still wait
        slow.kill()
        for thread in threads:
            thread.join()
    finally:
        pool.close()


def test_closing_ends_the_processes() -> None:
    pool = ReaderPool(size=1)
    pool.warm_up()
    (reader,) = processes(pool)
    pool.close()
    reader.wait(5)
    with pytest.raises(DataError):
        pool.inspect("w", options("week.csv"), [("week.csv", WEEK)])


def processes(pool: ReaderPool) -> list[psutil.Process]:
    return [psutil.Process(reader._process.pid) for reader in pool._free]


def test_a_script_on_an_uploaded_file_knows_the_entries_of_plugins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "late_plugin.py").write_text(
        "from dataclasses import replace\n"
        "from rnncore.choices import OPTIMIZERS\n"
        "OPTIMIZERS.register(replace(OPTIMIZERS['adam'], key='nadam', torch_class='NAdam'))\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("RNNLAB_PLUGINS", "late_plugin")
    monkeypatch.setitem(OPTIMIZERS._entries, "nadam", replace(OPTIMIZERS["adam"], key="nadam"))
    config = TrainConfig(data=options("a.csv", window=5), optimizer=OptimizerConfig(name="nadam"))
    readers = ReaderPool(size=1, seconds=20.0)

    try:
        script = readers.script("me", config, [], [("id of a.csv", WEEK)])
    finally:
        readers.close()

    assert "optimizer = torch.optim.NAdam(" in script


@pytest.mark.parametrize("kind", AS_CSV)
def test_formats_are_read_within_the_memory_that_a_reader_may_have(readers: ReaderPool, kind: str) -> None:
    name, write = AS_CSV[kind]
    found = readers.inspect("me", options(name), [(name, write(rows(3)))])
    assert found.inspection.error is None
    assert found.summary is not None


def test_the_sheets_of_a_workbook_are_told_and_chosen_in_the_reader(readers: ReaderPool) -> None:
    data = xlsx(North=rows(1), South=rows(2))
    found = readers.inspect("me", options("t.xlsx"), [("t.xlsx", data)]).inspection
    assert (found.parts, found.options.part) == (("North", "South"), "North")
    south = readers.inspect("me", options("t.xlsx", part="South"), [("t.xlsx", data)]).inspection
    assert south.options.part == "South"
    assert south.head != found.head


def test_a_workbook_that_ends_its_reader_is_refused_and_the_next_file_is_read(readers: ReaderPool) -> None:
    """A library in Rust ends its process where memory is short; here the place of a cell is written so that it does."""
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="&#88;FD104857&#54;"><v>2</v></c></row>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{main}"><sheetData>{far}</sheetData></worksheet>'
    with pytest.raises(DataError):
        readers.inspect("me", options("t.xlsx"), [("t.xlsx", xlsx(A=sheet))])
    assert readers.inspect("me", options("week.csv"), [("week.csv", WEEK)]).summary is not None
