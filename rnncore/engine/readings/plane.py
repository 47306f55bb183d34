"""The loss on the plane between a run and its twin at one step, with the way that both of them took through it."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.config import ClipConfig
from rnncore.engine.flat import exact_norm
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.instruments.landscape import Loss, orthonormal, plane
from rnncore.engine.readings.cliff import gradient_of, loss_at
from rnncore.engine.readings.probe import Probe
from rnncore.engine.train import Trainer
from rnncore.reading import Axis, Layer, Numbers, Panel, Reading, Scale
from rnncore.words import figure

POINTS = 41
_PLACES = 40  # of each way that are drawn
_FAR = 3.0
_MARGIN = 0.15  # of the plane around both ways
_FLAT = 1e-12  # losses below that are drawn as that
CAUTION = (
    "A plane is a thin cut through a space of many dimensions, and both ways are seen in projection: walls and valleys "
    "may look milder or steeper than they are (Li et al. 2018)."
)


def read(probe: Probe) -> Reading:
    """Return the batch's loss on 41 x 41 points of the plane spanned by g and the twins' difference, and both ways."""
    trainer, batch = probe.trainer, probe.batch()
    own_path, own = _way(_another(trainer), probe.step, lambda share: probe.tell(0.3 * share))
    twin_path, twin = _way(_twin(trainer), probe.step, lambda share: probe.tell(0.3 + 0.3 * share))
    weights = trainer.parameters.weights.detach().clone()
    gradient = gradient_of(trainer, batch)
    if not np.isfinite(exact_norm(gradient)):
        raise NotDefinedError("not defined: the gradient is not finite")
    directions = orthonormal(-gradient, twin - own)
    if directions is None:
        raise NotDefinedError("not defined: the twins have not parted, or the gradient is exactly 0")
    flat = torch.stack(directions)  # (2, N)
    ways = [np.asarray(((path - weights) @ flat.T).double().cpu()) for path in (own_path, twin_path)]  # (K, 2)
    (x, y), left = window(*ways)
    ways = [np.where(inside(way, x, y)[:, None], way, np.nan) for way in ways]
    loss = loss_at(trainer, batch)
    losses = plane(loss, weights, directions, x, y, lambda share: probe.tell(0.6 + 0.4 * share))
    heights = [np.array([_height(loss, weights, at, flat) for at in way]) for way in ways]
    arrays: dict[str, Numbers] = {"x": x, "y": y, "loss": losses, "log10_loss": _log(losses)}
    for name, way, height in zip(("own", "twin"), ways, heights, strict=True):
        arrays |= {f"{name}_x": way[:, 0], f"{name}_y": way[:, 1], f"{name}_log10_loss": _log(height)}
    notes = [CAUTION]
    if not np.isfinite(losses).all():
        notes.append("Gaps are where the loss is not finite.")
    if left:
        notes.append("One of the twins leaves the part of the plane that is shown.")
    if not torch.equal(own, weights):
        notes.append("Settings were changed by hand in this run; its way is drawn as it would be without that.")
    lowest = figure(float(np.nanmin(losses)), 3)
    return Reading(
        instrument="plane",
        step=probe.step,
        arrays=arrays,
        panels=_panels(_name(trainer), _name(_twin(trainer))),
        said=(f"At these points of the plane the loss goes from {lowest} to {_highest(losses)}.",),
        notes=tuple(notes),
    )


def _another(trainer: Trainer, clip: ClipConfig | None = None) -> Trainer:
    """Return the run at its beginning, or the same with another way of clipping."""
    config = trainer.config if clip is None else trainer.config.model_copy(update={"clip": clip})
    return type(trainer)(config, trainer.dataset)


def _twin(trainer: Trainer) -> Trainer:
    """Return the run's twin at its beginning: without clipping where it clips, clipped at norm 1 where it does not."""
    clip = ClipConfig(method="off") if trainer.config.clip.method != "off" else ClipConfig(method="norm", threshold=1.0)
    return _another(trainer, clip)


def _name(trainer: Trainer) -> str:
    return "not clipped" if trainer.config.clip.method == "off" else "clipped"


def _way(trainer: Trainer, step: int, tell: Callable[[float], None]) -> tuple[Tensor, Tensor]:
    """Return the weights on the way to `step`, (K, N), and the last of them; a run that diverges stops before."""
    wanted = set(np.unique(np.linspace(0, step - 1, min(step, _PLACES)).round().astype(int)).tolist())
    found = []
    for done, weights in enumerate(_steps(trainer, step)):
        if done in wanted:
            found.append(weights.detach().clone())
            tell((done + 1) / step)
    if trainer.ended is None:
        trainer.floss()
    last = trainer.parameters.weights.detach().clone()
    return torch.stack([*found, last]), last


def _steps(trainer: Trainer, step: int) -> Iterator[Tensor]:
    """Yield the weights after 0, 1, ... `step` - 1 steps."""
    yield trainer.parameters.weights
    records = trainer.records()
    while trainer.step < step - 1 and next(records, None) is not None and trainer.ended is None:
        yield trainer.parameters.weights


def window(one: Numbers, other: Numbers) -> tuple[tuple[Numbers, Numbers], bool]:
    """Return 41 places on either axis that reach beyond both ways (K, 2), and whether one of them leaves these.

    Where one goes further than `_FAR` times the extent of the other, the window ends there: else nothing would be seen
    of what both have in common.
    """
    short, long = sorted((one, other), key=lambda way: float(np.ptp(way, axis=0).max()))
    extent = max(float(np.ptp(short, axis=0).max()), 1e-3)
    middle = (short.max(0) + short.min(0)) / 2
    near = np.clip(long, middle - _FAR * extent, middle + _FAR * extent)
    sides = []
    for side in (0, 1):
        places = np.concatenate([short[:, side], near[:, side]])
        room = max(_MARGIN * float(np.ptp(places)), 0.25 * extent)
        sides.append(np.linspace(places.min() - room, places.max() + room, POINTS))
    return (sides[0], sides[1]), bool((near != long).any())


def inside(way: Numbers, x: Numbers, y: Numbers) -> NDArray[np.bool_]:
    """Return which points of a way (K, 2) are in a window."""
    low, high = np.array([x[0], y[0]]), np.array([x[-1], y[-1]])
    return np.asarray(((way >= low) & (way <= high)).all(1))


def _height(loss: Loss, weights: Tensor, at: Numbers, flat: Tensor) -> float:
    return loss(weights + torch.tensor(at).to(flat) @ flat) if np.isfinite(at).all() else np.nan


def _log(losses: Numbers) -> Numbers:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(np.maximum(losses, _FLAT)))


def _highest(losses: Numbers) -> str:
    return figure(float(losses.max()), 3) if np.isfinite(losses).all() else "values that are not finite"


def _panels(own: str, twin: str) -> tuple[Panel, ...]:
    x = Axis(title="along −g")
    y = Axis(title="towards the twin")
    z = "log10_loss"
    ways = tuple(
        Layer(kind="path", x=f"{name}_x", y=f"{name}_y", z=f"{name}_{z}", name=words, place=place)
        for place, (name, words) in enumerate((("own", f"this run ({own})"), ("twin", f"its twin ({twin})")))
    )
    scale = Scale(title="log₁₀ loss")
    hover = "10<sup>%{z:.2f}</sup><extra></extra>"
    return (
        Panel(
            key="surface",
            title="The loss on this plane; drag to turn it",
            help="Surface: the loss of the batch on a plane through the weights of both twins, with their ways on it",
            x=x,
            y=y,
            layers=(Layer(kind="surface", x="x", y="y", z=z, hover=hover), *ways),
            scale=scale,
        ),
        Panel(
            key="map",
            title="The loss on this plane, seen from above",
            help="Map: the loss of the batch on a plane through the weights of both twins, with their ways on it",
            x=x,
            y=y,
            layers=(Layer(kind="map", x="x", y="y", z=z, hover=hover), *ways),
            scale=scale,
        ),
    )
