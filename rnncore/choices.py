"""What a configuration chooses by name beside the cell: loss, optimiser, clipping, initial weights and the like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnncore.registry import Choice, Implemented, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured(Implemented):
    """A choice that other fields of its own part of the configuration belong to.

    fields: those that mean something beside it, and nothing beside an entry that does not name them.
    """

    fields: tuple[str, ...] = ()


# ---- losses ----


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


# ---- optimisers ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer(Configured):
    """An optimiser; implementation: function(parameters, OptimizerConfig) -> torch.optim.Optimizer.

    torch_class: its name in torch.optim. torch_weight_decay: the weight decay of that class where none is given.
    """

    torch_class: str
    torch_weight_decay: float = 0.0


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer")

OPTIMIZERS.register(
    Optimizer(
        key="sgd",
        title="SGD",
        help="A step against the gradient, as long as the gradient times the learning rate.",
        fields=("momentum", "nesterov"),
        torch_class="SGD",
        implementation="rnncore.engine.optimizers:sgd",
    )
)
OPTIMIZERS.register(
    Optimizer(
        key="adam",
        title="Adam",
        help="Divides by the gradient's recent size, parameter by parameter, which hides how small a gradient is.",
        torch_class="Adam",
        implementation="rnncore.engine.optimizers:adam",
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
    )
)
OPTIMIZERS.register(
    Optimizer(
        key="adagrad",
        title="Adagrad",
        help="Divides by the root of all squared gradients so far, so that its steps become smaller and smaller.",
        torch_class="Adagrad",
        implementation="rnncore.engine.optimizers:adagrad",
    )
)


# ---- learning-rate schedules ----


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


# ---- clipping ----


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipMethod(Configured):
    """A way to clip gradients.

    implementation: function(FlatParameters, norm, Clipping) -> the norm after clipping over the norm before.
    run_name: what a run is called that uses it, with the fields of `ClipConfig` in braces.
    shortens: whether the gradient has one norm before clipping and another after it: `Record.clip_coef` tells them
    apart. in_recursion: it acts inside the backward recursion; what backward delivers has been clipped on its way.
    limits_norm: its threshold is the largest length of the whole gradient, so that a chart of norms can show it.
    """

    run_name: str
    shortens: bool = True
    in_recursion: bool = False
    limits_norm: bool = False

    @property
    def has_threshold(self) -> bool:
        """Whether there is a threshold, which can be changed while a run trains."""
        return "threshold" in self.fields

    def name_run(self, config: Mapping[str, Any]) -> str:
        """Return what a run is called by its clipping; config: the fields of its `ClipConfig`."""
        return self.run_name.format_map(config)


CLIP_METHODS: Registry[ClipMethod] = Registry("clip method")

CLIP_METHODS.register(
    ClipMethod(
        key="off",
        title="Off",
        help="Gradients are used as they are.",
        run_name="not clipped",
        shortens=False,
        implementation="rnncore.engine.clipping:leave",
    )
)
CLIP_METHODS.register(
    ClipMethod(
        key="norm",
        title="Global norm",
        help="A gradient longer than the threshold is shortened to it; its direction stays (Pascanu et al. 2013).",
        fields=("threshold",),
        run_name="clipped at {threshold:g}",
        limits_norm=True,
        implementation="rnncore.engine.clipping:clip_norm",
    )
)
CLIP_METHODS.register(
    ClipMethod(
        key="value",
        title="Each value",
        help="Every component is cut to the threshold, which changes the gradient's direction (Mikolov 2012).",
        fields=("threshold",),
        run_name="values clipped at {threshold:g}",
        implementation="rnncore.engine.clipping:clip_values",
    )
)
CLIP_METHODS.register(
    ClipMethod(
        key="parameter_norm",
        title="Norm of each parameter",
        help="The gradient of each weight matrix and bias is shortened by itself, as Keras does with clipnorm.",
        fields=("threshold",),
        run_name="each norm clipped at {threshold:g}",
        implementation="rnncore.engine.clipping:clip_each_norm",
    )
)
CLIP_METHODS.register(
    ClipMethod(
        key="recursion",
        title="Inside the recursion (Graves)",
        help="The gradient is shortened at every timestep on its way back through time (Graves 2013).",
        fields=("threshold",),
        run_name="recursion clipped at {threshold:g}",
        shortens=False,
        in_recursion=True,
        implementation="rnncore.engine.clipping:leave",
    )
)
CLIP_METHODS.register(
    ClipMethod(
        key="autoclip",
        title="AutoClip",
        help="Clips by norm at a percentile of all norms so far (Seetharaman et al. 2020).",
        fields=("percentile",),
        run_name="AutoClip p = {percentile:g}",
        implementation="rnncore.engine.clipping:autoclip",
    )
)
CLIP_METHODS.register(
    ClipMethod(
        key="agc",
        title="Adaptive (AGC)",
        help="Limits each unit's gradient to a share of its weights (Brock et al. 2021).",
        fields=("agc_factor",),
        run_name="AGC {agc_factor:g}",
        implementation="rnncore.engine.clipping:adaptive",
    )
)


# ---- initial recurrent weights ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialization(Configured):
    """How recurrent weights begin.

    implementation: function(one gate's matrix (H, H), InitConfig, torch.Generator), which fills the matrix in place.
    normal_inputs: input and read-out weights are drawn from N(0, std^2). zero_biases: all biases are 0.
    """

    normal_inputs: bool = False
    zero_biases: bool = False


INITIALIZATIONS: Registry[Initialization] = Registry("initialization")

INITIALIZATIONS.register(
    Initialization(
        key="default",
        title="torch's default",
        help="As the cell itself draws them; torch's own cells draw evenly between -1 and 1 over the root of H.",
        implementation="rnncore.engine.initialization:keep",
    )
)
INITIALIZATIONS.register(
    Initialization(
        key="orthogonal",
        title="Orthogonal",
        help="A random rotation, which makes no backpropagated vector shorter or longer (Saxe et al. 2014).",
        implementation="rnncore.engine.initialization:orthogonal",
    )
)
INITIALIZATIONS.register(
    Initialization(
        key="identity",
        title="Identity",
        help="Each unit begins by keeping its own state; all biases are 0 (Le et al. 2015, there with ReLU).",
        zero_biases=True,
        implementation="rnncore.engine.initialization:identity",
    )
)
INITIALIZATIONS.register(
    Initialization(
        key="spectral",
        title="Scaled to a spectral radius",
        help="Normal weights, scaled so that the largest absolute eigenvalue is the spectral radius (Jaeger 2001).",
        fields=("spectral_radius",),
        implementation="rnncore.engine.initialization:spectral",
    )
)
INITIALIZATIONS.register(
    Initialization(
        key="normal",
        title="Normal",
        help="Normal weights, those of inputs and read-out too; all biases are 0 (Pascanu et al. 2013).",
        fields=("std",),
        normal_inputs=True,
        zero_biases=True,
        implementation="rnncore.engine.initialization:normal",
    )
)
INITIALIZATIONS.register(
    Initialization(
        key="sparse",
        title="Sparse (Pascanu et al.)",
        help="15 inputs per unit, scaled to a spectral radius; all biases are 0 (Pascanu et al. 2013, section 4.1).",
        fields=("spectral_radius", "std"),
        normal_inputs=True,
        zero_biases=True,
        implementation="rnncore.engine.initialization:sparse",
    )
)


# ---- read-outs ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout(Implemented):
    """Which hidden states the output layer reads; implementation: function(SequenceModel, states, lengths).

    per_step: there is an output, and a target, at every timestep. attends: it learns weights of the timesteps.
    """

    per_step: bool = False
    attends: bool = False


READOUTS: Registry[Readout] = Registry("readout")

READOUTS.register(
    Readout(
        key="last",
        title="Last step",
        help="It reads the last state alone.",
        implementation="rnncore.engine.model:read_last",
    )
)
READOUTS.register(
    Readout(
        key="mean",
        title="Mean over time",
        help="It reads the mean of all states.",
        implementation="rnncore.engine.model:read_mean",
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
    )
)
