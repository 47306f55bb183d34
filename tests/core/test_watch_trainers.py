"""The callbacks for PyTorch Lightning and for Hugging Face's Trainer, with the real packages.

They run in the environment that `.ci/extras` makes, and are skipped where the packages are not installed.
"""

import warnings

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Sums(nn.Module):
    """Says the sum of a sequence; answers as Lightning's and as Hugging Face's models do."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 6, batch_first=True)
        self.head = nn.Linear(6, 1)

    def forward(self, x, labels=None):
        logits = self.head(self.lstm(x)[0][:, -1])
        if labels is None:
            return logits
        return {"loss": (logits - labels).square().mean(), "logits": logits}


class Samples(Dataset):
    """Sequences with their sums, as a Trainer takes them."""

    def __len__(self):
        return 16

    def __getitem__(self, place):
        x = torch.randn(7, 2, generator=torch.Generator().manual_seed(place))
        return {"x": x, "labels": x.sum().reshape(1)}


def fresh():
    torch.manual_seed(0)
    return Sums()


def same(first, second):
    return all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))


def lightning_fit(callbacks, **options):
    """Train a fresh model for two epochs of four batches; return it."""
    lightning = pytest.importorskip("lightning", reason="lightning is not installed here; .ci/extras runs this test")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = fresh()

        def training_step(self, batch, _):
            return self.net(*batch)["loss"]

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    module = Module()
    items = [Samples()[place] for place in range(16)]
    data = TensorDataset(*(torch.stack([item[name] for item in items]) for name in ("x", "labels")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning.Trainer(
            max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, callbacks=callbacks, gradient_clip_val=0.05, **options,
        ).fit(module, DataLoader(data, 4))  # fmt: skip
    return module


def test_lightning_is_watched_and_trains_the_same():
    plain = lightning_fit([])
    from rnncore.watching.lightning import WatchCallback

    callback = WatchCallback(every=1)
    watched = lightning_fit([callback])
    assert same(plain, watched)
    records = callback.lab.records
    assert [record.step for record in records] == list(range(1, 9))
    newest = records[-1]
    assert newest.profiles["net.lstm"].hidden.shape == (1, 7)
    assert newest.grad_norm > newest.clipped_norm == pytest.approx(0.05, rel=1e-4)
    assert newest.loss > 0
    assert (newest.learning_rate, newest.update_norm) == (0.1, pytest.approx(0.1 * newest.clipped_norm, rel=1e-4))
    assert not any(module._forward_hooks for module in watched.modules())


def test_lightning_adds_up_the_loss_of_accumulated_batches():
    pytest.importorskip("lightning", reason="lightning is not installed here; .ci/extras runs this test")
    from rnncore.watching.lightning import WatchCallback

    callback = WatchCallback(every=1)
    lightning_fit([callback], accumulate_grad_batches=2)
    items = [Samples()[place] for place in range(8)]
    expected = fresh()(*(torch.stack([item[name] for item in items]) for name in ("x", "labels")))["loss"]
    assert [record.step for record in callback.lab.records] == [1, 2, 3, 4]
    assert callback.lab.records[0].loss == pytest.approx(expected.item(), rel=1e-5)


def test_an_error_in_lightning_ends_the_watching_too():
    pytest.importorskip("lightning", reason="lightning is not installed here; .ci/extras runs this test")
    from lightning.pytorch.callbacks import Callback

    from rnncore.watching.lightning import WatchCallback

    class Broken(Callback):
        def on_train_batch_end(self, trainer, *rest):
            if trainer.global_step == 2:
                raise ZeroDivisionError

    callback = WatchCallback(every=1)
    with pytest.raises(ZeroDivisionError):
        lightning_fit([callback, Broken()])
    assert [record.step for record in callback.lab.records] == [1, 2]
    assert not any(module._forward_hooks for module in callback.lab.model.modules())


def trainer_fit(folder, callbacks, **options):
    """Train a fresh model for four steps; return it."""
    transformers = pytest.importorskip(
        "transformers", reason="transformers is not installed here; .ci/extras runs this test"
    )
    model = fresh()
    loss = {name: options.pop(name) for name in ("compute_loss_func",) if name in options}
    options = {"per_device_train_batch_size": 4} | options
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), max_steps=4, learning_rate=0.1, max_grad_norm=0.05,
        report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True, logging_strategy="no", **options,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers.Trainer(model, arguments, train_dataset=Samples(), callbacks=callbacks, **loss).train()
    return model


def test_the_trainer_is_watched_and_trains_the_same(tmp_path):
    plain = trainer_fit(tmp_path, [])
    from rnncore.watching.huggingface import WatchCallback

    callback = WatchCallback(every=1)
    watched = trainer_fit(tmp_path, [callback])
    assert same(plain, watched)
    records = callback.lab.records
    assert [record.step for record in records] == [1, 2, 3, 4]
    assert records[-1].profiles["lstm"].hidden.shape == (1, 7)
    assert records[0].loss > 0
    assert records[0].grad_norm > records[0].clipped_norm == pytest.approx(0.05, rel=1e-4)
    assert records[0].update_norm > 0
    assert not any(module._forward_hooks for module in watched.modules())


def test_the_trainer_adds_up_the_loss_of_accumulated_batches(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed here; .ci/extras runs this test")
    from rnncore.watching.huggingface import WatchCallback

    two, one = WatchCallback(every=1), WatchCallback(every=1)
    trainer_fit(tmp_path, [two], gradient_accumulation_steps=2)
    trainer_fit(tmp_path, [one], per_device_train_batch_size=8)
    assert two.lab.records[0].loss == pytest.approx(one.lab.records[0].loss, rel=1e-5)
    assert two.lab.records[0].grad_norm == pytest.approx(one.lab.records[0].grad_norm, rel=1e-4)
    assert all(record.loss > 0 for record in two.lab.records)


def test_the_trainer_says_no_loss_that_it_works_out_itself(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed here; .ci/extras runs this test")
    from rnncore.watching.huggingface import WatchCallback

    callback = WatchCallback(every=1)
    trainer_fit(tmp_path, [callback], compute_loss_func=lambda answer, labels, **_: (answer - labels).abs().mean())
    assert {record.loss for record in callback.lab.records} == {None}
    assert callback.lab.records[0].grad_norm > 0
