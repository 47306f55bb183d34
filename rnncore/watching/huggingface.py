"""Hugging Face's Trainer: `Trainer(callbacks=[WatchCallback(...)])` watches the model that it trains."""

from typing import Any

from transformers import TrainerCallback

from rnncore.watching.trainers import Watching


class WatchCallback(Watching, TrainerCallback):  # type: ignore[misc]  # its package is not typed, or not here
    """Watches a model while it is trained. It takes what `rnncore.watch` takes; `lab` is what that returns.

    The loss is what the model's own answer calls `loss`; where the Trainer works out another one it is not known.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        self.begin(model).hear_answers()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **more: Any) -> None:
        self.lab.step(optimizer=optimizer, scaler=getattr(optimizer, "scaler", None))
