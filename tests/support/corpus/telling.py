"""What is told of each file of the corpus, word for word; `python -m tests.support.corpus.telling` writes it anew.

Look at the difference before it is committed: these are the sentences that users read.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnncore.config import UploadData, UploadedFile
from rnncore.data import DataError
from rnncore.data.upload import inspect
from tests.support.corpus import GOOD
from tests.support.corpus.bad import BAD
from tests.support.corpus.found import FOUND

TOLD = Path(__file__).parent / "told.json"
DETAILS = re.compile(r"\(.*\)", re.DOTALL)


def told_of_good(files: Any) -> dict[str, Any]:
    """Return what the page shows of files that become a data set, and how large its numbers are."""
    found = inspect(files)
    assert found.dataset is not None
    batch = found.dataset.train_batch(1, 16, 0)
    return {
        "read as": [found.layout, found.title, found.reason],
        "columns": [
            f"{each.name}: {each.kind}, {each.role}; {each.missing} missing, {each.different} different, {each.example}"
            for each in found.columns[:12]
        ],
        "head": [list(row.items())[:8] for row in found.head[:2]],
        "notes": list(found.notes),
        "alternatives": [[each.title, each.reason] for each in found.alternatives],
        "parts": list(found.parts),
        "drawn": [list(found.sample.shape), *found.sample_names[:12]],
        "data": [
            found.dataset.name, found.dataset.target, found.dataset.input_size, found.dataset.output_size,
            found.dataset.seq_len, found.dataset.train_size, len(found.dataset.validation.inputs),
            *(f"{number:.3g}" for number in (abs(batch.inputs).mean(), batch.inputs.std(), batch.targets.std())),
        ],
    }  # fmt: skip


def told_of_bad(files: Any, options: dict[str, Any]) -> str:
    """Return the sentence in which files are refused, without what other libraries say in parentheses."""
    try:
        sentence = str(inspect(files, UploadData(files=(UploadedFile(file="x"),), **options)).error)
    except DataError as error:
        sentence = str(error)
    return DETAILS.sub("(...)", sentence)


def named(cases: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return cases with a name that no other has."""
    return [(f"{number}. {case.name}", case) for number, case in enumerate(cases)]


def everything() -> dict[str, dict[str, Any]]:
    """Return what is told of all files."""
    return {
        "good": {name: told_of_good(case.files) for name, case in named(GOOD + FOUND)},
        "bad": {name: told_of_bad(case.files, case.options) for name, case in named(BAD)},
    }


def as_json(told: Any) -> str:
    """Return JSON as it is kept: characters that cannot be written, and odd ones, are escaped."""
    return json.dumps(told, indent=1) + "\n"


if __name__ == "__main__":
    TOLD.write_text(as_json(everything()), "utf-8")
