"""Which timesteps teach: how much each adds to the gradient of the recurrent matrix, and whether it pulls its way."""

import numpy as np

from rnncore.engine.cells.definition import Passed
from rnncore.engine.instruments.contributions import contribution_norms, norms_of_pairs
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.readings.module import Seen, gradients_of
from rnncore.engine.readings.probe import Probe
from rnncore.reading import Axis, Layer, Numbers, Panel, Reading, Scale
from rnncore.words import of_many, sentence

_MOST = 2**24  # numbers of gradients by what enters the units


def read(probe: Probe) -> Reading:
    """Return the Frobenius norm of each C_t, and its cosine with the whole gradient of the matrix."""
    recurrent = probe.model.recurrent
    T = probe.batch().inputs.shape[1]
    each = T * recurrent.hidden_size * max(1, len(recurrent.entry.blocks))
    inputs, targets, lengths, notes = probe.some(each, _MOST)
    norms, cosines = contribution_norms(probe.model, inputs, targets, probe.loss, lengths)
    notes = (*notes, *_without_cosine(norms, cosines))
    if recurrent.num_layers > 1:
        notes = (*notes, "Of the top layer.")
    if recurrent.recursion_clip is not None:
        notes = (*notes, "Clipping inside the recursion is part of it.")
    return _reading(probe.step, norms, cosines, said(norms, cosines), notes)


def of_module(seen: Seen) -> Reading:
    """Return the same of a module of another program: with what came back through it in one step, all of L."""
    T, _, H = seen.shape
    if seen.reverse and seen.lengths is not None:
        raise NotDefinedError("not defined for reverse directions over sequences of unequal length")
    seen = seen.within(8 * T * H * H)
    top, side = seen.layer(len(seen.layers)), seen.layers[-1]
    _, totals = gradients_of(side)
    memory = top.before[-1][0]  # c_0, which is not looked at where there is none
    passed = Passed(top.inputs, top.states[0], top.before[0], totals, side.cell, memory)
    rows = len(top.definition.entry.blocks) * H
    units = top.definition.step_back(passed, top.weights).units[..., :rows]
    norms, cosines = (seen.in_time(each) for each in norms_of_pairs(units.double(), top.before[0].double()))
    notes = (*seen.notes, *_without_cosine(norms, cosines))
    if len(seen.layers) > 1:
        notes = (*notes, "Of the top layer.")
    words = () if seen.reverse else said(norms, cosines)
    return _reading(seen.step, norms, cosines, words, notes)


def _reading(step: int, norms: Numbers, cosines: Numbers, words: tuple[str, ...], notes: tuple[str, ...]) -> Reading:
    arrays: dict[str, Numbers] = {"t": np.arange(1.0, len(norms) + 1), "norm": norms, "cosine": cosines}
    return Reading(instrument="contributions", step=step, arrays=arrays, panels=(_bars(),), said=words, notes=notes)


def said(norms: Numbers, cosines: Numbers) -> tuple[str, ...]:
    """Return which timestep adds most, how few of the last ones give nearly all, and how many pull the other way."""
    if not norms.any():
        return ("The gradient of the recurrent matrix is exactly 0.",)
    T = len(norms)
    known = norms[np.isfinite(cosines)] * cosines[np.isfinite(cosines)]
    along = known.sum()  # the length of the whole gradient
    if not along > 0:  # nothing has a cosine with it
        return (f"Timestep {int(np.nan_to_num(norms).argmax()) + 1:,} adds most.",)
    from_end = np.cumsum((norms * np.nan_to_num(cosines))[::-1]) / along
    last = int(np.argmax(from_end >= 0.9)) + 1
    against = int((cosines < 0).sum())
    those = f"the last {last:,} of {T:,} timesteps alone give" if last > 1 else "the last timestep alone gives"
    if last == T > 1:
        those = f"only all {T:,} timesteps together give"
    return (
        f"Timestep {int(norms.argmax()) + 1:,} adds most; {those} at least nine tenths of the gradient of the "
        "recurrent matrix, measured along it.",
        sentence(f"{of_many(against, T, 'timestep', 'pulls', 'pull')} against it"),
    )


def _without_cosine(norms: Numbers, cosines: Numbers) -> tuple[str, ...]:
    """Return why there is no cosine at some of the timesteps, nothing where each has one."""
    missing, T = ~np.isfinite(cosines), len(cosines)
    if not missing.any():
        return ()
    if not missing.all():
        count = int(missing.sum())
        those, they = of_many(count, T, "timestep", "has", "have"), "it adds" if count == 1 else "they add"
        return (sentence(f"{those} no cosine, since what {they} is exactly 0"),)
    why = "exactly 0" if np.isfinite(norms).all() else "not finite"
    return (f"The cosine is not defined at any timestep: the whole gradient is {why}.",)


def _bars() -> Panel:
    return Panel(
        key="steps",
        title="‖C<sub>t</sub>‖, coloured by its cosine with ∂L/∂W<sub>hh</sub>",
        help="Bar chart: how much each timestep adds to the gradient of the recurrent matrix, coloured by direction",
        x=Axis(title="timestep t"),
        y=Axis(title="‖C<sub>t</sub>‖", log=True),
        layers=(
            Layer(kind="bars", x="t", y="norm", color="cosine",
                  hover="t = %{x}: %{y:.2e}, cosine %{customdata}<extra></extra>"),
        ),
        scale=Scale(title="cosine", low=-1.0, high=1.0, middle=0.0),
    )  # fmt: skip
