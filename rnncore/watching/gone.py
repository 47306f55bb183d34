"""What came out of going back through one call."""

from dataclasses import dataclass

from torch import Tensor

from rnncore.watching.record import Profile


@dataclass(frozen=True, slots=True)
class Gone:
    """A call gone back through, of the sequences that were looked at.

    profile: see `Profile`. start: dL/dh_0, and of an LSTM dL/dc_0, each (R, B, W). last: (R, B, W) what reaches the
    last h_t, of a reverse direction the first one, from outside the call. epsilon: relative rounding of the gradients
    that the backward pass brought.
    """

    profile: Profile
    start: tuple[Tensor, ...]
    last: Tensor
    epsilon: float
