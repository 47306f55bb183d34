"""The plain RNN with a recurrent matrix that stays orthogonal, whatever the optimiser does."""

import math
from collections.abc import Mapping

from torch import Tensor, nn

from rnncore.engine.cells.rnn import Rnn


class Orthogonal(Rnn):
    """An RNN whose W_hh is a rotation (after Arjovsky et al. 2016, unitary, and Vorontsov et al. 2017, orthogonal).

    W_hh = exp(A - A^T), A the lower triangle of what is trained: torch's own `parametrizations.orthogonal`.
    """

    stacks = False

    def reset(self, weights: Mapping[str, Tensor]) -> None:
        """Draw as torch's RNN does, and A so that the angles of W_hh spread from -pi to pi (Wigner's semicircle)."""
        super().reset(weights)
        nn.init.normal_(weights["weight_hh"], 0.0, math.pi / (2 * math.sqrt(self.hidden_size)))

    def constrain(self, layers: nn.Module, layer: int) -> None:
        """Let W_hh of a layer be computed from what is stored of it."""
        name = f"weight_hh_l{layer}"
        nn.utils.parametrizations.orthogonal(layers, name, orthogonal_map="matrix_exp", use_trivialization=False)
