"""A trained network, made again from its weights, that answers to inputs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnncore.config import ModelConfig
from rnncore.engine.model import SequenceModel

_CHUNK = 500_000  # hidden activations of one forward pass, a bound on memory


def network_of(
    config: ModelConfig, input_size: int, output_size: int, weights: Mapping[str, NDArray[Any]]
) -> Callable[[NDArray[np.float32], NDArray[np.int64] | None], NDArray[Any]]:
    """Return a function from inputs (B, T, F) and lengths (B,), None = all T, to outputs (B, O) or (B, T, O).

    weights: by the names of `SequenceModel.state_dict`. It computes in their floating type, without dropout.
    """
    model = SequenceModel(config, input_size, output_size)
    tensors = {name: torch.tensor(values) for name, values in weights.items()}
    dtype = next(iter(tensors.values())).dtype
    model.to(dtype).load_state_dict(tensors)
    model.eval()

    @torch.no_grad()
    def answer(inputs: NDArray[np.float32], lengths: NDArray[np.int64] | None) -> NDArray[Any]:
        rows = max(1, _CHUNK // (inputs.shape[1] * config.hidden_size))
        parts = []
        for start in range(0, len(inputs), rows):
            some = None if lengths is None else torch.tensor(lengths[start : start + rows])
            parts.append(model(torch.tensor(inputs[start : start + rows], dtype=dtype), some).numpy())
        return np.concatenate(parts)

    return answer
