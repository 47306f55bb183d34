"""Files as people have them are read right, or asked about, or refused in a true sentence."""

import pytest

from rnncore.config import UploadData
from rnncore.data.upload import Inspection, inspect
from tests.support.corpus.real import REAL
from tests.support.corpus.real.case import Case, read, verdict


@pytest.mark.parametrize("case", REAL, ids=lambda case: case.name)
def test_files_as_people_have_them(case: Case) -> None:
    result, wrong = verdict(case)
    assert result == "right" or (case.asked and result == "asked"), wrong
    found = read(case)
    assert case.asked or isinstance(found, str) or not found.alternatives, "asked although it is sure"


@pytest.mark.parametrize("case", [case for case in REAL if "error" not in case.expect], ids=lambda case: case.name)
def test_what_was_found_gives_the_same_again(case: Case) -> None:
    found = read(case)
    assert isinstance(found, Inspection)
    for options in (found.options, *(other.options for other in found.alternatives)):
        again = inspect(case.files, UploadData.model_validate_json(options.model_dump_json()))
        assert (again.error, again.alternatives, again.options) == (None, (), options)
    if found.options.features is None or found.dataset is None:
        return
    again = inspect(case.files, found.options)
    assert again.dataset is not None
    assert (again.dataset.train_batch(1, 8, 0).inputs == found.dataset.train_batch(1, 8, 0).inputs).all()


def test_the_corpus_is_large_enough() -> None:
    assert len({case.name for case in REAL}) == len(REAL) >= 120
