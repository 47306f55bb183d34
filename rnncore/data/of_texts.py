"""Texts become a data set: one to be continued, or many with a label each."""

from dataclasses import replace

import numpy as np

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.inspection import Alternative, Inspection
from rnncore.data.of_sequences import of_sequences
from rnncore.data.roles.file_names import FILE_LABEL
from rnncore.data.scaling import Scaling
from rnncore.data.sequences import Sequences
from rnncore.data.tasks.text import text_dataset
from rnncore.data.texts import Texts, files_with_labels, label_of_files, lines_are_texts, lines_with_labels
from rnncore.words import many

_TEXT_WINDOW = 100


def of_texts(texts: Texts, options: UploadData, scaling: Scaling) -> Inspection:
    """Read texts as one to be continued, or as one each with a label that the names of the files say."""
    classes, lines = label_of_files(texts), lines_are_texts(texts)
    chosen = options.layout == "text" and options.targets is not None
    labelled = options.targets == (FILE_LABEL,) if chosen else bool(classes) or lines > 0.5
    if not labelled:
        result = _continued(texts, options)
    else:
        sequences = files_with_labels(texts, classes) if classes else lines_with_labels(texts)
        result = labelled_texts(sequences, options.model_copy(update={"targets": (FILE_LABEL,)}), scaling)
        why = (
            "a file each, in folders or with names that say its class" if classes else "a line each of a file named so"
        )
        title = "Each file is a text with a label" if classes else "Each line is a text with the label of its file"
        result = replace(result, title=title, reason=f"The texts are short: {why}.")
    if chosen or classes or options.layout == "text" or not 0.2 < lines < 0.8:
        return result
    other = (
        _continued(texts, options)
        if labelled
        else of_texts(texts, options.model_copy(update={"layout": "text", "targets": (FILE_LABEL,)}), scaling)
    )
    return replace(result, alternatives=(Alternative(other.title, other.reason, other.options, other.sample, ()),))


def _continued(texts: Texts, options: UploadData) -> Inspection:
    """Read texts as one whose next character is to be predicted."""
    share = texts.held_out_share or options.val_fraction
    text = texts.in_time(share)
    window = options.window or min(_TEXT_WINDOW, max(2, int(len(text) * min(options.val_fraction, 0.5)) // 4))
    dataset, error = None, None
    notes: tuple[str, ...] = ()
    if len(texts.contents) > 1:
        end = "the files named so are" if texts.held_out_share else "of each the end is"
        notes = (f"{many(len(texts.contents), 'text')} as one; {end} for validation.",)
    try:
        dataset = text_dataset("text", text, window, share, notes)
    except DataError as problem:
        error = str(problem)
    filled = options.model_copy(update={"layout": "text", "window": window, "targets": (), "val_fraction": share})
    head = [{"text": line} for line in texts.contents[0][:5_000].splitlines()[:20]]
    notes = dataset.notes if dataset else (f"{many(len(text), 'character')}.",)
    reason = "The next character is to be predicted from those before it."
    title = "All texts together are one long text"
    return Inspection("text", filled, len(text), (), head, np.empty((0, 0)), (), notes, dataset, error, title, reason)


def labelled_texts(sequences: Sequences, options: UploadData, scaling: Scaling) -> Inspection:
    """Prepare texts with a label each, and tell what they are."""
    result = of_sequences(sequences, options.model_copy(update={"layout": "text"}), scaling)
    words = sequences.columns[0].categories
    first = sequences.values[0][: int(sequences.offsets[1])].astype(int)
    head = [{"text": "".join(words[code] if len(words[code]) == 1 else " " for code in first[:200])}]
    return replace(
        result, layout="text", rows=sequences.rows, columns=(), head=head, sample=np.empty((0, 0)), sample_names=()
    )
