"""The embedded Reber grammar: strings whose last but one symbol repeats the second one."""

import math

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, Guess, SequenceDataset
from rnncore.data.guesses import constant_logits
from rnncore.data.sampling import finite_batches, validation_rng
from rnncore.data.tasks import one_hot, task
from rnncore.records import Baseline

SYMBOLS = "BTSXPVE"
# Reber's automaton (Hochreiter & Schmidhuber 1997, figure 3): state -> symbol -> next state; 7 is the end.
_REBER = {0: "B1", 1: "T2 P3", 2: "S2 X4", 3: "T3 V5", 4: "X3 S6", 5: "P4 V6", 6: "E7"}
_ENTRY, _END = 0, 19
TRAIN_SIZE = VALIDATION_SIZE = 256


def _embedded() -> NDArray[np.int64]:
    """Return the automaton of the embedded grammar: (state, symbol) -> next state, -1 where illegal, (20, 7)."""
    arrows = [(_ENTRY, "B", 1), (1, "T", 2), (1, "P", 10)]
    for symbol, first in (("T", 2), ("P", 10)):  # one copy of Reber's grammar for each embedded symbol
        arrows += [
            (first + state, arrow[0], first + int(arrow[1])) for state, row in _REBER.items() for arrow in row.split()
        ]
        arrows.append((first + 7, symbol, 18))
    arrows.append((18, "E", _END))
    table = np.full((20, len(SYMBOLS)), -1)
    for state, letter, following in arrows:
        table[state, SYMBOLS.index(letter)] = following
    return table


NEXT_STATE = _embedded()
_LEGAL = NEXT_STATE >= 0  # (20, 7)
_ILLEGAL = -30.0  # a logit so far below the others that its class has the probability 0, to 13 digits


@task(
    title="Embedded Reber grammar",
    description="Strings of seven symbols from a small automaton; at every timestep the network must predict the next "
    "symbol. Most of it is local, but the last but one symbol repeats the second: that one has to be kept while the "
    "inner string, which tells nothing about it, goes by. A string counts as processed if at every step the most "
    "active outputs are exactly the legal successors.",
    source="Hochreiter & Schmidhuber (1997), experiment 1: 256 training and 256 test strings",
    seq_len=40,
)
def embedded_reber(seq_len: int) -> SequenceDataset:
    """Random strings of at most seq_len symbols, longer ones drawn again; inputs are all but the last symbol."""
    shortest = 9
    longest = max(seq_len, shortest)
    train_words, held_words = (_strings(validation_rng(stream), TRAIN_SIZE, longest) for stream in (2, 1))
    steps = max(len(word) for word in (*train_words, *held_words)) - 1
    train, validation = _batch(train_words, steps), _batch(held_words, steps)
    legal = _legal(validation)  # (B, T, 7)
    choices = np.log(legal.sum(-1), where=legal.any(-1), out=np.zeros(legal.shape[:2])).sum(1)  # (B,)
    lengths = validation.lengths
    assert lengths is not None

    def processed(outputs: NDArray[np.float32], batch: Batch) -> float:
        allowed = _legal(batch)
        worst_legal = np.where(allowed, outputs, np.inf).min(-1)
        best_illegal = np.where(allowed, -np.inf, outputs).max(-1)  # (B, T)
        return float(((worst_legal > best_illegal) | ~allowed.any(-1)).all(1).mean())

    def second(batch: Batch) -> NDArray[np.bool_]:
        marks = np.zeros(batch.targets.shape, bool)
        marks[:, 1] = True
        return marks

    return SequenceDataset(
        name="embedded_reber",
        input_size=len(SYMBOLS),
        output_size=len(SYMBOLS),
        seq_len=steps,
        target="multiclass",
        per_step=True,
        train_batch=finite_batches(TRAIN_SIZE, lambda rows: _rows(train, rows)),
        validation=validation,
        train_size=TRAIN_SIZE,
        baselines={
            "cross_entropy": (
                Baseline("guess", math.log(len(SYMBOLS))),
                Baseline("second symbol forgotten", float(np.mean((choices + math.log(2)) / lengths))),
                Baseline("grammar known", float(np.mean(choices / lengths))),
            )
        },
        guesses=(
            Guess("guess", constant_logits(np.zeros(len(SYMBOLS))), constant=True),
            Guess("second symbol forgotten", lambda batch: _knowing(batch, embedded_too=False), knows=True),
            Guess("grammar known", lambda batch: _knowing(batch, embedded_too=True), knows=True),
        ),
        metric="share of strings processed",
        metric_function=processed,
        relevant=second,
        class_names=tuple(SYMBOLS),
    )


def _strings(rng: np.random.Generator, count: int, longest: int) -> list[list[int]]:
    words: list[list[int]] = []
    while len(words) < count:
        state, word = _ENTRY, []
        while state != _END:
            symbol = int(rng.choice(np.flatnonzero(_LEGAL[state])))
            word.append(symbol)
            state = int(NEXT_STATE[state, symbol])
        if len(word) <= longest:
            words.append(word)
    return words


def _batch(words: list[list[int]], steps: int) -> Batch:
    lengths = np.array([len(word) - 1 for word in words])
    inputs = np.zeros((len(words), steps, len(SYMBOLS)), np.float32)
    targets = np.zeros((len(words), steps), np.int64)
    for row, word in enumerate(words):
        inputs[row, : len(word) - 1] = one_hot(np.array(word[:-1]), len(SYMBOLS))
        targets[row, : len(word) - 1] = word[1:]
    return Batch(inputs, targets, lengths)


def _rows(batch: Batch, rows: NDArray[np.int64]) -> Batch:
    assert batch.lengths is not None
    return Batch(batch.inputs[rows], batch.targets[rows], batch.lengths[rows])


def _knowing(batch: Batch, embedded_too: bool) -> NDArray[np.float64]:
    """Return logits (B, T, 7) that give all that may follow the same probability.

    embedded_too: whether the second symbol is remembered; otherwise the one that repeats it may be either.
    """
    legal = _legal(batch)
    assert batch.lengths is not None
    if not embedded_too:
        rows = np.arange(len(legal))
        legal[rows, batch.lengths - 2] |= _LEGAL[1]  # the same two symbols as at the second place
    return np.where(legal, 0.0, _ILLEGAL)


def _legal(batch: Batch) -> NDArray[np.bool_]:
    """Return which symbols may follow at each step, (B, T, 7); none on padding."""
    assert batch.lengths is not None
    symbols = batch.inputs.argmax(-1)  # (B, T)
    state = np.full(len(symbols), _ENTRY)
    legal = np.zeros(batch.inputs.shape, bool)
    for t in range(symbols.shape[1]):
        inside = t < batch.lengths
        state = np.where(inside, NEXT_STATE[state, symbols[:, t]], state)
        legal[:, t] = _LEGAL[state] & inside[:, None]
    return legal
