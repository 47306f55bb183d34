"""Jacobians of a run at one step: Lyapunov exponents, the eigenvalues of the recurrent matrix, and the profile."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.gradients import profile
from rnncore.engine.instruments.jacobians import PIECE
from rnncore.engine.instruments.lyapunov import LARGE, MOST, longest_lasting, lyapunov_spectrum
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.module import Seen
from rnncore.engine.readings.probe import Probe
from rnncore.flossing import those
from rnncore.reading import Axis, Layer, Numbers, Panel, Reading, Scale
from rnncore.words import figure, first_of, many, of_many, sentence

_SEQUENCES = 4  # over which exponents are averaged
_CUT = -5.0  # nats per timestep: of what shrinks faster the rest of the bar tells nothing
_APART = 0.01  # nats per timestep by which two exponents differ to the eye
_NEAR = 0.02  # a factor per timestep that is nearer to 1 than that is neither growth nor decay

_ONE_LOSS = "The dashed line is that of one loss at the last timestep"
PARTS = f"{_ONE_LOSS}; here every timestep has a part in the loss, which fills the gradient up on the way back."


def read(probe: Probe) -> Reading:
    """Return the exponents, eigenvalues of the top layer's recurrent blocks, and the profile beside the first one."""
    model = probe.model
    inputs, _, lengths = probe.batch()
    found = spectrum_of(model, inputs, probe.step)
    rows = sequences_of(model, inputs)
    arrays, panels, notes = dict(found.arrays), list(found.panels), list(found.notes)
    before = _before_flossing(probe, inputs[:rows])
    if before is not None:
        arrays["exponent_before"] = before
        panels[0] = _spectrum(True, panels[0].y.low)
    if lengths is not None:
        notes.append("Padded timesteps count like the others.")
    first, words = float(arrays["exponent"][0]), tuple[str, ...]()
    T = inputs.shape[1]
    if np.isfinite(first) and lengths is None:
        tape = tape_of(probe)
        norms, earlier = measured(tape, len(inputs)), bool(tape.direct[-1][:-1].any())
        arrays |= {"t": np.arange(1.0, T + 1), "gradient": norms, "expected": expected(norms, first)}
        panels.append(_profile())
        if earlier:
            words = (PARTS,)
    return replace(
        found,
        arrays=arrays,
        panels=tuple(panels),
        said=(*said(first, arrays.get("gradient"), _longest(arrays), T), *words, *_flossed(probe)),
        notes=tuple(notes),
    )


def of_module(seen: Seen) -> Reading:
    """Return the same of a module of another program, on what it read; the profile where its gradient is known."""
    seen, model, inputs = seen.longest().network()
    norms, size = seen.profile(), state_size(model)
    T, count = inputs.shape[1], size if size <= LARGE else MOST
    found = spectrum_of(model, inputs, seen.step, min(_SEQUENCES, seen.affordable(4.0 * T * size * size * count)))
    arrays, panels, first = dict(found.arrays), list(found.panels), float(found.arrays["exponent"][0])
    if np.isfinite(first) and norms is not None and np.isfinite(norms).all():
        line = expected(norms, first)
        arrays |= {"t": np.arange(1.0, T + 1), "gradient": seen.in_time(norms), "expected": seen.in_time(line)}
        panels.append(_profile())
    notes, direct = (*found.notes, *seen.notes), seen.layers[-1].direct
    if "gradient" in arrays and direct is not None and bool(direct[:-1].any()):
        where = _ONE_LOSS.replace("last", "first") if seen.reverse else _ONE_LOSS
        notes = (*notes, f"{where}; here a gradient arrives at others too, which fills it up on its way.")
    words = said(first, norms if "gradient" in arrays and not seen.reverse else None, _longest(arrays), T)
    return replace(found, arrays=arrays, panels=tuple(panels), said=words, notes=notes)


def spectrum_of(model: SequenceModel, inputs: Tensor, step: int, most: int = _SEQUENCES) -> Reading:
    """Return what can be read without a loss: the exponents on the first of inputs (B, T, F), and eigenvalues."""
    rows, size = min(most, sequences_of(model, inputs)), state_size(model)
    notes = [f"Averaged over {first_of(rows, len(inputs), 'sequence')}." if rows < len(inputs) else ""]
    if model.config.nonlinearity == "relu":
        notes.append("ReLU has a kink at 0, where its slope is taken as 0.")
    if size > LARGE:
        notes.append(f"The state has {size:,} numbers; these are the first {MOST} exponents.")
    exponents = lyapunov_spectrum(model, inputs[:rows])
    arrays: dict[str, Numbers] = {"rank": np.arange(1.0, len(exponents) + 1), "exponent": exponents}
    longest = longest_lasting(model, inputs[:rows]) if size <= LARGE and np.isfinite(exponents[0]) else None
    if longest is not None:
        arrays["longest"] = np.array([longest])
    notes += [_below(exponents), _wiped_out(exponents)]
    panels = [_spectrum(False, _lowest(exponents))]
    if (values := eigenvalues(model)) is not None:
        arrays |= {"eigenvalue_real": values.real.astype(float), "eigenvalue_imaginary": values.imag.astype(float)}
        panels.append(_disc())
    return Reading(
        instrument="lyapunov",
        step=step,
        arrays=arrays,
        panels=tuple(panels),
        said=said(float(exponents[0]), None, longest, inputs.shape[1]),
        notes=tuple(filter(None, notes)),
        summary=("exponent",),
    )


def sequences_of(model: SequenceModel, inputs: Tensor) -> int:
    """Return over how many of the sequences (B, T, F) exponents are averaged."""
    return max(1, min(_SEQUENCES, len(inputs), PIECE // state_size(model) ** 2))


def _longest(arrays: Mapping[str, Numbers]) -> float | None:
    return float(arrays["longest"][0]) if "longest" in arrays else None


def _before_flossing(probe: Probe, inputs: Tensor) -> Numbers | None:
    """Return the exponents of the weights before the flossing right before this step; None where there was none."""
    trainer, before = probe.trainer, probe.trainer.before_flossing
    if before is None:
        return None
    after = trainer.parameters.weights.detach().clone()
    trainer.parameters.weights.data.copy_(before)
    try:
        return lyapunov_spectrum(probe.model, inputs)
    finally:
        trainer.parameters.weights.data.copy_(after)


def _flossed(probe: Probe) -> tuple[str, ...]:
    """Return what gradient flossing did right before this step."""
    flossed, config = probe.trainer.flossed, probe.trainer.config.flossing
    if flossed is None:
        return ()
    return (
        f"The flossing before this step ({many(config.steps, 'update')}) brought the root mean square of "
        f"{those(config.exponents)} from {figure(flossed.before, 3)} to {figure(flossed.after, 3)}.",
    )


def state_size(model: SequenceModel) -> int:
    """Return how many numbers the states of all layers have together, without running the network."""
    with torch.no_grad():
        weight = next(model.parameters())
        start = model.recurrent.definition.start(weight.new_zeros(1, model.recurrent.input_size))
    return model.recurrent.num_layers * sum(each.shape[-1] for each in start)


def eigenvalues(model: SequenceModel) -> NDArray[np.complex128] | None:
    """Return the eigenvalues of the top layer's recurrent matrix, block by block; None where there is none."""
    entry, matrix = model.recurrent.entry, model.recurrent.entry.matrix
    if matrix is None or not (entry.drawn or entry.orthogonal):  # else it is not what multiplies the state
        return None
    weight = model.recurrent.layer_weights(model.recurrent.num_layers - 1)[matrix].detach().double().cpu()
    blocks = weight.view(-1, weight.shape[-1], weight.shape[-1])  # (G, H, H)
    return np.asarray(torch.linalg.eigvals(blocks).flatten().numpy())


def tape_of(probe: Probe) -> StateTape:
    """Return what a backward pass of the batch's loss leaves at every timestep."""
    inputs, targets, lengths = probe.batch()
    tape = StateTape()
    probe.model.eval()
    with torch.enable_grad():
        wanted = inputs.detach().requires_grad_()
        loss: Tensor = batch_loss(probe.loss, probe.model(wanted, lengths, tape), targets, lengths)
        torch.autograd.grad(loss, wanted)
    probe.model.train()
    return tape


def measured(tape: StateTape, batch: int) -> Numbers:
    """Return the profile of the top layer, (T,), in float64, of a batch of so many sequences of the same length."""
    found = profile(tape, batch)["hidden_grad_norm"]
    assert found is not None
    return np.asarray(found[-1], np.float64)


def expected(norms: Numbers, exponent: float) -> Numbers:
    """Return the line e^(lambda (T - t)) through the last norm: what one exponent makes of it, T steps back."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(norms[-1] * np.exp(exponent * np.arange(len(norms) - 1, -1, -1)))


def slope(norms: Numbers) -> float | None:
    """Return the least-squares slope of ln |dL/dh_t| per step back in time; None for less than 3 finite points."""
    t = np.arange(len(norms))
    known = np.isfinite(norms) & (norms > 0)
    if known.sum() < 3:
        return None
    return float(-np.polyfit(t[known], np.log(norms[known]), 1)[0])


def said(first: float, norms: Numbers | None, longest: float | None = None, timesteps: int = 0) -> tuple[str, ...]:
    """Return what the largest exponent means, and how the measured profile compares.

    longest: what `longest_lasting` says of that many timesteps, None where it is not known.
    """
    if not np.isfinite(first):
        return ("Every disturbance is wiped out within the sequence: the largest exponent is minus infinity.",)
    words = [f"The largest exponent is {first:.3f}: in the long run a small disturbance {_per_timestep(first)}."]
    if longest is not None and abs(longest - first) > _APART:
        over = f"Over these {many(timesteps, 'timestep')} the one that lasts longest"
        words.append(f"{over} {_per_timestep(longest)}: the sequence is too short for both to be the same.")
    own = None if norms is None else slope(norms)
    if own is not None:
        words.append(
            f"The measured gradient changes by a factor of {figure(float(np.exp(own)), 3)} per step back in time: the "
            "slope of the line that fits its logarithm best."
        )
    return tuple(words)


def _per_timestep(exponent: float) -> str:
    """Return what e^exponent does to a length, in words."""
    if abs(exponent) <= math.log1p(_NEAR):
        return f"changes by less than {100 * _NEAR:.0f} % per timestep"
    what = "grows" if exponent > 0 else "shrinks"
    return f"{what} by a factor of {figure(math.exp(abs(exponent)), 3)} per timestep"


def course(arrays: dict[str, Numbers], latest: Reading) -> Reading:
    """Return the exponents over training: the largest as bars, all of them as a map."""
    exponents = arrays["exponent"]  # (n, N)
    ranks = np.arange(1.0, exponents.shape[1] + 1)
    steps = [f"{step:,.0f}" for step in arrays["step"]]
    found = arrays | {
        "rank": ranks,
        "largest": exponents[:, 0],
        "map": exponents.T,
        "place": np.arange(1.0, len(steps) + 1),
    }
    known, words = np.flatnonzero(np.isfinite(exponents[:, 0])), tuple[str, ...]()
    if len(known) > 1:
        first, last = (f"{exponents[place, 0]:.3f} at step {steps[place]}" for place in (known[0], known[-1]))
        words = (f"The largest exponent goes from {first} to {last}.",)
    of_bars = _below(latest.arrays["exponent"]), _wiped_out(latest.arrays["exponent"])
    notes = tuple(each for each in latest.notes if each not in of_bars)
    return Reading(instrument="lyapunov", step=0, arrays=found, panels=_over_training(steps), said=words, notes=notes)


def _lowest(exponents: Numbers) -> float | None:
    """Return where the axis of exponents ends below, so that one slightly above 0 is seen beside those far below."""
    return _CUT if np.isfinite(exponents).any() and _least(exponents) < 1.4 * _CUT else None


def _least(exponents: Numbers) -> float:
    return float(exponents[np.isfinite(exponents)].min())


def _below(exponents: Numbers) -> str:
    """Return that bars are cut, or ''."""
    if _lowest(exponents) is None:
        return ""
    return f"Bars that reach the lower edge go on below it, the last one to {figure(_least(exponents), 3)}."


def _wiped_out(exponents: Numbers) -> str:
    """Return how many exponents have no bar, or ''."""
    gone = int(np.isneginf(exponents).sum())
    if not 0 < gone < len(exponents):
        return ""
    return sentence(
        f"{of_many(gone, len(exponents), 'exponent', 'is', 'are')} minus infinity and "
        f"{'has' if gone == 1 else 'have'} no bar: a disturbance in such a direction is wiped out"
    )


def _spectrum(flossed: bool, low: float | None) -> Panel:
    hover = "exponent %{x}: %{y:.4f}<extra></extra>"
    before = Layer(kind="bars", x="rank", y="exponent_before", name="before flossing", tone="muted", hover=hover)
    own = Layer(kind="bars", x="rank", y="exponent", name="at this step" if flossed else "", hover=hover)
    return Panel(
        key="spectrum",
        title="Lyapunov exponents, largest first",
        help="Bar chart: the Lyapunov exponents in descending order, with a line at 0",
        x=Axis(title="rank"),
        y=Axis(title="nats per timestep", low=low),
        layers=(before, own) if flossed else (own,),
        levels=((0.0, "0: neither grows nor shrinks"),),
    )


def _disc() -> Panel:
    return Panel(
        key="eigenvalues",
        title="Eigenvalues of the recurrent matrix",
        help="The eigenvalues of the recurrent matrix in the complex plane, with the unit circle",
        x=Axis(title="real part"),
        y=Axis(title="imaginary part", equal=True),
        layers=(
            Layer(
                kind="points", x="eigenvalue_real", y="eigenvalue_imaginary",
                hover="%{x:.3f} + %{y:.3f} i<extra></extra>",
            ),
        ),
        circle=True,
    )  # fmt: skip


def _profile() -> Panel:
    return Panel(
        key="profile",
        title="‖∂L/∂h<sub>t</sub>‖, and what the largest exponent alone would make of it (dashed)",
        help="Line chart: the measured gradient over the timesteps, and a straight line with the largest exponent",
        x=Axis(title="timestep t"),
        y=Axis(title="gradient", log=True),
        layers=(
            Layer(kind="line", x="t", y="gradient", name="measured", hover="%{y:.2e}"),
            Layer(kind="line", x="t", y="expected", name="what chaos theory expects", tone="muted", dash="dash",
                  hover="%{y:.2e}"),
        ),
    )  # fmt: skip


def _over_training(steps: list[str]) -> tuple[Panel, ...]:
    return (
        Panel(
            key="largest",
            title="The largest exponent over training",
            help="Bar chart: the largest Lyapunov exponent at several training steps, with a line at 0",
            x=Axis(title="training step", names=tuple(steps)),
            y=Axis(title="nats per timestep"),
            layers=(Layer(kind="bars", x="place", y="largest", hover="%{y:.4f}<extra></extra>"),),
            levels=((0.0, "0"),),
        ),
        Panel(
            key="all",
            title="All exponents over training",
            help="Map: the Lyapunov exponents, by rank, at several training steps",
            x=Axis(title="training step", names=tuple(steps)),
            y=Axis(title="rank"),
            layers=(Layer(kind="map", x="place", y="rank", z="map", hover="rank %{y}: %{z:.4f}<extra></extra>"),),
            scale=Scale(title="nats per timestep", middle=0.0),
        ),
    )
