"""The read-outs: what is to be known of each without torch."""

from dataclasses import dataclass

from rnncore.registry import Implemented, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout(Implemented):
    """Which hidden states the output layer reads; implementation: function(SequenceModel, states, lengths).

    per_step: there is an output, and a target, at every timestep. attends: it learns weights of the timesteps.
    stacks: it looks at the states alone, and takes those of S networks too, (S, B, T, H), with lengths (S, B).
    """

    per_step: bool = False
    attends: bool = False
    stacks: bool = False


READOUTS: Registry[Readout] = Registry("readout")

READOUTS.register(
    Readout(
        key="last",
        title="Last step",
        help="It reads the last state alone.",
        implementation="rnncore.engine.model:read_last",
        stacks=True,
    )
)
READOUTS.register(
    Readout(
        key="mean",
        title="Mean over time",
        help="It reads the mean of all states.",
        implementation="rnncore.engine.model:read_mean",
        stacks=True,
    )
)
READOUTS.register(
    Readout(
        key="attention",
        title="Attention over time",
        help="It reads an average whose weights are learned (Bahdanau et al. 2015).",
        attends=True,
        implementation="rnncore.engine.model:read_attention",
    )
)
READOUTS.register(
    Readout(
        key="every_step",
        title="Every step",
        help="It reads every state and answers at every timestep.",
        per_step=True,
        implementation="rnncore.engine.model:read_every_step",
        stacks=True,
    )
)
