"""Which recurrent modules of a model are recorded, and in one sentence each why others are not."""

from torch import nn

RECURRENT = (nn.RNN, nn.LSTM, nn.GRU)


def recurrent_modules(model: nn.Module) -> tuple[dict[str, nn.RNNBase], list[str]]:
    """Return the modules that are recorded, by their names in the model, and a sentence for each that is not."""
    found: dict[str, nn.RNNBase] = {
        name: module for name, module in model.named_modules() if isinstance(module, RECURRENT)
    }
    notes: list[str] = []
    if not found:
        notes.append("The model holds no nn.RNN, nn.LSTM or nn.GRU, so nothing is recorded.")
    return found, notes
