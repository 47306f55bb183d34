"""RNN Gradient Lab's core: train recurrent networks and measure how gradients travel back through time.

What it offers is imported when it is used first: `import rnncore` takes no time, and what only needs configs imports no
torch.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # that of `typing`, which is not imported either
if TYPE_CHECKING:
    from typing import Any

    from rnncore.config import TrainConfig
    from rnncore.engine.train import train
    from rnncore.examination import diagnose
    from rnncore.runs.study_call import study
    from rnncore.watching.watch import watch

__version__ = "0.1.0"
__all__ = ["TrainConfig", "diagnose", "study", "train", "watch"]
_HOMES = {
    "TrainConfig": "config",
    "diagnose": "examination",
    "study": "runs.study_call",
    "train": "engine.train",
    "watch": "watching.watch",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnncore' has no attribute {name!r}")
    return getattr(import_module(f"rnncore.{_HOMES[name]}"), name)
