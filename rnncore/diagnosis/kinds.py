"""All kinds of findings, the most important first: causes from the deepest to what only shows, then descriptions."""

from rnncore.diagnosis.finding import FINDINGS, Group, Rule

__all__ = ["FINDINGS"]


def _register(group: Group, key: str, title: str, help: str) -> None:
    FINDINGS.register(Rule(key=key, title=title, help=help, group=group))


_register(
    "cause",
    "swapped_axes",
    "Swapped axes",
    "Batch and time have changed places: it reads sequence after sequence instead of step after step.",
)
_register(
    "cause",
    "padding_tail",
    "Padded tail",
    "Most of each sequence is a constant tail that tells nothing, through which the network must keep what it read.",
)
_register(
    "cause",
    "target_scale",
    "Scale of the targets",
    "The targets are numbers far larger than those a network gives out at first, so that its errors, and the gradient "
    "with them, are huge.",
)
_register(
    "cause",
    "input_scale",
    "Scale of the inputs",
    "The inputs are numbers far larger than 1, which drive every unit to the end of its range at once.",
)
_register(
    "cause",
    "no_temporal_order",
    "No order in time",
    "Neighbouring values are unrelated although the data are a series: the rows are shuffled, or the series is noise.",
)
_register(
    "cause",
    "truncation_shorter_than_delay",
    "Truncation shorter than the delay",
    "The gradient is cut off after fewer steps than lie between a cause and its effect, so that nothing can be learned "
    "of the connection.",
)
_register(
    "cause",
    "thrown_out",
    "Thrown out",
    "One gradient far larger than those before it threw the weights to a place from which they have not come back.",
)
_register(
    "cause",
    "learning_rate_too_high",
    "Learning rate too high",
    "Each step overshoots: the loss jumps or grows instead of falling.",
)
_register(
    "cause",
    "learning_rate_too_low",
    "Learning rate too low",
    "The updates are so small beside the weights that they hardly change within the run.",
)
_register(
    "cause",
    "clip_rules",
    "The clip threshold decides the step",
    "Nearly every gradient is cut to the threshold, so that the threshold decides how far a step goes.",
)
_register(
    "cause",
    "too_few_updates",
    "Too few updates",
    "The run ended, or stands, before training could have an effect.",
)
_register(
    "cause",
    "vanishing_through_layers",
    "Vanishing through the layers",
    "The gradient shrinks on its way down from layer to layer, so that the lower layers hardly learn.",
)
_register(
    "cause",
    "dead_units",
    "Dead units",
    "ReLU units whose output is 0 for every sequence: they have no gradient, so training cannot bring them back.",
)
_register(
    "cause",
    "saturated",
    "Saturated units",
    "Most units or gates are at the ends of their range, where their slope is nearly 0 and no gradient passes.",
)
_register(
    "cause",
    "diverged",
    "Diverged",
    "The loss, the gradient or the weights became infinite or NaN, which ended the run.",
)
_register(
    "cause",
    "constant_output",
    "Constant answers",
    "The network gives nearly the same answer to every sequence.",
)
_register(
    "cause",
    "majority_only",
    "Only the commonest class",
    "The network gives the commonest class as its answer to everything.",
)
_register(
    "cause",
    "echo",
    "Echo",
    "The forecast is no better than saying the last known value again.",
)
_register(
    "cause",
    "no_better_than_baseline",
    "No better than a baseline",
    "On sequences that it was not trained on, the network is no better than an answer that takes no learning.",
)
_register(
    "description",
    "learning",
    "Learning",
    "On sequences that it was not trained on, the network beats every simple answer by more than chance explains.",
)
_register(
    "description",
    "memorising",
    "Memorising",
    "The training loss falls, but on sequences that it was not trained on the network is no better for it.",
)
_register(
    "description",
    "vanishing",
    "Vanishing",
    "Going back in time, the gradient shrinks to less than a thousandth of its last value.",
)
_register(
    "description",
    "exploding",
    "Exploding",
    "Going back in time, the gradient grows to more than a thousand times its last value.",
)
_register(
    "description",
    "fading",
    "Fading",
    "Going back in time, the gradient shrinks to between a tenth and a thousandth of its last value.",
)
_register(
    "description",
    "growing",
    "Growing",
    "Going back in time, the gradient grows to between ten and a thousand times its last value.",
)
_register(
    "description",
    "steady",
    "Steady",
    "Going back in time, the gradient stays between a tenth and ten times its last value.",
)
_register(
    "description",
    "direct",
    "Direct",
    "Most timesteps have a read-out of their own, so that a gradient reaches them without travelling through time.",
)
_register(
    "description",
    "optimizer_hides_vanishing",
    "The optimiser hides it",
    "The gradient has become far smaller since the start, but the optimiser makes the updates as long as before.",
)
