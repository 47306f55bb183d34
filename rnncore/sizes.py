"""How many parameters a model has, and which hidden size makes models of different cells comparable; torch-free."""

from rnncore.config import CellName, ModelConfig

# Blocks of H rows in the stacked weights of a layer: one per gate, and one for the candidate.
BLOCKS: dict[CellName, int] = {"rnn": 1, "lstm": 4, "gru": 3}
LARGEST_HIDDEN = 2048  # `ModelConfig.hidden_size`


def parameter_count(config: ModelConfig, input_size: int, output_size: int) -> int:
    """Return the number of parameters of `SequenceModel(config, input_size, output_size)`.

    Per layer blocks * H * (inputs + H + 2), torch having two bias vectors; read-out (H + 1) * O; attention H * (H + 2).
    """
    H = config.hidden_size
    widths = input_size + (config.num_layers - 1) * H  # inputs of all layers together
    recurrent = BLOCKS[config.cell] * H * (widths + config.num_layers * (H + 2))
    attention = H * (H + 2) if config.readout == "attention" else 0
    return recurrent + (H + 1) * output_size + attention


def matched_hidden_size(config: ModelConfig, cell: CellName, input_size: int, output_size: int) -> int:
    """Return the hidden size at which the same model with `cell` has as nearly as many parameters as `config`'s.

    Of two equally near sizes the smaller one. 1 to 2048, the range of `ModelConfig.hidden_size`.
    """
    wanted = parameter_count(config, input_size, output_size)

    def count(hidden_size: int) -> int:
        return parameter_count(
            config.model_copy(update={"cell": cell, "hidden_size": hidden_size}), input_size, output_size
        )

    low, high = 1, LARGEST_HIDDEN  # the count grows with the size: halve until the first size that reaches `wanted`
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if count(middle) >= wanted else (middle + 1, high)
    return min((max(low - 1, 1), low), key=lambda size: abs(count(size) - wanted))
