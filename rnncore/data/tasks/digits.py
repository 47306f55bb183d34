"""Tasks with pictures: handwritten digits that come pixel by pixel, in their order or in a fixed random one."""

import gzip
import math
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, Guess, SequenceDataset
from rnncore.data.guesses import constant_logits
from rnncore.data.metrics import error_rate
from rnncore.data.sampling import finite_batches, validation_rng
from rnncore.data.tasks import task
from rnncore.records import Baseline

PIXELS, CLASSES, VALIDATION = 64, 10, 360
_FILE = "digits.csv.gz"
_SOURCE = "Le, Jaitly & Hinton (2015), section 4.2, there with MNIST; pictures: Alpaydin & Kaynak (1998), UCI"


@cache
def pictures() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return all 1,797 pictures (N, 64), pixels from 0 to 1, and their classes (N,), in a fixed random order."""
    packed = (resources.files("rnncore.data") / "bundled" / _FILE).read_bytes()
    rows = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",", dtype=np.float32)
    rows = rows[validation_rng(stream=3).permutation(len(rows))]
    return (rows[:, :PIXELS] / 16).astype(np.float32), rows[:, PIXELS].astype(np.int64)


@task(
    title="Digits, pixel by pixel",
    description="A handwritten digit of 8 x 8 pixels, shown one pixel at a time, row by row; after the last one the "
    "network must say which digit it was. 1,437 pictures to train on, 360 others to validate. With T above 64 blank "
    "timesteps follow, with T below 64 the rest of the picture is left out.",
    source=_SOURCE,
    seq_len=PIXELS,
    from_file=True,
)
def digits(seq_len: int) -> SequenceDataset:
    """x_t = pixel t of a picture; class = the digit."""
    return _dataset("digits", seq_len, np.arange(PIXELS))


@task(
    title="Digits, pixels permuted",
    description="Handwritten digits of 8 x 8 pixels, one pixel at a time, in an order that is random but the same for "
    "all pictures: what belongs together lies far apart. 1,437 pictures to train on, 360 others to validate. With T "
    "above 64 blank timesteps follow, with T below 64 the rest of the picture is left out.",
    source=_SOURCE,
    seq_len=PIXELS,
    from_file=True,
)
def permuted_digits(seq_len: int) -> SequenceDataset:
    """x_t = pixel p(t) of a picture, p a fixed random permutation; class = the digit."""
    return _dataset("permuted_digits", seq_len, validation_rng(stream=4).permutation(PIXELS))


def _dataset(name: str, seq_len: int, order: NDArray[np.int64]) -> SequenceDataset:
    shown, classes = pictures()
    inputs = np.zeros((len(shown), seq_len, 1), np.float32)
    inputs[:, :PIXELS, 0] = shown[:, order[:seq_len]]
    size = len(shown) - VALIDATION
    return SequenceDataset(
        name=name,
        input_size=1,
        output_size=CLASSES,
        seq_len=seq_len,
        target="multiclass",
        per_step=False,
        train_batch=finite_batches(size, lambda rows: Batch(inputs[rows], classes[rows])),
        validation=Batch(inputs[size:], classes[size:]),
        train_size=size,
        baselines={"cross_entropy": (Baseline("guess", math.log(CLASSES)),)},
        guesses=(Guess("guess", constant_logits(np.zeros(CLASSES)), constant=True),),
        metric="error rate",
        metric_function=error_rate,
        class_names=tuple(map(str, range(CLASSES))),
    )
