"""What instruments do at one evaluation of a model (`rnncore.instruments` lists them), and on demand: a module each."""

from rnncore.engine.instruments.contributions import norms_and_cosines, step_contributions
from rnncore.engine.instruments.flow import flow_matrix
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.instruments.lyapunov import lyapunov_spectrum
from rnncore.engine.instruments.sensitivity import state_sensitivity
from rnncore.engine.instruments.torch_modules import from_torch

__all__ = [
    "NotDefinedError", "flow_matrix", "from_torch", "lyapunov_spectrum", "norms_and_cosines", "state_sensitivity",
    "step_contributions",
]  # fmt: skip
