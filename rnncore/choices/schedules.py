"""The learning-rate schedules: what is to be known of each without torch."""

from dataclasses import dataclass

from rnncore.choices.configured import Configured
from rnncore.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Configured):
    """A learning-rate schedule.

    implementation: function(steps since the peak, steps from the peak to the last, ScheduleConfig) -> factor.
    """


SCHEDULES: Registry[Schedule] = Registry("schedule")

SCHEDULES.register(
    Schedule(
        key="constant",
        title="Constant",
        help="The same learning rate throughout.",
        implementation="rnncore.engine.schedules:constant",
    )
)
SCHEDULES.register(
    Schedule(
        key="exponential",
        title="Exponential decay",
        help="Falls smoothly by the decay factor in every so many steps.",
        fields=("decay", "decay_steps"),
        implementation="rnncore.engine.schedules:exponential",
    )
)
SCHEDULES.register(
    Schedule(
        key="linear",
        title="Linear decay",
        help="Falls in a straight line to its final share at the last step.",
        fields=("final_fraction",),
        implementation="rnncore.engine.schedules:linear",
    )
)
SCHEDULES.register(
    Schedule(
        key="cosine",
        title="Cosine decay",
        help="Falls along half a cosine to its final share at the last step (Loshchilov & Hutter 2017).",
        fields=("final_fraction",),
        implementation="rnncore.engine.schedules:cosine",
    )
)
SCHEDULES.register(
    Schedule(
        key="step",
        title="Decay in steps",
        help="Falls by the decay factor at once, every so many steps.",
        fields=("decay", "decay_steps"),
        implementation="rnncore.engine.schedules:stairs",
    )
)
