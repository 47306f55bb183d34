"""How many parameters a model has, and which hidden size makes models of different cells comparable; torch-free."""

import math

from rnncore.config import ModelConfig
from rnncore.weights import parameter_shapes

LARGEST_HIDDEN = 2048  # `ModelConfig.hidden_size`


def parameter_count(config: ModelConfig, input_size: int, output_size: int) -> int:
    """Return the number of parameters of `SequenceModel(config, input_size, output_size)`."""
    return sum(math.prod(shape) for shape in parameter_shapes(config, input_size, output_size).values())


def matched_hidden_size(config: ModelConfig, cell: str, input_size: int, output_size: int) -> int:
    """Return the hidden size at which the same model with `cell` has as nearly as many parameters as `config`'s.

    Of two equally near sizes the smaller one. 1 to 2048, the range of `ModelConfig.hidden_size`.
    """
    return hidden_size_like(config, config.model_copy(update={"cell": cell}), input_size, output_size)


def hidden_size_like(config: ModelConfig, other: ModelConfig, input_size: int, output_size: int) -> int:
    """Return the hidden size at which `other` has as nearly as many parameters as `config`; as above."""
    wanted = parameter_count(config, input_size, output_size)

    def count(hidden_size: int) -> int:
        return parameter_count(other.model_copy(update={"hidden_size": hidden_size}), input_size, output_size)

    low, high = 1, LARGEST_HIDDEN  # the count grows with the size: halve until the first size that reaches `wanted`
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if count(middle) >= wanted else (middle + 1, high)
    return min((max(low - 1, 1), low), key=lambda size: abs(count(size) - wanted))
