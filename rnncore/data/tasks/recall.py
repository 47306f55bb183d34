"""Tasks that tell cells apart: symbols from random places, one from long ago, the value that goes with a key."""

import math

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, Guess, SequenceDataset
from rnncore.data.guesses import constant_logits
from rnncore.data.metrics import error_rate
from rnncore.data.sampling import VALIDATION_SIZE, fresh_batches, validation_rng
from rnncore.data.tasks import one_hot, require, task
from rnncore.data.tasks.memory import CERTAIN
from rnncore.records import Baseline

_VALUES = 8  # of a symbol to be copied; then come the blank and the marker
_LETTERS, _DIGITS = 26, 10  # keys and values of associative recall; then comes the blank


@task(
    title="Selective copying",
    description="Symbols, each one of eight, stand at random places of a sequence that is blank otherwise; then a "
    "marker comes as often as there were symbols, and each time the network must say the next of them. When they come "
    "is not known before: what to keep depends on the input. 'Symbols' is how many there are.",
    source="Gu & Dao (2023), Mamba: linear-time sequence modeling with selective state spaces, section 4.1.1",
    seq_len=50,
    symbols=8,
)
def selective_copying(seq_len: int, symbols: int) -> SequenceDataset:
    """T timesteps with K symbols of 8 at random places, else blank (8), then K markers (9): now the K symbols."""
    require(
        symbols <= seq_len,
        f"symbols: {symbols} is not allowed with the task 'selective_copying' and seq_len {seq_len}; "
        f"allowed: 1 to {seq_len}.",
    )
    total, blank, marker = seq_len + symbols, _VALUES, _VALUES + 1

    def sample(rng: np.random.Generator, count: int) -> Batch:
        places = np.sort(rng.random((count, seq_len)).argsort(1)[:, :symbols], 1)  # (B, K)
        words = rng.integers(0, _VALUES, (count, symbols))
        stream = np.full((count, total), blank)
        np.put_along_axis(stream, places, words, 1)
        stream[:, seq_len:] = marker
        targets = np.full((count, total), blank, np.int64)
        targets[:, seq_len:] = words
        return Batch(one_hot(stream, _VALUES + 2), targets)

    def recalled(outputs: NDArray[np.float32], batch: Batch) -> float:
        return float((outputs.argmax(-1) == batch.targets)[:, seq_len:].mean())

    def relevant(batch: Batch) -> NDArray[np.bool_]:
        """The last symbol, which is what the last marker asks for."""
        given: NDArray[np.bool_] = np.any(batch.inputs[:, :seq_len, :_VALUES] > 0, axis=2)
        last = seq_len - 1 - given[:, ::-1].argmax(1)
        marks = np.zeros(batch.targets.shape, bool)
        marks[np.arange(len(marks)), last] = True
        return marks

    no_memory = "no memory: blanks, then a guess"

    def blanks_then_guess(batch: Batch) -> NDArray[np.float64]:
        logits = np.zeros((*batch.targets.shape, _VALUES + 1))
        logits[:, :seq_len, blank], logits[:, seq_len:, blank] = CERTAIN, -CERTAIN
        return logits

    return SequenceDataset(
        name="selective_copying",
        input_size=_VALUES + 2,
        output_size=_VALUES + 1,
        seq_len=total,
        target="multiclass",
        per_step=True,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={"cross_entropy": (Baseline(no_memory, symbols * math.log(_VALUES) / total),)},
        guesses=(Guess(no_memory, blanks_then_guess, constant=True),),
        metric="share of symbols recalled",
        metric_function=recalled,
        relevant=relevant,
        class_names=(*map(str, range(_VALUES)), "blank"),
    )


@task(
    title="Long delayed recall",
    description="The first timestep brings one of a few symbols, all others bring noise; after the last one the "
    "network must say which symbol it was. The length T alone makes it hard; 1,000 timesteps are a good test. "
    "'Symbols' is how many there are to choose from.",
    source="after the latching problem of Bengio, Simard & Frasconi (1994), section II",
    seq_len=200,
    symbols=4,
)
def long_recall(seq_len: int, symbols: int) -> SequenceDataset:
    """x_1 = one of K symbols, one-hot; from then on noise N(0, 1) in a channel of its own; class = the symbol."""
    require(symbols >= 2, f"symbols: {symbols} is not allowed with the task 'long_recall'; allowed: 2 to 100.")

    def sample(rng: np.random.Generator, count: int) -> Batch:
        targets = rng.integers(0, symbols, count)
        inputs = np.zeros((count, seq_len, symbols + 1), np.float32)
        inputs[np.arange(count), 0, targets] = 1
        inputs[:, 1:, symbols] = rng.standard_normal((count, seq_len - 1), np.float32)
        return Batch(inputs, targets.astype(np.int64))

    def relevant(batch: Batch) -> NDArray[np.bool_]:
        marks = np.zeros(batch.inputs.shape[:2], bool)
        marks[:, 0] = True
        return marks

    return SequenceDataset(
        name="long_recall",
        input_size=symbols + 1,
        output_size=symbols,
        seq_len=seq_len,
        target="multiclass",
        per_step=False,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={"cross_entropy": (Baseline("guess", math.log(symbols)),)},
        guesses=(Guess("guess", constant_logits(np.zeros(symbols)), constant=True),),
        metric="error rate",
        metric_function=error_rate,
        relevant=relevant,
    )


@task(
    title="Associative recall",
    description="Pairs of a letter and a digit, all letters different, then blanks, then one of the letters again: the "
    "network must say which digit went with it. It has to keep all pairs, and which is asked for it learns last. "
    "'Symbols' is the number of pairs.",
    source="Ba et al. (2016), Using fast weights to attend to the recent past, section 4.1",
    seq_len=20,
    symbols=4,
)
def associative_recall(seq_len: int, symbols: int) -> SequenceDataset:
    """x = k_1 v_1 ... k_K v_K, blanks, k_j; class = v_j; keys are 26 letters, values 10 digits, one-hot."""
    most = min(_LETTERS, (seq_len - 1) // 2)
    require(
        symbols <= most,
        f"symbols: {symbols} is not allowed with the task 'associative_recall' and seq_len {seq_len}; allowed: "
        f"{f'1 to {most}' if most else 'a seq_len of 3 or more'}.",
    )
    blank = _LETTERS + _DIGITS

    def sample(rng: np.random.Generator, count: int) -> Batch:
        keys = rng.random((count, _LETTERS)).argsort(1)[:, :symbols]  # (B, K), all different
        values = rng.integers(0, _DIGITS, (count, symbols))
        asked, rows = rng.integers(0, symbols, count), np.arange(count)
        stream = np.full((count, seq_len), blank)
        stream[:, : 2 * symbols : 2], stream[:, 1 : 2 * symbols : 2] = keys, _LETTERS + values
        stream[:, -1] = keys[rows, asked]
        return Batch(one_hot(stream, blank + 1), values[rows, asked].astype(np.int64))

    def relevant(batch: Batch) -> NDArray[np.bool_]:
        """The letter that is asked for, both times, and its digit."""
        same = (batch.inputs == batch.inputs[:, -1:]).all(2)  # (B, T)
        marks: NDArray[np.bool_] = same.copy()
        marks[:, 1:] |= same[:, :-1]
        return marks

    return SequenceDataset(
        name="associative_recall",
        input_size=blank + 1,
        output_size=_DIGITS,
        seq_len=seq_len,
        target="multiclass",
        per_step=False,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={"cross_entropy": (Baseline("guess", math.log(_DIGITS)),)},
        guesses=(Guess("guess", constant_logits(np.zeros(_DIGITS)), constant=True),),
        metric="error rate",
        metric_function=error_rate,
        relevant=relevant,
        class_names=tuple(map(str, range(_DIGITS))),
    )
