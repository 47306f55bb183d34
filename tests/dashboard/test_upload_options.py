"""The control beside each finding: which option changes it, and that it is there."""

import re

import pytest

from dashboard.panels.upload_options import OPTIONS, option_of
from rnncore.data.upload import Inspection
from rnncore.runs.reader.jobs import Findings
from tests.support.corpus.real import REAL
from tests.support.corpus.real.case import Case, read

# What is told, but cannot be chosen otherwise: how a file had to be taken apart, and what only explains.
WITHOUT = re.compile(
    r"file was read as|left out\.|above the table|below the table|further down|belong together|counts? as missing|"
    r"'label by file name' has|"
    r"Every (line|record)|"
    r"each record|Each record|is for (the file|a value)|has a value for each|beside the tables|hold other labels|"
    r"no file for predictions|is a file for predictions|are read as one long series|stands? for (\d|[a-z]+ rare)|"
    r"only in the validation data|evenly spaced|Validation uses|Numbers? with|is a series|series? of its own|"
    r"of a class not in|last lines are no data|^The sheet|stays the same over|stands in about|counts the rows|"
    r"stands in several rows|shorter than a window|share of|Constant in the training|Some files are for validation|"
    r"windows that overlap|own split is not used|Values change less|The columns|Nothing tells|As chosen|"
    r"at the ends of the series|drawn at random, are used|of its rows|points in time|series by series:|"
    r"longer than|may be|has a text in|is no date|texts? are short|next character|All files as one"
)


@pytest.mark.parametrize("case", REAL[::3], ids=lambda case: case.name)
def test_every_finding_that_can_be_chosen_otherwise_has_its_control(case: Case) -> None:
    inspection = read(case)
    if not isinstance(inspection, Inspection):
        return
    found = Findings(inspection, None, 0)
    for note in inspection.notes:
        option = option_of(note, found)
        assert option is not None or WITHOUT.search(note), note


def test_what_changes_a_finding() -> None:
    case = next(case for case in REAL if case.name == "footnotes as stars and letters")
    inspection = read(case)
    assert isinstance(inspection, Inspection)
    found = Findings(inspection, None, 0)
    wanted = {
        "Numbers with decimal comma in 'a'.": "decimal",
        "The file has no header line; the columns are numbered.": "header",
        "Suggested: predict 'a' (for its name) from the past of 2 columns, 'a' itself among them.": "targets",
        "Left out, constant: 'b'.": "features",
        "The first 80 of 100 values are for training, the last 20 for validation; no window crosses the border.":
            "val_fraction",
        "'a' has 26 classes: '1' 3.8%, '2' 3.8%.": "target_kind",
        "'a' is scaled with the training part's mean 1 and standard deviation 2.": "scaling",
        "The rows stood newest first; they were turned round, so that they are sorted by 'day'.": "time",
    }  # fmt: skip
    assert {note: option_of(note, found) for note in wanted} == wanted
    assert option_of("6 sequences told apart by 'id', of 10 timesteps.", found) is None, "there is no key to choose"
    assert set(wanted.values()) < set(OPTIONS)
