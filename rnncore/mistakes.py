"""Mistakes that a run can be made to have on purpose: what is to be known of each without its data."""

from dataclasses import dataclass

from rnncore.registry import Implemented, Registry

LONGEST = 5_000  # timesteps that a sequence may have once a mistake has made it longer
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake(Implemented):
    """A mistake in the handling of data, made on purpose.

    implementation: function(SequenceDataset) -> the same data with the mistake. sentence: what is wrong with a run that
    has it, '' where nothing is. unscaled: of files and series, "inputs" or "targets" come in their own units.
    targets: the kinds of target that it can be made with. times_longer: what it multiplies the length of sequences
    with. swaps_axes: the network takes the sequences of a batch for timesteps.
    """

    sentence: str = ""
    unscaled: str = ""
    targets: tuple[str, ...] = ("regression", "binary", "multiclass")
    times_longer: int = 1
    swaps_axes: bool = False


MISTAKES: Registry[Mistake] = Registry("mistake")

MISTAKES.register(
    Mistake(
        key=NONE,
        title="No mistake",
        help="The data are handled as they should be.",
        implementation="rnncore.data.mistakes:leave",
    )
)
MISTAKES.register(
    Mistake(
        key="unscaled_targets",
        title="Targets are not scaled",
        help="Targets keep their own units; those with a standard deviation below 10 are multiplied by 10,000.",
        sentence="its targets are not scaled",
        unscaled="targets",
        targets=("regression",),
        implementation="rnncore.data.mistakes:unscaled_targets",
    )
)
MISTAKES.register(
    Mistake(
        key="unscaled",
        title="Inputs are not scaled",
        help="Inputs keep their own units; those with a standard deviation below 10 are multiplied by 10,000.",
        sentence="its inputs are not scaled",
        unscaled="inputs",
        implementation="rnncore.data.mistakes:unscaled_inputs",
    )
)
MISTAKES.register(
    Mistake(
        key="shuffled_time",
        title="Timesteps are shuffled",
        help="The timesteps of each sequence stand in a random order of its own, the same one each time it is seen.",
        sentence="the timesteps of each sequence are shuffled",
        implementation="rnncore.data.mistakes:shuffled_time",
    )
)
MISTAKES.register(
    Mistake(
        key="padded",
        title="A long padding is read too",
        help="Each sequence is followed by zeros, four times as many as it has timesteps, and nothing masks them.",
        sentence="four times as many zeros as timesteps follow each sequence",
        times_longer=5,
        implementation="rnncore.data.mistakes:padded",
    )
)
MISTAKES.register(
    Mistake(
        key="swapped_batch_and_time",
        title="Batch and time are swapped",
        help="The network takes the sequences of a batch for timesteps, as torch does without batch_first=True.",
        sentence="the sequences of a batch are taken for timesteps",
        swaps_axes=True,
        implementation="rnncore.data.mistakes:swapped_batch_and_time",
    )
)
