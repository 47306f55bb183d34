"""PyTorch Lightning: `Trainer(callbacks=[WatchCallback(...)])` watches the module that it trains."""

from typing import Any

from lightning.pytorch.callbacks import Callback

from rnncore.watching.trainers import Watching


class WatchCallback(Watching, Callback):  # type: ignore[misc]  # its package is not typed, or not here
    """Watches a LightningModule while it is fitted. It takes what `rnncore.watch` takes; `lab` is what that returns."""

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self.begin(module)

    def on_before_backward(self, trainer: Any, module: Any, loss: Any) -> None:
        self.lab.hear(loss)

    def on_before_optimizer_step(self, trainer: Any, module: Any, optimizer: Any) -> None:
        self.lab.step(optimizer=optimizer, scaler=getattr(trainer.precision_plugin, "scaler", None))
