"""What the names of files say: which are held out, which hold labels, which class each is of."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FILE_COLUMN = "file"  # of the table that several files make together
FILE_LABEL = "label by file name"
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_HELD_OUT = re.compile(r"^(data)?(tests?|testing|val|valid|validation|eval|evaluation|holdout|heldout)$", re.I)
_TRAINING = re.compile(r"^(data)?train(ing)?$", re.I)
_LABELS = re.compile(r"^(y|labels?|targets?|class(es)?|outputs?|answers?)$", re.I)


def held_out_files(names: Sequence[str]) -> NDArray[np.bool_] | None:
    """Return which files are a test set by their name, where others are not; else None, (files,)."""
    held_out = np.array([split_of(name) == "test" for name in names])
    return held_out if held_out.any() and not held_out.all() else None


def split_of(name: str) -> str:
    """Return which part of the data a file is by its name, or by that of a folder it is in: 'train', 'test' or ''."""
    folders = name.replace("\\", "/").split("/")[:-1]
    for part, words in (("train", _TRAINING), ("test", _HELD_OUT)):
        if _is_called(name, words) or any(map(words.match, folders)):
            return part
    return ""


def is_labels_file(name: str) -> bool:
    """Whether a file holds the labels of the rows of another, by its name."""
    return _is_called(name, _LABELS)


def _is_called(name: str, word: re.Pattern[str]) -> bool:
    stem = name.rsplit("/", 1)[-1]
    return any(word.match(part) for part in _WORDS.findall(stem.rsplit(".", 1)[0] if "." in stem else stem))


def classes_by_name(names: Sequence[str]) -> list[str] | None:
    """Return the class of each file where the names say it: walk_1, walk_2, run_1, run_2; else None."""
    words = [re.sub(r"[\W_]*\d+[\W_]*$", "", name.rsplit("/", 1)[-1].rsplit(".", 1)[0]) for name in names]
    counts = Counter(words)
    return words if len(counts) > 1 and all(words) and min(counts.values()) > 1 else None
