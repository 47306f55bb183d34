"""S networks of one shape, forward and backward at once: losses, gradients, and the gradients of all hidden states."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from rnncore.choices import READOUTS
from rnncore.engine.batched.stack import Stack
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape
from rnncore.engine.evaluation import TensorBatch
from rnncore.engine.losses import batch_loss, sequence_losses
from rnncore.engine.model import SequenceModel
from rnncore.engine.randomness import DROPOUT, seeded, stream_seed
from rnncore.engine.regularization import add_omega_gradient
from rnncore.engine.train import Trainer


def stacks(model: SequenceModel) -> bool:
    """Tell whether networks like this one can be computed as one."""
    return model.recurrent.definition.stacks and not model.swaps_axes


def backward(stack: Stack, batch: TensorBatch, tape: StateTape | None, step: int) -> Tensor:
    """Leave the gradients of all runs in the stack, and on the tape those of their states; return the losses (S,).

    batch: inputs (S, B, T, F), targets and lengths likewise.
    """
    trainers = stack.trainers
    states = _states(stack, batch.inputs, tape, step)  # (S, T, B, H)
    losses = _losses(stack, states.transpose(1, 2), batch)
    stack.backward(losses.sum())
    for row, trainer in enumerate(trainers):
        if trainer.config.omega and tape is not None:
            add_omega_gradient(trainer.model.recurrent, tape.of(row), trainer.config.omega)
    return losses.detach()


def _states(stack: Stack, inputs: Tensor, tape: StateTape | None, step: int) -> Tensor:
    """Return the last layer's states (S, T, B, H) for inputs (S, B, T, F); as in `Recurrent.forward`."""
    recurrent = stack.trainers[0].model.recurrent
    recursion = Recursion(recurrent.truncation, _recursion_clip(stack.trainers))
    if tape is not None:
        tape.begin(recurrent.num_layers, recurrent.entry.has_cell_state)
    outputs = inputs.transpose(1, 2)  # (S, T, B, F)
    _, T, B, _ = outputs.shape
    masks = _masks(stack.trainers, (T, B, recurrent.hidden_size), step)
    for layer in range(recurrent.num_layers):
        weights = tuple(stack.parameters[f"recurrent.{name}_l{layer}"] for name in recurrent.layer_weights(layer))
        place = None if tape is None else LayerTape(tape, layer)
        below = outputs.contiguous()
        states = recurrent.definition.scan(below, weights, recursion, place)  # (S, T, B, W)
        if place is not None:
            place.record_states(states, below)
        outputs = recurrent.definition.outputs(below, states, weights)
        if layer < len(masks):
            outputs = outputs * masks[layer]
    return outputs


def _recursion_clip(trainers: Sequence[Trainer]) -> Tensor | None:
    """Return the largest norm of state gradients of each run, (S, 1), where they are clipped in the recursion."""
    clips = [trainer.model.recurrent.recursion_clip for trainer in trainers]
    return None if clips[0] is None else torch.tensor(clips, dtype=torch.float64).unsqueeze(1)


def _masks(trainers: Sequence[Trainer], shape: tuple[int, int, int], step: int) -> list[Tensor]:
    """Return what dropout multiplies the outputs of each layer but the last with, (S, T, B, H): as each run alone."""
    if not any(trainer.config.model.dropout for trainer in trainers):
        return []
    layers = trainers[0].config.model.num_layers - 1
    ones = trainers[0].parameters.weights.new_ones(shape)
    masks = []
    for trainer in trainers:
        share, seed = trainer.config.model.dropout, trainer.config.seed
        with seeded(stream_seed(seed, DROPOUT, step), "cpu"):
            masks.append([F.dropout(ones, share, True) if share else ones for _ in range(layers)])
    return [torch.stack(of_layer) for of_layer in zip(*masks, strict=True)]


def _losses(stack: Stack, states: Tensor, batch: TensorBatch) -> Tensor:
    """Return the loss of each run's batch (S,), from states (S, B, T, H)."""
    first, (_, targets, lengths) = stack.trainers[0], batch
    readout = READOUTS[first.config.model.readout]
    if not readout.stacks:
        return torch.stack(
            [
                batch_loss(trainer.loss, trainer.model.read(own, some), wanted, some)
                for trainer, own, wanted, some in zip(
                    stack.trainers,
                    states,
                    targets,
                    lengths if lengths is not None else [None] * len(states),
                    strict=True,
                )
            ]
        )
    features = readout.load()(first.model, states, lengths)  # (S, B, H) or (S, B, T, H)
    outputs = _linear(features, stack.parameters)
    losses = sequence_losses(
        first.loss, outputs.flatten(0, 1), targets.flatten(0, 1), None if lengths is None else lengths.flatten()
    )
    return losses.view(len(states), -1).mean(1)


def _linear(features: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    """Apply each run's own linear layer."""
    weight, bias = parameters["readout.weight"], parameters["readout.bias"]  # (S, O, H), (S, O)
    rows = features.flatten(1, -2)  # (S, N, H)
    outputs = torch.baddbmm(bias.unsqueeze(1), rows, weight.mT)
    return outputs.view(*features.shape[:-1], outputs.shape[-1])
