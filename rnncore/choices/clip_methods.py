"""The ways to clip gradients: what is to be known of each without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnncore.choices.configured import Configured
from rnncore.registry import Registry


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
