"""Next-character prediction on a text: the bundled one as the task `text`, or any other."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnncore.data.baselines import frequency_loss
from rnncore.data.bundled import bundled_file
from rnncore.data.dataset import Batch, DataError, Guess, SequenceDataset
from rnncore.data.guesses import constant_logits
from rnncore.data.sampling import evenly_spaced, fresh_batches
from rnncore.data.tasks import one_hot, task
from rnncore.records import Baseline
from rnncore.words import many

MAX_VOCABULARY = 256
MAX_CHARACTERS = 5_000_000
BUNDLED_TEXT, TEXT_VAL_FRACTION = "shakespeare.txt", 0.1
_VALIDATION_WINDOWS = 128
_PIECE = 1 << 16  # characters
_WHITE_SPACE = {" ": "space", "\n": "newline", "\t": "tab"}


@task(
    title="Text",
    description="Plays by Shakespeare, character by character: at every timestep the network must predict the next "
    "character. The first nine tenths are for training, the last tenth for validation.",
    source="the first 150,000 characters of the 'tiny shakespeare' text (A. Karpathy, char-rnn), public domain",
    seq_len=100,
)
def text(seq_len: int) -> SequenceDataset:
    """Random windows of the bundled text; target at each step: the character that follows."""
    return text_dataset("text", bundled_file(BUNDLED_TEXT).decode("utf-8"), seq_len, TEXT_VAL_FRACTION)


def text_dataset(
    name: str, characters: str, seq_len: int, val_fraction: float, notes: tuple[str, ...] = ()
) -> SequenceDataset:
    """Cut a text into windows of seq_len characters (one-hot) whose targets are the characters one place on.

    Training windows start at random places of the first part, validation windows evenly spaced in the last.
    The vocabulary is that of the training part; rarer characters beyond MAX_VOCABULARY and characters that occur only
    in the validation part share one symbol.

    Raises:
        DataError: the text is too short for the window, or has only one character.
    """
    if len(characters) > MAX_CHARACTERS:
        notes += (f"The first {MAX_CHARACTERS:,} of {len(characters):,} characters are used.",)
        characters = characters[:MAX_CHARACTERS]
    codes = np.frombuffer(characters.encode("utf-32-le", "replace"), np.uint32)
    border = round(len(codes) * (1 - val_fraction))
    if border < seq_len + 2 or len(codes) - border < seq_len + 1:
        raise DataError(
            f"The text is too short: {many(border, 'character')} for training and {len(codes) - border:,} for "
            f"validation, and windows of {seq_len:,} need at least {seq_len + 2:,} and {seq_len + 1:,}; "
            "choose a shorter window."
        )
    symbols, size, rare = _symbols(codes, border)
    if size < 2:
        raise DataError("The text consists of one character repeated, so there is nothing to learn.")
    if rare:
        notes += (f"One symbol stands for {many(rare, 'character')} that the training part rarely has, or never.",)
    train, held_out = symbols[:border], symbols[border:]
    windows = sliding_window_view(train, seq_len + 1)

    def batch(rows: NDArray[np.uint16]) -> Batch:
        return Batch(one_hot(rows[:, :-1], size), rows[:, 1:].astype(np.int64))

    def sample(rng: np.random.Generator, count: int) -> Batch:
        return batch(windows[rng.integers(0, len(windows), count)])

    later = sliding_window_view(held_out, seq_len + 1)
    chosen = evenly_spaced(len(later), _VALIDATION_WINDOWS, seq_len * size)
    validation = batch(later if chosen is None else later[chosen])
    counts = np.bincount(train.ravel(), minlength=size) + 1.0
    shares = np.log(counts / counts.sum())
    notes += (
        f"{len(codes):,} characters, {size} different symbols; the first {border:,} are for training, the last "
        f"{len(codes) - border:,} for validation.",
    )
    return SequenceDataset(
        name=name,
        input_size=size,
        output_size=size,
        seq_len=seq_len,
        target="multiclass",
        per_step=True,
        train_batch=fresh_batches(sample),
        validation=validation,
        baselines={
            "cross_entropy": (
                Baseline("guess", math.log(size)),
                Baseline("character frequencies", frequency_loss(train, validation.targets, size)),
            )
        },
        guesses=(
            Guess("guess", constant_logits(np.zeros(size)), constant=True),
            Guess("character frequencies", constant_logits(shares), constant=True),
        ),
        metric="bits per character",
        metric_function=_bits_per_character,
        notes=notes,
        class_names=_names(characters, symbols, rare > 0),
    )


def _symbols(codes: NDArray[np.uint32], border: int) -> tuple[NDArray[np.uint16], int, int]:
    """Return the text as symbol numbers, how many symbols there are, and how many characters share the last one."""
    counts, later = np.bincount(codes[:border]), np.bincount(codes)
    known = np.flatnonzero(counts)
    if len(known) > MAX_VOCABULARY:
        known = np.sort(known[np.argsort(-counts[known], kind="stable")[: MAX_VOCABULARY - 1]])
    rare = int((later > 0).sum()) - len(known)
    numbers = np.full(len(later), len(known), np.uint16)
    numbers[known] = np.arange(len(known))
    return numbers[codes], len(known) + (rare > 0), rare


def _names(characters: str, symbols: NDArray[np.uint16], with_rare: bool) -> tuple[str, ...]:
    """Return the character that each symbol stands for, white space in words."""
    first: dict[int, int] = {}  # every symbol occurs
    for start in range(0, len(symbols), _PIECE):
        for symbol, place in zip(*np.unique(symbols[start : start + _PIECE], return_index=True), strict=True):
            first.setdefault(int(symbol), start + int(place))
    names = [_WHITE_SPACE.get(characters[first[symbol]], characters[first[symbol]]) for symbol in sorted(first)]
    return (*names[:-1], "other") if with_rare else tuple(names)


def _bits_per_character(outputs: NDArray[np.float32], batch: Batch) -> float:
    shifted = outputs - outputs.max(-1, keepdims=True)  # (B, T, V)
    chosen = np.take_along_axis(shifted, batch.targets[..., None], -1)[..., 0]
    return float(np.mean(np.log(np.exp(shifted).sum(-1)) - chosen) / math.log(2))
