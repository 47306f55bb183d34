"""Instruments for models that are not ours: a layer of torch.nn as the network that instruments look at."""

import torch
from torch import nn

from rnncore.cells import CELLS
from rnncore.config import ModelConfig
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.model import SequenceModel


def from_torch(module: nn.RNNBase, readout: nn.Linear | None = None, every_step: bool = False) -> SequenceModel:
    """Return a network with the weights of an nn.RNN, nn.LSTM or nn.GRU, for the functions of this package.

    readout: the linear layer that reads its states; None for instruments that need no loss, such as exponents.
    every_step: whether it reads every timestep, not the last one alone. The weights are shared: a reading after more
    training needs no new network. Inputs are (B, T, F), whatever `batch_first` says; dropout is off.

    Raises NotDefinedError for modules with two directions, projections or no biases, for other kinds, and on MPS.
    """
    kind = f"{type(module).__name__}Cell"
    entry = next((entry for entry in CELLS.values() if entry.torch_cell == kind), None)
    if entry is None:
        raise NotDefinedError(f"not defined for a module of the kind {type(module).__name__}")
    if module.bidirectional or module.proj_size or not module.bias:
        raise NotDefinedError("not defined for modules with two directions, with projections or without biases")
    if any(each.device.type == "mps" for each in module.parameters()):
        raise NotDefinedError("not defined on MPS, which knows no float64; give a copy of the module on the CPU")
    config = ModelConfig(
        cell=entry.key,
        nonlinearity=getattr(module, "nonlinearity", "tanh"),
        hidden_size=module.hidden_size,
        num_layers=module.num_layers,
        readout="every_step" if every_step else "last",
    )
    outputs = 1 if readout is None else readout.out_features
    with torch.random.fork_rng(devices=[]):  # who trains beside this draws the same numbers as without it
        model = SequenceModel(config, module.input_size, outputs)
    for name, parameter in module.named_parameters():
        setattr(model.recurrent, name, parameter)
    if readout is not None:
        model.readout = readout
    return model
