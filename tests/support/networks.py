"""Small networks in float64 with random weights, for instruments to look at."""

import torch
from hypothesis import strategies as st
from torch import Tensor

from rnncore.config import ModelConfig
from rnncore.engine.model import SequenceModel

# B, T, F, H, L
SIZES = st.tuples(*(st.integers(least, most) for least, most in ((1, 4), (2, 9), (1, 3), (1, 6), (1, 3))))


def build(
    kind: tuple[str, str], sizes: tuple[int, ...], seed: int, readout: str = "last"
) -> tuple[SequenceModel, Tensor]:
    """Return a model in float64 with random weights, and inputs (B, T, F)."""
    B, T, F, H, L = sizes
    torch.manual_seed(seed)
    config = ModelConfig(cell=kind[0], nonlinearity=kind[1], hidden_size=H, num_layers=L, readout=readout)
    model = SequenceModel(config, F, 1).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.7)
    return model, torch.randn(B, T, F, dtype=torch.float64)
