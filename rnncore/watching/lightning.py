"""PyTorch Lightning: `Trainer(callbacks=[WatchCallback(...)])` watches the module that it trains."""

from typing import Any

from lightning.pytorch.callbacks import Callback

from rnncore.watching.lab import Lab
from rnncore.watching.watch import watch


class WatchCallback(Callback):  # type: ignore[misc]  # its package is not typed, or not here
    """Watches a LightningModule while it is fitted. It takes what `rnncore.watch` takes; `lab` is what that returns."""

    lab: Lab | None = None

    def __init__(self, **options: Any) -> None:
        self._options, self._loss = options, 0.0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to watch."""
        self.lab = watch(pl_module, **self._options)
        self.lab.open()

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        """Add up what is differentiated, over the batches whose gradients are accumulated."""
        self._loss += float(loss.detach())

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Close the backward pass of a step, before Lightning clips."""
        if self.lab is not None:
            scaler = getattr(trainer.precision_plugin, "scaler", None)
            self.lab.step(loss=self._loss, optimizer=optimizer, scaler=scaler)
        self._loss = 0.0

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop watching; what was recorded stays in `lab`."""
        if self.lab is not None:
            self.lab.close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave the module as it was."""
        if self.lab is not None:
            self.lab.close(exception)
