"""The losses: what is to be known of each without torch."""

from dataclasses import dataclass

from rnncore.registry import Choice, Implemented, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Implemented):
    """A loss; implementation: function(outputs, targets, reduction="none") of tensors.

    noun: its name within a sentence. targets: kinds of target that it fits (`rnncore.data.dataset.TargetKind`).
    torch_function: its name in torch.nn.functional.
    """

    noun: str
    targets: tuple[str, ...]
    torch_function: str


AUTO = Choice(key="auto", title="As the data calls for", help="The first loss that fits the kind of target.")
LOSSES: Registry[Loss] = Registry("loss")

LOSSES.register(
    Loss(
        key="mse",
        title="Mean squared error",
        help="The mean of the squared errors.",
        noun="mean squared error",
        targets=("regression",),
        torch_function="mse_loss",
        implementation="rnncore.engine.losses:mse",
    )
)
LOSSES.register(
    Loss(
        key="mae",
        title="Mean absolute error",
        help="The mean of the errors without their signs: a large error counts for less than when squared.",
        noun="mean absolute error",
        targets=("regression",),
        torch_function="l1_loss",
        implementation="rnncore.engine.losses:mae",
    )
)
LOSSES.register(
    Loss(
        key="huber",
        title="Huber",
        help="Squared for errors up to 1, absolute beyond (Huber 1964).",
        noun="Huber loss",
        targets=("regression",),
        torch_function="huber_loss",
        implementation="rnncore.engine.losses:huber",
    )
)
LOSSES.register(
    Loss(
        key="bce",
        title="Binary cross-entropy",
        help="Minus the logarithm of the probability given to the right one of two answers, in nats.",
        noun="cross-entropy",
        targets=("binary",),
        torch_function="binary_cross_entropy_with_logits",
        implementation="rnncore.engine.losses:bce",
    )
)
LOSSES.register(
    Loss(
        key="cross_entropy",
        title="Cross-entropy",
        help="Minus the logarithm of the probability given to the right class, in nats.",
        noun="cross-entropy",
        targets=("multiclass",),
        torch_function="cross_entropy",
        implementation="rnncore.engine.losses:cross_entropy",
    )
)
