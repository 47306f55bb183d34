"""Texts: several as one to be continued, each cut in time; or each with a label, its characters as timesteps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.roles.file_names import FILE_LABEL, classes_by_name, held_out_files
from rnncore.data.sequences import Feature, Floats, Labels, Sequences, class_labels, offsets_of
from rnncore.words import many

MAX_CHARACTERS = 4_000_000  # of labelled texts together
MAX_SYMBOLS = 120  # different characters that are inputs of their own
_LINES, _LONG_LINE = 5, 400  # of a file whose lines are texts of their own: at least, and characters at most
_ENDS = re.compile(r"[.!?…\"')\]]\s*$")


@dataclass(frozen=True, slots=True)
class Texts:
    """Files of text as they were read: their names and contents."""

    names: tuple[str, ...]
    contents: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many characters there are."""
        return sum(map(len, self._ended()))

    @property
    def held_out_share(self) -> float | None:
        """How much of all characters the files are that are a test set by their names; None where none is."""
        held_out = held_out_files(self.names)
        if held_out is None:
            return None
        share = sum(len(text) for text, held in zip(self._ended(), held_out, strict=True) if held) / self.size
        return share if 0 < share < 0.9 else None

    def in_time(self, val_fraction: float) -> str:
        """Return one text: the beginnings of all files, then their ends, which are the last `val_fraction` of it.

        Files that are a test set by their names come last as a whole.
        """
        texts = self._ended()
        held_out = held_out_files(self.names)
        if held_out is not None and self.held_out_share is not None:
            return "".join(texts[int(place)] for place in np.argsort(held_out, kind="stable"))
        cuts = np.diff(np.round(np.cumsum([0, *map(len, texts)]) * (1 - val_fraction)).astype(int))
        pairs = list(zip(texts, cuts, strict=True))
        return "".join([text[:cut] for text, cut in pairs] + [text[cut:] for text, cut in pairs])

    def _ended(self) -> list[str]:
        """Return the contents, of several files each with a line end."""
        if len(self.contents) == 1:
            return list(self.contents)
        return [text if text.endswith("\n") else f"{text}\n" for text in self.contents]


def label_of_files(texts: Texts) -> list[str] | None:
    """Return the class of each file where files or their folders are named by classes, else None."""
    folders = [
        name.replace("\\", "/").rsplit("/", 2)[-2] if "/" in name.replace("\\", "/") else "" for name in texts.names
    ]
    if all(folders) and 1 < len(set(folders)) < len(folders):
        return folders
    return classes_by_name(texts.names)


def lines_are_texts(texts: Texts) -> float:
    """Return how likely each line of several files is a text of the class that the file is named by, from 0 to 1."""
    if len(texts.contents) < 2 or held_out_files(texts.names) is not None:
        return 0.0
    lines = [[line for line in content[:200_000].splitlines() if line.strip()] for content in texts.contents]
    if min(map(len, lines)) < _LINES or max(len(line) for own in lines for line in own) > 5 * _LONG_LINE:
        return 0.0
    flat = [line for own in lines for line in own]
    words = float(np.median([len(line.split()) for line in flat]))
    if words <= 3:
        return 0.9 if len(set(flat)) > 0.5 * len(flat) else 0.3
    ended = float(np.mean([bool(_ENDS.search(line)) for line in flat]))
    lengths = np.array([len(line) for line in flat])
    wrapped = float((lengths > 0.8 * np.quantile(lengths, 0.95)).mean()) > 0.5 and ended < 0.6
    return 0.2 if wrapped else 0.75 if ended > 0.8 else 0.5


def lines_with_labels(texts: Texts) -> Sequences:
    """Return every line of every file as a text whose class is the name of its file."""
    stems = [name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0] for name in texts.names]
    pairs = [
        (line.strip(), stem)
        for content, stem in zip(texts.contents, stems, strict=True)
        for line in content.splitlines()
        if line.strip()
    ]
    return labelled_texts("texts", [line for line, _ in pairs], class_labels(FILE_LABEL, [stem for _, stem in pairs]))


def files_with_labels(texts: Texts, classes: Sequence[str]) -> Sequences:
    """Return every file as a text with its class."""
    by_file = held_out_files(texts.names)
    labels = class_labels(FILE_LABEL, list(classes))
    return labelled_texts("texts", texts.contents, labels, by_file)


def labelled_texts(
    name: str, texts: Sequence[str], labels: Labels, held_out: NDArray[np.bool_] | None = None
) -> Sequences:
    """Return texts as sequences of characters, each with its label; empty ones and what is too much left out.

    Raises:
        DataError: no text has any character.
    """
    lengths = np.array([len(text) for text in texts])
    kept = lengths > 0
    total = many(int(lengths.sum()), "character")
    notes = [f"{many(len(texts), 'sequence')} with a text each: its characters are the timesteps, {total} together."]
    if not kept.any():
        raise DataError(f"Every text of '{name}' is empty.")
    if lengths.sum() > MAX_CHARACTERS:
        order = np.random.default_rng((0, 0, len(texts))).permutation(len(texts))
        fits = np.cumsum(lengths[order]) <= MAX_CHARACTERS
        few = np.zeros(len(texts), bool)
        few[order[fits]] = True
        kept &= few
        notes.append(
            f"{many(int(kept.sum()), 'text')}, drawn at random, are used: at most {MAX_CHARACTERS:,} characters."
        )
    places = np.flatnonzero(kept)
    joined = "".join(texts[int(place)] for place in places)
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    characters, values, rare = _symbols(codes)
    if rare:
        notes.append(f"One symbol stands for {many(rare, 'rare character')}.")
    return Sequences(
        name,
        (Feature("character", characters),),
        (values,),
        offsets_of(lengths[places]),
        tuple(str(place + 1) for place in places),
        (0,),
        labels=Labels(labels.names, labels.values[places], labels.classes),
        held_out=None if held_out is None else held_out[places],
        notes=tuple(notes),
    )


def _symbols(codes: NDArray[np.uint32]) -> tuple[tuple[str, ...], Floats, int]:
    """Return the characters that are inputs, the text as their numbers (M,), and how many rare ones share one."""
    counts = np.bincount(codes)
    known = np.flatnonzero(counts)
    common = np.sort(known[np.argsort(-counts[known], kind="stable")[: MAX_SYMBOLS - 1]])
    rare = len(known) - len(common)
    numbers = np.full(len(counts), len(common), np.float16)
    numbers[common] = np.arange(len(common))
    names = [{" ": "space", "\n": "newline", "\t": "tab"}.get(chr(code), chr(code)) for code in common]
    return (*names, *(["other"] if rare else [])), numbers[codes], rare
