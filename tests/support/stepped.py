"""A run at one of its steps, done one timestep at a time, with autograd alone: nothing of the instruments in it."""

import copy
from itertools import islice

import torch
from torch import Tensor

from rnncore.config import TrainConfig
from rnncore.engine.cells.generic import State
from rnncore.engine.losses import sequence_losses
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.probe import Probe
from rnncore.engine.train import Trainer


class Stepped:
    """The forward pass before the update of `step`, in float64.

    states: of the top layer, each timestep's parts (B, W), with gradients. copies: of the top layer's first parameter
    of that name, one for each timestep. losses: what each timestep adds to each sequence's own loss, (B,) each.
    """

    def __init__(self, config: TrainConfig, step: int, matrix: str | None = None) -> None:
        self.trainer = Trainer(config)
        list(islice(self.trainer.records(), step - 1))
        probe = Probe(self.trainer, step)
        inputs, targets, _ = probe.batch()
        self.model: SequenceModel = copy.deepcopy(self.trainer.model).double()
        self.inputs = inputs.double()
        self.targets = targets.double() if targets.is_floating_point() else targets
        self.copies: list[Tensor] = []
        recurrent, below = self.model.recurrent, self.inputs.transpose(0, 1)
        for layer in range(recurrent.num_layers):
            named = recurrent.layer_weights(layer)
            top = layer == recurrent.num_layers - 1
            self.below, self.weights = below, tuple(named.values())
            self.states: list[State] = [recurrent.definition.start(below[0])]
            for x in below:
                if top and matrix is not None:
                    self.copies.append(named[matrix].detach().clone().requires_grad_())
                    named = {**named, matrix: self.copies[-1]}
                state = recurrent.definition.step(x, self.states[-1], tuple(named.values())).state
                self.states.append(tuple(each.clone() for each in state))  # each as if it alone could change
            hidden = torch.stack([state[0] for state in self.states[1:]])
            below = recurrent.definition.outputs(below, hidden, self.weights)
        answers = self.model.read(below.transpose(0, 1), None)
        T = len(self.states) - 1
        if self.model.config.readout == "every_step":
            self.losses = [
                sequence_losses(probe.loss, answers[:, t : t + 1], self.targets[:, t : t + 1]) / T for t in range(T)
            ]
        else:
            self.losses = [sequence_losses(probe.loss, answers, self.targets)]

    def gradient(self, loss: Tensor, t: int) -> Tensor:
        """Return the gradient of a sum of losses by h_t, t from 1, (B, W)."""
        (found,) = torch.autograd.grad(loss.sum(), self.states[t][0], retain_graph=True, allow_unused=True)
        return torch.zeros_like(self.states[t][0]) if found is None else found

    def jacobians(self, t: int, b: int = 0) -> Tensor:
        """Return d state_{t+1} / d state_t of one sequence, (S, S), t from 1."""
        before = tuple(each[b : b + 1].detach() for each in self.states[t])

        def step(*state: Tensor) -> Tensor:
            found = self.model.recurrent.definition.step(self.below[t, b : b + 1].detach(), state, self.weights).state
            return torch.cat(found, -1)[0]

        parts = torch.autograd.functional.jacobian(step, before)
        return torch.cat([part[:, 0] for part in parts], -1)
