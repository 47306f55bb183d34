"""What callbacks of training libraries have in common: a model is watched from the training's start to its end."""

from typing import Any

from rnncore.watching.lab import Lab
from rnncore.watching.watch import watch


class Watching:
    """The part of a callback that no library differs in. It takes what `rnncore.watch` takes.

    lab: what that returns, once the training has begun.
    """

    lab: Lab

    def __init__(self, **options: Any) -> None:
        self._options = options

    def begin(self, model: Any) -> Lab:
        """Begin to watch a model."""
        self.lab = watch(model, **self._options).open()
        return self.lab

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Stop watching; what was recorded stays in `lab`."""
        self.lab.close()

    def on_exception(self, *told: Any) -> None:
        """Leave the model as it was; the error is the last that is told."""
        if hasattr(self, "lab"):  # else it has not begun to train
            self.lab.close(told[-1])
