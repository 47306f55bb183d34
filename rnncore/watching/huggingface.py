"""Hugging Face's Trainer: `Trainer(callbacks=[WatchCallback(...)])` watches the model that it trains."""

from typing import Any

from transformers import TrainerCallback

from rnncore.watching.lab import Lab
from rnncore.watching.watch import watch


class WatchCallback(TrainerCallback):  # type: ignore[misc]  # its package is not typed, or not here
    """Watches a model while it is trained. It takes what `rnncore.watch` takes; `lab` is what that returns.

    The loss is what the model's own answer calls `loss`; where gradients are accumulated over batches it is not known.
    """

    lab: Lab | None = None

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._loss: Any = None
        self._handle: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        """Begin to watch."""
        self.lab = watch(model, **self._options)
        self.lab.open()
        if args.gradient_accumulation_steps == 1:
            self._handle = model.register_forward_hook(self._answered)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **more: Any) -> None:
        """Close the backward pass of a step."""
        if self.lab is not None:
            self.lab.step(loss=self._loss, optimizer=optimizer)
        self._loss = None

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Stop watching; what was recorded stays in `lab`."""
        if self._handle is not None:
            self._handle.remove()
        if self.lab is not None:
            self.lab.close()

    def _answered(self, module: Any, inputs: Any, answer: Any) -> None:
        loss = answer.get("loss") if isinstance(answer, dict) else getattr(answer, "loss", None)
        if module.training and loss is not None:
            self._loss = loss.detach()
