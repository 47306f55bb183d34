"""Tasks that need a memory of early inputs: adding, temporal order, copying, delayed recall, xor, parity; and noise."""

import math

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, Guess, SequenceDataset
from rnncore.data.guesses import constant_logits
from rnncore.data.metrics import error_rate, wrong_answers
from rnncore.data.sampling import VALIDATION_SIZE, finite_batches, fresh_batches, validation_rng
from rnncore.data.tasks import one_hot, require, task
from rnncore.records import Baseline


@task(
    title="Adding problem",
    description="Each timestep brings a random number and a marker; two markers are set, one in each half of the "
    "sequence. After the last step the network must say the sum of the two marked numbers. It has to keep the first "
    "one until the second arrives, while everything in between is noise.",
    source="Hochreiter & Schmidhuber (1997), Long short-term memory, experiment 4",
    seq_len=50,
)
def adding(seq_len: int) -> SequenceDataset:
    """x_t = (u_t ~ U[0,1], marker); target = sum of the two marked values."""

    def sample(rng: np.random.Generator, count: int) -> Batch:
        inputs = np.zeros((count, seq_len, 2), np.float32)  # (B, T, 2)
        inputs[:, :, 0] = rng.random((count, seq_len), np.float32)
        rows, half = np.arange(count), seq_len // 2
        first, second = rng.integers(0, half, count), rng.integers(half, seq_len, count)  # (B,) each
        inputs[rows, first, 1] = inputs[rows, second, 1] = 1
        targets = inputs[rows, first, 0] + inputs[rows, second, 0]  # (B,)
        return Batch(inputs, targets[:, None])

    # Var(u + v) = 1/6 and E|u + v - 1| = 1/3; with one addend known what remains is U[-1/2, 1/2]. Huber's delta is 1,
    # no error exceeds it, so the Huber loss is half the squared error.
    know_none, know_one = "predict 1", "one number known"

    def first_known(batch: Batch) -> NDArray[np.float32]:
        first = batch.inputs[:, :, 1].argmax(1)  # (B,)
        known: NDArray[np.float32] = batch.inputs[np.arange(len(first)), first, :1] + np.float32(0.5)
        return known

    return SequenceDataset(
        name="adding",
        input_size=2,
        output_size=1,
        seq_len=seq_len,
        target="regression",
        per_step=False,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={
            "mse": (Baseline(know_none, 1 / 6), Baseline(know_one, 1 / 12)),
            "mae": (Baseline(know_none, 1 / 3), Baseline(know_one, 1 / 4)),
            "huber": (Baseline(know_none, 1 / 12), Baseline(know_one, 1 / 24)),
        },
        guesses=(
            Guess(know_none, lambda batch: np.ones_like(batch.targets), constant=True),
            Guess(know_one, first_known, knows=True),
        ),
        # The criterion of experiment 4: a sequence is processed correctly if the absolute error is below .04.
        metric="share with |error| < .04",
        metric_function=lambda outputs, batch: float(np.mean(np.abs(outputs - batch.targets) < 0.04)),
        relevant=lambda batch: batch.inputs[:, :, 1] > 0,
    )


CERTAIN = 30.0  # a logit so far above the others that its class has the probability 1, to 13 digits
_ORDER_PLACES = (0.1, 0.5), (0.1, 0.3, 0.6)


@task(
    title="Temporal order",
    description="Two (or three) relevant symbols, each A or B, are hidden among distractors: the first between 10 % "
    "and 20 % of the sequence, the second between 50 % and 60 % (with three: at 10, 30 and 60 %). After the last step "
    "the network must say which symbols came in which order: 4 (or 8) classes.",
    source="Hochreiter & Schmidhuber (1997), experiment 6, as in the code of Pascanu, Mikolov & Bengio (2013)",
    seq_len=50,
    symbols=2,
)
def temporal_order(seq_len: int, symbols: int) -> SequenceDataset:
    """Six one-hot symbols; class = sum of v_i 2^i over the relevant symbols v_i in {0, 1} at places p_i."""
    require(symbols in (2, 3), f"symbols: {symbols} is not allowed with the task 'temporal_order'; allowed: 2 or 3.")
    tenth = int(seq_len * 0.1)
    require(tenth > 0, f"seq_len: {seq_len} is not allowed with the task 'temporal_order'; allowed: 10 or more.")
    starts = [int(seq_len * share) for share in _ORDER_PLACES[symbols - 2]]
    classes = 2**symbols

    def sample(rng: np.random.Generator, count: int) -> Batch:
        stream = rng.integers(2, 6, (count, seq_len))  # (B, T), the four distractors
        targets = np.zeros(count, np.int64)
        for bit, start in enumerate(starts):
            places = start + rng.integers(0, tenth, count)
            values = rng.integers(0, 2, count)
            stream[np.arange(count), places] = values
            targets += values << bit
        return Batch(one_hot(stream, 6), targets)

    return SequenceDataset(
        name="temporal_order",
        input_size=6,
        output_size=classes,
        seq_len=seq_len,
        target="multiclass",
        per_step=False,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={"cross_entropy": (Baseline("guess", math.log(classes)),)},
        guesses=(Guess("guess", constant_logits(np.zeros(classes)), constant=True),),
        metric="error rate",
        metric_function=error_rate,
        relevant=lambda batch: np.any(batch.inputs[:, :, :2] > 0, axis=2),
        class_names=tuple("".join("AB"[number >> bit & 1] for bit in range(symbols)) for number in range(classes)),
    )


@task(
    title="Copy memory",
    description="Ten symbols, each one of eight, then a long blank stretch, then a marker: now the network must say "
    "the ten symbols in order. T is the length of the stretch; the sequence has T + 20 timesteps, each with a target "
    "(blank until the marker). 'Symbols' is how many are to be remembered.",
    source="Hochreiter & Schmidhuber (1997), as in Arjovsky, Shah & Bengio (2016), Unitary evolution RNNs, 4.1",
    seq_len=50,
    symbols=10,
)
def copy_memory(seq_len: int, symbols: int) -> SequenceDataset:
    """K symbols of 8, T-1 blanks (8), a marker (9), K blanks; target: T+K blanks, then the K symbols."""
    total = seq_len + 2 * symbols
    blank, marker = 8, 9

    def sample(rng: np.random.Generator, count: int) -> Batch:
        words = rng.integers(0, 8, (count, symbols))
        stream = np.full((count, total), blank)
        stream[:, :symbols] = words
        stream[:, symbols + seq_len - 1] = marker
        targets = np.full((count, total), blank, np.int64)
        targets[:, -symbols:] = words
        return Batch(one_hot(stream, 10), targets)

    def recall(outputs: NDArray[np.float32], batch: Batch) -> float:
        return float((outputs.argmax(-1) == batch.targets)[:, -symbols:].mean())

    def relevant(batch: Batch) -> NDArray[np.bool_]:
        marks = np.zeros(batch.targets.shape, bool)
        marks[:, :symbols] = True
        return marks

    no_memory = "no memory: blanks, then a guess"

    def blanks_then_guess(batch: Batch) -> NDArray[np.float64]:
        logits = np.zeros((*batch.targets.shape, 9))
        logits[:, :-symbols, blank], logits[:, -symbols:, blank] = CERTAIN, -CERTAIN
        return logits

    return SequenceDataset(
        name="copy_memory",
        input_size=10,
        output_size=9,
        seq_len=total,
        target="multiclass",
        per_step=True,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={"cross_entropy": (Baseline(no_memory, symbols * math.log(8) / total),)},
        guesses=(Guess(no_memory, blanks_then_guess, constant=True),),
        metric="share of symbols recalled",
        metric_function=recall,
        relevant=relevant,
        class_names=(*(str(symbol) for symbol in range(8)), "blank"),
    )


@task(
    title="Delayed recall",
    description="A stream of random bits; at every timestep the network must say the bit of d steps ago (before that "
    "many have come: 0). The delay d alone decides how far back the gradient has to reach.",
    source="delayed copy of a random stream, as in Engelken (2023), Gradient flossing",
    seq_len=50,
    delay=10,
)
def delayed_recall(seq_len: int, delay: int) -> SequenceDataset:
    """y_t = s_{t-d}, s random bits, s_t = 0 before the start; inputs are 2 s - 1."""
    return _delayed("delayed_recall", seq_len, (delay,))


@task(
    title="Delayed XOR",
    description="A stream of random bits; at every timestep the network must say whether the bits of d and of 2d "
    "steps ago differ (bits before the start count as 0). It takes a memory and a non-linear step at once.",
    source="Engelken (2023), Gradient flossing: improving gradient descent through dynamic control of Jacobians",
    seq_len=50,
    delay=5,
)
def delayed_xor(seq_len: int, delay: int) -> SequenceDataset:
    """y_t = s_{t-d} xor s_{t-2d}, s random bits, s_t = 0 before the start; inputs are 2 s - 1."""
    return _delayed("delayed_xor", seq_len, (delay, 2 * delay))


def _delayed(name: str, seq_len: int, lags: tuple[int, ...]) -> SequenceDataset:
    longest = lags[-1]
    require(
        longest < seq_len,
        f"delay: {lags[0]} is not allowed with the task '{name}' and seq_len {seq_len}; "
        f"allowed: 1 to {(seq_len - 1) // len(lags)}.",
    )

    def sample(rng: np.random.Generator, count: int) -> Batch:
        bits = rng.integers(0, 2, (count, seq_len))  # (B, T)
        targets = np.zeros((count, seq_len), np.int64)
        for lag in lags:
            targets[:, lag:] ^= bits[:, :-lag]
        return Batch((2 * bits - 1).astype(np.float32)[:, :, None], targets)

    def late_error_rate(outputs: NDArray[np.float32], batch: Batch) -> float:
        return float((outputs.argmax(-1) != batch.targets)[:, longest:].mean())

    def relevant(batch: Batch) -> NDArray[np.bool_]:
        marks = np.zeros(batch.targets.shape, bool)
        marks[:, [seq_len - 1 - lag for lag in lags]] = True
        return marks

    silent = (seq_len - lags[0]) / seq_len * math.log(2)
    start_known = "only the silent start known"

    def silent_start(batch: Batch) -> NDArray[np.float64]:
        logits = np.zeros((*batch.targets.shape, 2))
        logits[:, : lags[0], 0] = CERTAIN
        return logits

    return SequenceDataset(
        name=name,
        input_size=1,
        output_size=2,
        seq_len=seq_len,
        target="multiclass",
        per_step=True,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={"cross_entropy": (Baseline("guess", math.log(2)), Baseline(start_known, silent))},
        guesses=(
            Guess("guess", constant_logits(np.zeros(2)), constant=True),
            Guess(start_known, silent_start, constant=True),
        ),
        metric="error rate once all bits have come",
        metric_function=late_error_rate,
        relevant=relevant,
    )


@task(
    title="Parity",
    description="A sequence of random signs, +1 or -1; after the last step the network must say the sign of their "
    "product. Every single input reverses the answer, so no part of the sequence may be forgotten.",
    source="the parity problem of Minsky & Papert (1969), sequential as in Hochreiter & Schmidhuber (1997), section 5",
    seq_len=10,
)
def parity(seq_len: int) -> SequenceDataset:
    """x_t = +-1; target = 1 where the product of all x_t is positive, else 0."""

    def sample(rng: np.random.Generator, count: int) -> Batch:
        signs = (2 * rng.integers(0, 2, (count, seq_len)) - 1).astype(np.float32)
        return Batch(signs[:, :, None], (signs.prod(1, keepdims=True) > 0).astype(np.float32))

    return SequenceDataset(
        name="parity",
        input_size=1,
        output_size=1,
        seq_len=seq_len,
        target="binary",
        per_step=False,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={"bce": (Baseline("guess", math.log(2)),)},
        guesses=(Guess("guess", lambda batch: np.zeros_like(batch.targets), constant=True),),
        metric="error rate",
        metric_function=wrong_answers,
        relevant=lambda batch: np.ones(batch.inputs.shape[:2], bool),
        class_names=("negative", "positive"),
    )


NOISE_TRAIN_SIZE = 100


@task(
    title="Noise",
    description="One hundred sequences of random numbers with random targets: there is nothing to learn. On new "
    "sequences no network can do better than always predicting 1/2 (MSE 1/12); a lower training loss is "
    "memorisation. This is the example of many tutorials on gradient clipping.",
    source="uniform noise, X = U[0,1]^(100 x 10 x 1), y = U[0,1]^(100 x 1)",
    seq_len=10,
)
def noise(seq_len: int) -> SequenceDataset:
    """100 fixed training sequences of U[0,1] numbers, each with an independent U[0,1] target."""

    def sample(rng: np.random.Generator, count: int) -> Batch:
        return Batch(rng.random((count, seq_len, 1), np.float32), rng.random((count, 1), np.float32))

    train = sample(validation_rng(stream=2), NOISE_TRAIN_SIZE)
    chance = "predict 1/2"
    return SequenceDataset(
        name="noise",
        input_size=1,
        output_size=1,
        seq_len=seq_len,
        target="regression",
        per_step=False,
        train_batch=finite_batches(NOISE_TRAIN_SIZE, lambda rows: Batch(train.inputs[rows], train.targets[rows])),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        train_size=NOISE_TRAIN_SIZE,
        baselines={
            "mse": (Baseline(chance, 1 / 12),),
            "mae": (Baseline(chance, 1 / 4),),
            "huber": (Baseline(chance, 1 / 24),),
        },
        guesses=(Guess(chance, lambda batch: np.full_like(batch.targets, 0.5), constant=True),),
    )
