"""Every good file of the corpus is read with the right roles without help; every bad one gets its sentence."""

import json
import re

import numpy as np
import pytest

from rnncore.config import UploadData, UploadedFile
from rnncore.data import DataError
from rnncore.data.upload import inspect
from tests.support.corpus import GOOD
from tests.support.corpus.bad import BAD
from tests.support.corpus.found import FOUND
from tests.support.corpus.telling import TOLD, as_json, named, told_of_bad, told_of_good

ONE_OF_MANY = re.compile(r"(?<![\d.,'])1 (?:more |other )?(?!series|is|was|has|as|times|needs)[a-z]+s\b")


def found(inspection, attribute):
    for holder in (inspection, inspection.options, inspection.dataset):
        if hasattr(holder, attribute):
            return getattr(holder, attribute)
    raise AttributeError(attribute)


@pytest.mark.parametrize("good", GOOD + FOUND, ids=lambda good: good.name)
def test_good_files_are_read_without_help(good):
    inspection = inspect(good.files)
    assert inspection.error is None
    assert {name: found(inspection, name) for name in good.expect} == good.expect
    if good.note:
        assert any(good.note in note for note in inspection.notes), inspection.notes
    dataset = inspection.dataset
    for batch in (dataset.train_batch(1, 8, 0), dataset.validation):
        assert batch.inputs.dtype == np.float32
        assert batch.inputs.shape[1:] == (dataset.seq_len, dataset.input_size)
        assert np.isfinite(batch.inputs).all()
        assert np.isfinite(batch.targets).all()
    assert not ONE_OF_MANY.search(" ".join(inspection.notes)), inspection.notes
    assert inspection.head
    assert inspection.sample.shape[1] == len(inspection.sample_names)


@pytest.mark.parametrize("good", GOOD + FOUND, ids=lambda good: good.name)
def test_the_options_found_give_the_same_data_again(good):
    first = inspect(good.files)
    again = inspect(good.files, UploadData.model_validate_json(first.options.model_dump_json()))
    assert again.error is None
    left, right = first.dataset.train_batch(3, 8, 1), again.dataset.train_batch(3, 8, 1)
    np.testing.assert_array_equal(left.inputs, right.inputs)
    np.testing.assert_array_equal(left.targets, right.targets)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_files_get_one_sentence(bad):
    options = UploadData(files=(UploadedFile(file="x"),), **bad.options)
    try:
        message = inspect(bad.files, options).error
    except DataError as error:
        message = str(error)
    assert message is not None
    assert re.search(bad.words, message), message
    assert "\n" not in message
    assert message.endswith(".")
    assert not ONE_OF_MANY.search(message), message
    assert len(message) < 500


KEPT = json.loads(TOLD.read_text("utf-8"))


@pytest.mark.parametrize(("name", "good"), named(GOOD + FOUND), ids=KEPT["good"])
def test_what_is_told_of_a_good_file_stays_as_it_was_looked_at(name, good):
    assert json.loads(as_json(told_of_good(good.files))) == KEPT["good"][name], HOW


@pytest.mark.parametrize(("name", "bad"), named(BAD), ids=KEPT["bad"])
def test_what_is_told_of_a_bad_file_stays_as_it_was_looked_at(name, bad):
    if "HDF5" in name:
        pytest.importorskip("h5py")  # without it another sentence says so
    assert told_of_bad(bad.files, bad.options) == KEPT["bad"][name], HOW


HOW = "if the difference is meant: python -m tests.support.corpus.telling"


def test_the_corpus_is_large_enough():
    assert len({good.name for good in GOOD}) >= 80
    assert len({bad.name for bad in BAD}) >= 80
