"""The optimisers: what is to be known of each without torch."""

from dataclasses import dataclass

from rnncore.choices.configured import Configured
from rnncore.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer(Configured):
    """An optimiser; implementation: function(parameters, OptimizerConfig) -> torch.optim.Optimizer.

    torch_class: its name in torch.optim. torch_weight_decay: the weight decay of that class where none is given.
    elementwise: what becomes of a weight depends on its own gradients alone, so that the weights of several networks
    can be updated in one call.
    """

    torch_class: str
    torch_weight_decay: float = 0.0
    elementwise: bool = False


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer")

OPTIMIZERS.register(
    Optimizer(
        key="sgd",
        title="SGD",
        help="A step against the gradient, as long as the gradient times the learning rate.",
        fields=("momentum", "nesterov"),
        torch_class="SGD",
        implementation="rnncore.engine.optimizers:sgd",
        elementwise=True,
    )
)
OPTIMIZERS.register(
    Optimizer(
        key="adam",
        title="Adam",
        help="Divides by the gradient's recent size, parameter by parameter, which hides how small a gradient is.",
        torch_class="Adam",
        implementation="rnncore.engine.optimizers:adam",
        elementwise=True,
    )
)
OPTIMIZERS.register(
    Optimizer(
        key="adamw",
        title="AdamW",
        help="Adam whose weight decay does not go through the division.",
        torch_class="AdamW",
        torch_weight_decay=0.01,
        implementation="rnncore.engine.optimizers:adamw",
        elementwise=True,
    )
)
OPTIMIZERS.register(
    Optimizer(
        key="rmsprop",
        title="RMSprop",
        help="Divides the gradient by the root of its recent mean square.",
        fields=("momentum",),
        torch_class="RMSprop",
        implementation="rnncore.engine.optimizers:rmsprop",
        elementwise=True,
    )
)
OPTIMIZERS.register(
    Optimizer(
        key="adagrad",
        title="Adagrad",
        help="Divides by the root of all squared gradients so far, so that its steps become smaller and smaller.",
        torch_class="Adagrad",
        implementation="rnncore.engine.optimizers:adagrad",
        elementwise=True,
    )
)
