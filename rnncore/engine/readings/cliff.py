"""The loss along the negative gradient of a run at one step, with the clipped and the unclipped step marked on it."""

import math

import numpy as np
import torch
from torch import Tensor

from rnncore.config import TrainConfig
from rnncore.engine.clipping import clip_gradients
from rnncore.engine.evaluation import TensorBatch
from rnncore.engine.flat import exact_norm
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.instruments.landscape import along
from rnncore.engine.losses import batch_loss
from rnncore.engine.readings.probe import Probe
from rnncore.engine.train import Trainer
from rnncore.reading import Axis, Layer, Numbers, Panel, Reading
from rnncore.words import figure

POINTS = 41
AT_NORM = 1.0  # at which a run that does not clip is shown clipped
_FAR = 20  # times longer than the clipped step is the unclipped one, from where on distances are logarithmic
_NOTHING = 1e-6
CAUTION = (
    "A line is a thin cut through a space of many dimensions: that it is smooth here does not say that the loss is "
    "(Li et al. 2018)."
)


def read(probe: Probe) -> Reading:
    """Return the batch's loss at 41 distances along -g from the weights, the clipped and the unclipped step marked.

    In a run that does not clip, the clipped step is the one that clipping at norm 1 would make, as its twin does.
    """
    trainer, batch = probe.trainer, probe.batch()
    flat = trainer.parameters
    gradient = gradient_of(trainer, batch)
    norm = exact_norm(gradient)
    if not np.isfinite(norm) or norm == 0:
        raise NotDefinedError(f"not defined: the gradient is {'exactly 0' if norm == 0 else 'not finite'}")
    rate = trainer.plan().learning_rate
    clips = trainer.config.clip.shortens
    coefficient, turned = _clipping(trainer, gradient, norm) if clips else (min(1.0, AT_NORM / norm), False)
    clipped, unclipped = rate * norm * coefficient, rate * norm
    how = "clipped" if clips else f"clipped at norm {AT_NORM:g}"
    distances = places(clipped, unclipped)
    start = flat.weights.detach().clone()
    loss = loss_at(trainer, batch)
    found = along(loss, start, -gradient / norm, np.concatenate([distances, [clipped, unclipped]]))
    losses, after = found[:POINTS], found[POINTS:]
    flat.weights.data.copy_(start)
    far = bool(unclipped / max(clipped, 1e-300) > _FAR)
    arrays: dict[str, Numbers] = {
        "distance": distances,
        "loss": losses,
        "slope": np.array([-norm]),
        "clipped_step": np.array([clipped]),
        "unclipped_step": np.array([unclipped]),
        "loss_after_clipped_step": after[:1],
        "loss_after_unclipped_step": after[1:],
    }
    marks = [(unclipped, f"learning rate times gradient: {figure(unclipped, 3)}")]
    if clipped < unclipped:
        marks = [(clipped, f"{how}: {figure(clipped, 3)}"), (unclipped, f"not clipped: {figure(unclipped, 3)}")]
    shorter = "the clipped step" if clips else f"the step {how}"
    if turned:
        shorter = "a step along it as short as the clipped one"
    notes = [CAUTION]
    if _goes_elsewhere(trainer.config):
        notes.append(
            "The marks are steps of plain SGD along −g; what this run trains with can step another way, by another "
            "length."
        )
    if trainer.model.recurrent.recursion_clip is not None or trainer.model.recurrent.truncation is not None:
        notes.append(
            "This run cuts its gradient on the way back, so that the loss need not fall as steeply as ‖g‖ says."
        )
    if turned:
        notes.append("This way of clipping turns the gradient; the mark is at the length that is left of it.")
    if not np.isfinite(losses).all():
        notes.append("Where there is no line the loss is not finite.")
    return Reading(
        instrument="cliff",
        step=probe.step,
        arrays=arrays,
        panels=(_line(tuple(marks), far, losses),),
        said=said(float(losses[0]), float(after[0]) if clipped < unclipped else None, float(after[1]), shorter),
        notes=tuple(notes),
    )


def _clipping(trainer: Trainer, gradient: Tensor, norm: float) -> tuple[float, bool]:
    """Return what the run's clipping multiplies the gradient's length with, and whether it turns the gradient too."""
    flat = trainer.parameters
    flat.gradients.copy_(gradient)
    coefficient = clip_gradients(flat, norm, trainer.clipping)
    cosine = float(gradient.double() @ flat.gradients.double()) / (norm * exact_norm(flat.gradients) or math.inf)
    return coefficient, cosine < 1 - 1e-6


def places(clipped: float, unclipped: float) -> Numbers:
    """Return 41 distances from 0 to a quarter beyond the unclipped step, closer together near the clipped one."""
    end = 1.25 * unclipped
    if unclipped / clipped <= _FAR:
        return np.linspace(0.0, end, POINTS)
    return np.concatenate([[0.0], np.geomspace(clipped / 10, end, POINTS - 1)])


def gradient_of(trainer: Trainer, batch: TensorBatch) -> Tensor:
    """Return the gradient (N,) of the batch's loss without dropout and regulariser; the flat buffer holds it then."""
    trainer.model.eval()
    trainer.parameters.zero_grad()
    loss = batch_loss(trainer.loss, trainer.model(batch.inputs, batch.lengths), batch.targets, batch.lengths)
    loss.backward()  # type: ignore[no-untyped-call]
    trainer.model.train()
    return trainer.parameters.gradients.clone()


def loss_at(trainer: Trainer, batch: TensorBatch) -> "_LossAt":
    """Return the batch's loss, without dropout, as a function of the flat weights (N,), which become the model's."""
    return _LossAt(trainer, batch)


class _LossAt:
    def __init__(self, trainer: Trainer, batch: TensorBatch) -> None:
        self._trainer, self._batch = trainer, batch

    @torch.no_grad()
    def __call__(self, weights: Tensor) -> float:
        trainer, batch = self._trainer, self._batch
        trainer.model.eval()
        trainer.parameters.weights.data.copy_(weights)
        outputs = trainer.model(batch.inputs, batch.lengths)
        trainer.model.train()
        return float(batch_loss(trainer.loss, outputs, batch.targets, batch.lengths))


def said(now: float, clipped: float | None, unclipped: float, shorter: str) -> tuple[str, ...]:
    """Return the loss of this batch, and what it would be after each step; clipped: None where that is no other one.

    shorter: what the clipped step is called.
    """

    def after(loss: float) -> str:
        if not np.isfinite(loss):
            return "no longer be finite"
        less = now - loss
        if figure(loss, 3) != figure(now, 3):
            return f"be {figure(loss, 3)}"
        if abs(less) < _NOTHING * abs(now) or less == 0:  # fewer digits than it is computed with
            return "change by less than a millionth of that" if less else "be the same"
        return f"be {'lower' if less > 0 else 'higher'} by {figure(abs(less))}"

    own = figure(now, 3) if np.isfinite(now) else "not finite"
    first = f"The loss of this batch is {own}; after the whole step along −g it would {after(unclipped)}"
    return (f"{first}." if clipped is None else f"{first}, and after {shorter} it would {after(clipped)}.",)


def _goes_elsewhere(config: TrainConfig) -> bool:
    optimizer = config.optimizer
    plain = optimizer.name == "sgd" and not optimizer.momentum and not optimizer.weight_decay
    return not plain or bool(config.omega or config.model.dropout)


def _line(marks: tuple[tuple[float, str], ...], far: bool, losses: Numbers) -> Panel:
    finite = losses[np.isfinite(losses) & (losses > 0)]
    spread = bool(len(finite) and finite.max() > 100 * finite.min())
    return Panel(
        key="line",
        title="Loss of the batch along −g; the marks are one step of plain SGD",
        help="Line chart: the loss of the batch along the negative gradient, with two steps marked",
        x=Axis(title="distance in the space of weights", log=far),
        y=Axis(title="loss", log=spread),
        layers=(Layer(kind="line", x="distance", y="loss", hover="%{x:.3g}: %{y:.4g}<extra></extra>"),),
        marks=marks,
    )
