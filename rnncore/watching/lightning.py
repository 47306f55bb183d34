"""PyTorch Lightning: `Trainer(callbacks=[WatchCallback(...)])` watches the module that it trains."""

from typing import Any

from lightning.pytorch.callbacks import Callback

from rnncore.watching.lab import Lab
from rnncore.watching.watch import watch


class WatchCallback(Callback):  # type: ignore[misc]  # its package is not typed, or not here
    """Watches a LightningModule while it is fitted. It takes what `rnncore.watch` takes; `lab` is what that returns."""

    lab: Lab

    def __init__(self, **options: Any) -> None:
        self._options = options

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to watch."""
        self.lab = watch(pl_module, **self._options).open()

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        """Hear of the loss of a batch."""
        self.lab.hear(loss)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Close the backward pass of a step, before Lightning clips."""
        self.lab.step(optimizer=optimizer, scaler=getattr(trainer.precision_plugin, "scaler", None))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop watching; what was recorded stays in `lab`."""
        self.lab.close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave the module as it was."""
        if hasattr(self, "lab"):  # else it has not begun to train
            self.lab.close(exception)
