"""Where to compute, and why."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.errors import not_allowed

# Multiply-adds of the recurrence per timestep and layer, B * gates * H * H, below which the CPU is preferred: an
# accelerator spends 10 us or more on launching each step. On an H100 beside one core of its machine, with every fifth
# profile recorded, the CPU takes 0.6 to 2.1 times as long at 0.8 to 1 million, and 1.2 to 5.8 times at 3 to 4 million.
SMALL = 4_000_000
_WORDS = {"cuda": "CUDA", "mps": "Apple Metal"}


def available_devices() -> list[str]:
    """Return the devices of this machine, accelerators first."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [name for name, there in present.items() if there] + ["cpu"]


def choose_device(config: TrainConfig, available: list[str] | None = None) -> tuple[str, str]:
    """Return the device to compute on and why, one sentence.

    Raises ConfigError when `config.device` names one that this machine lacks, or one that lacks `config.dtype`.
    """
    available = available or available_devices()
    if config.device != "auto":
        return _named_device(config, available)
    fit = [name for name in available if not (name == "mps" and config.dtype == "float64")]
    if fit[0] == "cpu":
        return "cpu", "This machine has no accelerator that torch can use."
    work = config.batch_size * CELLS[config.model.cell].recurrent_work(config.model.hidden_size)
    if work < SMALL:
        return "cpu", (
            f"The model is small: {work:,} multiply-adds per timestep, too few to outweigh the time that "
            f"{_WORDS[fit[0]]} needs to start each step (auto changes over at {SMALL:,})."
        )
    return fit[0], f"The model is large enough for {_WORDS[fit[0]]}: {work:,} multiply-adds per timestep."


@contextmanager
def no_word_of_memory(inputs: Tensor) -> Iterator[None]:
    """Leave out what cuDNN warns of where weights are not all in one piece, as those of one of several layers are."""
    if not inputs.is_cuda:
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
        yield


def _named_device(config: TrainConfig, available: list[str]) -> tuple[str, str]:
    if config.device not in available:
        allowed = " or ".join(repr(name) for name in ("auto", *available))
        raise not_allowed("device", config.device, "on this machine, which has no such device", allowed)
    if config.device == "mps" and config.dtype == "float64":
        raise not_allowed("dtype", config.dtype, "on the device 'mps', which computes in float32 only", "'float32'")
    return config.device, "Chosen in the configuration."
