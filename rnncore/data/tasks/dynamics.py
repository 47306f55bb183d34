"""Time series of dynamical systems, to be forecast by one step: sines, Mackey-Glass, Lorenz."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnncore.data.baselines import regression_baselines
from rnncore.data.dataset import Batch, Guess, SequenceDataset
from rnncore.data.sampling import VALIDATION_SIZE, fresh_batches
from rnncore.data.tasks import task

_TRANSIENT = 1_000


@task(
    title="Sum of sines",
    description="Three sines of different, never repeating frequency: the network sees T values and must say the next. "
    "The signal is smooth, so a few recent values already go far.",
    source="(sin .2t + sin .311t + sin .42t) / 3, a benchmark of echo state networks (Jaeger 2001)",
    seq_len=50,
)
def sines(seq_len: int) -> SequenceDataset:
    """x_t = (sin .2t + sin .311t + sin .42t) / 3, t = 0, 1, 2, ...; target x_{t+1}."""
    return _forecast("sines", _sines, seq_len)


@task(
    title="Mackey-Glass",
    description="A chaotic series from a delay equation: how much a blood cell count grows depends on its value 17 "
    "steps ago. The network sees T values and must say the next.",
    source="Mackey & Glass (1977): x' = .2 x(t-17) / (1 + x(t-17)^10) - .1 x, Euler step 1, x0 = 1.2; standardised",
    seq_len=50,
)
def mackey_glass(seq_len: int) -> SequenceDataset:
    """Euler steps of 1, tau 17, a .2, b .1, n 10, x0 1.2 after 0; standardised; target the next value."""
    return _forecast("mackey_glass", _mackey_glass, seq_len)


@task(
    title="Lorenz system",
    description="Three coupled variables on the butterfly-shaped chaotic attractor. The network sees T points and must "
    "say the next one, all three coordinates.",
    source="Lorenz (1963), sigma 10, rho 28, beta 8/3, Runge-Kutta step .03; standardised",
    seq_len=50,
)
def lorenz(seq_len: int) -> SequenceDataset:
    """Runge-Kutta steps of .03 from (1, 1, 1); standardised by coordinate; target the next point."""
    return _forecast("lorenz", _lorenz, seq_len)


def _forecast(name: str, trajectory: Callable[[int], NDArray[np.float64]], seq_len: int) -> SequenceDataset:
    """Random windows of the first 80 % of a trajectory; validation windows, evenly spaced, of the rest."""
    values = _cached(trajectory, 20_000 + 10 * seq_len)  # (N, F)
    features = values.shape[1]
    border = int(0.8 * len(values))
    train, held_out = (
        sliding_window_view(part, seq_len + 1, axis=0).swapaxes(1, 2) for part in (values[:border], values[border:])
    )  # (N', T+1, F) each, views

    def sample(rng: np.random.Generator, count: int) -> Batch:
        return _split(train[rng.integers(0, len(train), count)])

    validation = _split(held_out[np.linspace(0, len(held_out) - 1, VALIDATION_SIZE).astype(np.int64)])
    mean = values.mean(0).astype(np.float32)
    return SequenceDataset(
        name=name,
        input_size=features,
        output_size=features,
        seq_len=seq_len,
        target="regression",
        per_step=False,
        train_batch=fresh_batches(sample),
        validation=validation,
        baselines=regression_baselines(
            {"predict the mean": np.broadcast_to(mean, values[1:].shape), "last value again": values[:-1]}, values[1:]
        ),
        guesses=(Guess("predict the mean", lambda batch: np.broadcast_to(mean, batch.targets.shape), constant=True),),
        metric="normalised error (RMSE / standard deviation)",
        metric_function=lambda outputs, batch: float(
            np.sqrt(np.mean(np.square((outputs - batch.targets) / values.std(0), dtype=np.float64)))
        ),
    )


def _split(windows: NDArray[np.float32]) -> Batch:
    return Batch(windows[:, :-1], windows[:, -1], last=windows[:, -2])


@lru_cache(maxsize=4)
def _cached(trajectory: Callable[[int], NDArray[np.float64]], count: int) -> NDArray[np.float32]:
    values = trajectory(count).astype(np.float32)
    values.flags.writeable = False
    return values


def _sines(count: int) -> NDArray[np.float64]:
    t = np.arange(count)[:, None]
    values: NDArray[np.float64] = np.sin(t * np.array([0.2, 0.311, 0.42])).mean(1, keepdims=True)
    return values


def _mackey_glass(count: int) -> NDArray[np.float64]:
    tau, a, b, n = 17, 0.2, 0.1, 10
    x = [0.0] * tau + [1.2]
    for _ in range(count + _TRANSIENT):
        late = x[-1 - tau]
        x.append(x[-1] + a * late / (1 + late**n) - b * x[-1])
    return _standardised(np.array(x[-count:])[:, None])


def _lorenz(count: int) -> NDArray[np.float64]:
    step = 0.03
    points = np.empty((count + _TRANSIENT, 3))
    x, y, z = 1.0, 1.0, 1.0

    def slope(x: float, y: float, z: float) -> tuple[float, float, float]:
        return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z

    for row in range(count + _TRANSIENT):
        points[row] = x, y, z
        a = slope(x, y, z)
        b = slope(x + step / 2 * a[0], y + step / 2 * a[1], z + step / 2 * a[2])
        c = slope(x + step / 2 * b[0], y + step / 2 * b[1], z + step / 2 * b[2])
        d = slope(x + step * c[0], y + step * c[1], z + step * c[2])
        x += step / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
        y += step / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
        z += step / 6 * (a[2] + 2 * b[2] + 2 * c[2] + d[2])
    return _standardised(points[_TRANSIENT:])


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = (values - values.mean(0)) / values.std(0)
    return scaled
