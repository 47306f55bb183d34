"""How recurrent weights can begin: what is to be known of each way without torch."""

from dataclasses import dataclass

from rnncore.choices.configured import Configured
from rnncore.registry import Registry


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
