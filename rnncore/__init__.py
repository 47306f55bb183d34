"""RNN Gradient Lab's core: train recurrent networks and measure how gradients travel back through time.

What it offers is imported when it is used first: `import rnncore` takes no time, and what only needs configs imports no
torch.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of `typing`, which is not imported either
if TYPE_CHECKING:
    from typing import Any

    from rnncore.config import TrainConfig
    from rnncore.engine.train import train
    from rnncore.examination import diagnose
    from rnncore.runs.study_call import study
    from rnncore.watching.watch import watch

__all__ = ["TrainConfig", "diagnose", "study", "train", "watch"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "TrainConfig":
        from rnncore.config import TrainConfig

        return TrainConfig
    if name == "train":
        from rnncore.engine.train import train

        return train
    if name == "diagnose":
        from rnncore.examination import diagnose

        return diagnose
    if name == "study":
        from rnncore.runs.study_call import study

        return study
    if name == "watch":
        from rnncore.watching.watch import watch

        return watch
    raise AttributeError(f"module 'rnncore' has no attribute {name!r}")
