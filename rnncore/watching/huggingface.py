"""Hugging Face's Trainer: `Trainer(callbacks=[WatchCallback(...)])` watches the model that it trains."""

from typing import Any

from transformers import TrainerCallback

from rnncore.watching.lab import Lab
from rnncore.watching.watch import watch


class WatchCallback(TrainerCallback):  # type: ignore[misc]  # its package is not typed, or not here
    """Watches a model while it is trained. It takes what `rnncore.watch` takes; `lab` is what that returns.

    The loss is what the model's own answer calls `loss`; where the Trainer works out another one it is not known.
    """

    lab: Lab

    def __init__(self, **options: Any) -> None:
        self._options = options

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        """Begin to watch."""
        self.lab = watch(model, **self._options).open().hear_answers()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **more: Any) -> None:
        """Close the backward pass of a step."""
        self.lab.step(optimizer=optimizer, scaler=getattr(optimizer, "scaler", None))

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Stop watching; what was recorded stays in `lab`."""
        self.lab.close()
