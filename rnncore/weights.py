"""The weights inside a checkpoint, by name: what the engine keeps in one flat buffer, taken apart without torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from rnncore.config import ModelConfig
from rnncore.sizes import BLOCKS

ALIGNMENT = 64  # bytes; each tensor of `rnncore.engine.flat.FlatParameters` begins at a multiple of it


def parameter_shapes(model: ModelConfig, input_size: int, output_size: int) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the parameters of `SequenceModel(model, input_size, output_size)`, in its order."""
    H, rows = model.hidden_size, BLOCKS[model.cell] * model.hidden_size
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(model.num_layers):
        shapes |= {
            f"recurrent.weight_ih_l{layer}": (rows, H if layer else input_size),
            f"recurrent.weight_hh_l{layer}": (rows, H),
            f"recurrent.bias_ih_l{layer}": (rows,),
            f"recurrent.bias_hh_l{layer}": (rows,),
        }
    shapes |= {"readout.weight": (output_size, H), "readout.bias": (output_size,)}
    if model.readout == "attention":
        shapes |= {"attention.project.weight": (H, H), "attention.project.bias": (H,), "attention.score.weight": (1, H)}
    return shapes


def unflatten(weights: NDArray[Any], shapes: dict[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
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
