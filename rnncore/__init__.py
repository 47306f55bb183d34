"""RNN Gradient Lab's core: train recurrent networks and measure how gradients travel back through time.

`train` is imported lazily, so that `import rnncore` (and everything that only needs configs) imports no torch.
"""

from typing import TYPE_CHECKING, Any

from rnncore.config import TrainConfig

if TYPE_CHECKING:
    from rnncore.engine.train import train
    from rnncore.examination import diagnose
    from rnncore.runs.study_call import study
    from rnncore.watching.watch import watch

__all__ = ["TrainConfig", "diagnose", "study", "train", "watch"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
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
