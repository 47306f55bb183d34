"""The weights inside a checkpoint, by name: what the engine keeps in one flat buffer, taken apart without torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from rnncore.cells import CELLS, Shapes
from rnncore.choices import READOUTS
from rnncore.config import ModelConfig

ALIGNMENT = 64  # bytes; each tensor of `rnncore.engine.flat.FlatParameters` begins at a multiple of it


def parameter_shapes(model: ModelConfig, input_size: int, output_size: int) -> Shapes:
    """Return name -> shape of the parameters of `SequenceModel(model, input_size, output_size)`, in its order."""
    H = model.hidden_size
    cell, shapes, constrained = CELLS[model.cell], Shapes(), Shapes()
    for layer in range(model.num_layers):
        for name, shape in cell.parameters(H if layer else input_size, H).items():
            if (
                cell.orthogonal and name == cell.matrix
            ):  # torch keeps what such a matrix is computed from, after the rest
                constrained[f"recurrent.parametrizations.{name}_l{layer}.original"] = shape
            else:
                shapes[f"recurrent.{name}_l{layer}"] = shape
    shapes |= constrained | {"readout.weight": (output_size, H), "readout.bias": (output_size,)}
    if READOUTS[model.readout].attends:
        shapes |= {"attention.project.weight": (H, H), "attention.project.bias": (H,), "attention.score.weight": (1, H)}
    return shapes


def unflatten(weights: NDArray[Any], shapes: Shapes) -> dict[str, NDArray[Any]]:
    """Take the flat buffer (N,) of all weights apart; the gaps between them are left out."""
    chunk, offset, parts = ALIGNMENT // weights.itemsize, 0, {}
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        parts[name] = weights[offset : offset + size].reshape(shape)
        offset += -(-size // chunk) * chunk
    if offset != len(weights):
        raise ValueError(f"the weights are {len(weights):,} numbers, the model needs {offset:,}")
    return parts


def checkpoint_weights(
    content: bytes, model: ModelConfig, input_size: int, output_size: int
) -> dict[str, NDArray[Any]]:
    """Return name -> weights of a checkpoint (`Store.load_checkpoint`); names as in `SequenceModel.state_dict`."""
    return unflatten(load(content)["weights"], parameter_shapes(model, input_size, output_size))
