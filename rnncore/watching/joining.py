"""The calls of a step joined into one profile per module: calls that follow one another in time, then batches.

Calls are one sequence where a call was given the very state that an earlier one returned, as in truncated
backpropagation or a decoder's loop; where a loop of single timesteps changes the state on its way, the order of the
calls is taken. Other calls are more sequences: of another batch, or of the other of two inputs.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rnncore.watching.gone import Gone
from rnncore.watching.record import Floats, Profile

ROUNDING = 32  # units of the last place below which a difference of two gradients is rounding


@dataclass(slots=True)
class Passed:
    """A call that a backward pass has gone through.

    number: of the call. backward: of the pass. start, end: the state h that it was given, and that it returned.
    batch: of how many sequences, also where only some are looked at.
    """

    name: str
    number: int
    backward: int
    gone: Gone
    start: Tensor | None
    end: Tensor
    batch: int


def joined(passed: list[Passed], scale: float, batch_mean: bool) -> Profile:
    """Return the profile of a module's calls; gradients are divided by `scale`, and of means over B multiplied by B."""
    own = sorted(passed, key=lambda each: each.number)
    calls = [_scaled(each.gone.profile, (each.batch if batch_mean else 1) / scale) for each in own]
    if len(calls) == 1:
        return calls[0]
    chains, linked = _chains(own)
    parts = [_scaled(_in_time(chain, linked), (chain[0].batch if batch_mean else 1) / scale) for chain in chains]
    return replace(_mean(parts), calls=tuple(calls))


def _chains(own: list[Passed]) -> tuple[list[list[Passed]], bool]:
    """Return the calls in chains, and whether each was given the very state of the one before."""
    chains: list[list[Passed]] = []
    for each in own:
        for chain in chains:
            if _follows(each, chain[-1]):
                chain.append(each)
                break
        else:
            chains.append([each])
    single = all(each.gone.profile.hidden.shape[1] == 1 for each in own)
    if single and len(chains) == len(own) and len({(each.backward, each.batch) for each in own}) == 1:
        return [own], False
    return chains, True


def _follows(later: Passed, before: Passed) -> bool:
    start, end = later.start, before.end
    if start is None or before.gone.profile.ragged or later.gone.profile.ragged or later.backward != before.backward:
        return False
    return start.data_ptr() == end.data_ptr() and start.shape == end.shape and start.stride() == end.stride()


def _in_time(chain: list[Passed], linked: bool) -> Profile:
    """Return one profile of calls that follow one another."""
    profiles = [each.gone.profile for each in chain]
    first = profiles[0]
    if len(chain) == 1:
        return first
    direct = None
    if linked and first.direct is not None:
        parts = [np.array(each.direct) for each in profiles]
        for part, own in zip(parts, _without([each.gone for each in chain]), strict=False):
            forwards = slice(None, None, first.directions)
            part[forwards, -1] = own[forwards]
            if first.directions == 2:
                part[1::2, 0] = own[1::2]  # the reverse direction ends at the first timestep
        direct = np.concatenate(parts, 1)
    return replace(
        first,
        hidden=np.concatenate([each.hidden for each in profiles], 1),
        direct=direct,
        cell=None if first.cell is None else np.concatenate([_there(each.cell) for each in profiles], 1),
        count=np.concatenate([each.count for each in profiles]),
        gates=None if first.gates is None else np.concatenate([_there(each.gates) for each in profiles], 2),
        saturated=None if first.saturated is None else np.mean([_there(each.saturated) for each in profiles], 0),
    )


def _without(chain: list[Gone]) -> Floats:
    """Return the mean norms (N - 1, R) of the direct gradient where calls end, less what the next one has brought."""
    with torch.inference_mode():
        whole = _wide_numbers(torch.stack([each.last for each in chain[:-1]]))  # (N - 1, R, B, W)
        through = _wide_numbers(torch.stack([each.start[0] for each in chain[1:]]))
        rest = torch.linalg.vector_norm(whole - through, dim=-1)
        size = torch.linalg.vector_norm(through, dim=-1)
        rest = rest.masked_fill(rest <= ROUNDING * chain[0].epsilon * size, 0.0)
        return np.asarray(rest.mean(-1).cpu().numpy())


def _wide_numbers(values: Tensor) -> Tensor:
    return (values.cpu() if values.device.type == "mps" else values).double()  # MPS knows no float64


def _mean(parts: list[Profile]) -> Profile:
    """Return the mean over the sequences of several batches, aligned at their ends."""
    if len(parts) == 1:
        return parts[0]
    width = max(each.count.size for each in parts)
    counts = np.stack([_wide(each.count, width) for each in parts])  # (N, T)
    sequences = np.array([each.count[-1] for each in parts])
    total = counts.sum(0)

    def columns(name: str) -> Floats | None:
        values = [getattr(each, name) for each in parts]
        if any(each is None for each in values):
            return None
        weighted = [_wide(np.nan_to_num(v), width) * c for v, c in zip(values, counts, strict=True)]
        with np.errstate(invalid="ignore"):
            return np.asarray(sum(weighted) / total)

    def rows(name: str) -> Floats | None:
        values = [getattr(each, name) for each in parts]
        if any(each is None for each in values):
            return None
        return np.asarray(np.average(np.stack(values), 0, weights=sequences))

    return replace(
        parts[0],
        hidden=_there(columns("hidden")),
        direct=columns("direct"),
        cell=columns("cell"),
        start=_there(rows("start")),
        start_cell=rows("start_cell"),
        count=total,
        gates=columns("gates"),
        saturated=rows("saturated"),
    )


def _wide(values: Floats, width: int) -> Floats:
    """Put zeros before the columns of (..., T)."""
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(width - values.shape[-1], 0)])


def _scaled(profile: Profile, factor: float) -> Profile:
    if factor == 1:
        return profile

    def scaled(values: Floats | None) -> Floats | None:
        return None if values is None else values * factor

    return replace(
        profile,
        hidden=profile.hidden * factor,
        direct=scaled(profile.direct),
        cell=scaled(profile.cell),
        start=profile.start * factor,
        start_cell=scaled(profile.start_cell),
    )


def _there(values: Floats | None) -> Floats:
    assert values is not None
    return values
