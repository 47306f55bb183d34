"""The weights of S runs in one buffer, which their optimisers change together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.choices import OPTIMIZERS
from rnncore.engine.flat import exact_norm
from rnncore.engine.optimizers import make_optimizer
from rnncore.engine.train import Trainer


def same_updates(trainer: Trainer) -> tuple[Any, ...]:
    """Return what runs must have in common for one optimiser to change them all in one call."""
    config = trainer.config
    return trainer.learning_rate, config.optimizer, config.schedule


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive runs that one optimiser changes. flat: their weights in one row, (K N,); None: of one run alone."""

    rows: range
    optimizer: torch.optim.Optimizer
    flat: nn.Parameter | None


class Stack:
    """Weights and gradients of S runs of one shape, (S, N) each; those of each run are a row of it as long as it lasts.

    parameters: of all runs, (S, ...) each, by the names of the model's parameters.
    Runs of one `same_updates` must follow one another. Everything is given back to the runs by `release`.
    """

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        self.trainers = list(trainers)
        flats = self._flats = [trainer.parameters for trainer in trainers]
        self.weights = torch.stack([flat.weights.data for flat in flats])
        self.gradients = torch.zeros_like(self.weights)
        self._before = torch.stack([flat.before for flat in flats])
        self._change = torch.empty_like(self.weights)
        for flat, *rows in zip(flats, self.weights, self.gradients, self._before, strict=True):
            flat.live_in(*rows)
        self.parameters = {name: self._all(self.weights, place) for place, name in enumerate(flats[0].names)}
        self._gradients = [self._all(self.gradients, place) for place in range(len(self.parameters))]
        for parameter in self.parameters.values():
            parameter.requires_grad_()
        self._groups = self._grouped()
        self._kept: set[int] = set()  # rows whose optimiser state has been given back already

    def backward(self, loss: Tensor) -> None:
        """Leave the gradients of a loss in `gradients`."""
        self.gradients.zero_()
        loss.backward()  # type: ignore[no-untyped-call]
        for parameter, gradient in zip(self.parameters.values(), self._gradients, strict=True):
            if parameter.grad is not None:
                gradient.copy_(parameter.grad)
                parameter.grad = None

    def gradient_norms(self) -> list[float]:
        """Return the L2 norm of each run's gradient."""
        return exact_norms(self.gradients)

    def update(self, learning_rates: Sequence[float], but: Collection[int]) -> list[float]:
        """Let the optimisers do a step; return the L2 norm of each run's change.

        but: rows of runs that cannot go on: their optimisers' states stay as they are.
        """
        for row in but:
            self._give_back(row)
        for group in self._groups:
            if group.flat is not None or group.rows[0] not in but:
                group.optimizer.param_groups[0]["lr"] = learning_rates[group.rows[0]]
                group.optimizer.step()
        for row, trainer in enumerate(self.trainers):
            if row not in but:
                trainer.model.recurrent.hold_weights()
        torch.sub(self.weights, self._before, out=self._change)
        norms = exact_norms(self._change)
        going = [row for row, norm in enumerate(norms) if norm - norm == 0 and row not in but]  # finite
        if len(going) == len(norms):
            self._before.copy_(self.weights)
        else:
            self._before[going] = self.weights[going]
        return norms

    def release(self) -> None:
        """Give each run buffers of its own, with all that is in its row, and its own optimiser's state."""
        for row, flat in enumerate(self._flats):
            self._give_back(row)
            flat.live_in(*(rows[row].clone() for rows in (self.weights, self.gradients, self._before)))

    def _all(self, rows: Tensor, place: int) -> Tensor:
        """Return a view of one parameter of all runs, (S, ...)."""
        flat = self._flats[0]
        return rows[:, flat.parts[place]].view(-1, *flat.parameters[place].shape)

    def _grouped(self) -> list[Group]:
        groups: list[Group] = []
        start, keys = 0, [same_updates(trainer) for trainer in self.trainers]
        for stop in range(1, len(keys) + 1):
            if stop == len(keys) or keys[stop] != keys[start]:
                groups.extend(self._group(range(start, stop)))
                start = stop
        return groups

    def _group(self, rows: range) -> list[Group]:
        trainers, config = [self.trainers[row] for row in rows], self.trainers[rows[0]].config.optimizer
        if len(rows) == 1 or not OPTIMIZERS[config.name].elementwise:
            return [Group(range(row, row + 1), self.trainers[row].optimizer, None) for row in rows]
        part = slice(rows.start, rows.stop)
        flat = nn.Parameter(self.weights[part].view(-1))
        flat.grad = self.gradients[part].view(-1)
        optimizer = make_optimizer([flat], config)
        own = [trainer.optimizer.state[trainer.parameters.weights] for trainer in trainers]
        if own[0]:
            optimizer.state[flat] = {name: _joined([state[name] for state in own]) for name in own[0]}
        return [Group(rows, optimizer, flat)]

    def _give_back(self, row: int) -> None:
        """Give a run's own optimiser the state of its row, once."""
        group = next(each for each in self._groups if row in each.rows)
        if group.flat is None or row in self._kept:
            return
        self._kept.add(row)
        trainer, place, count = self.trainers[row], row - group.rows.start, len(group.rows)
        trainer.optimizer.state[trainer.parameters.weights] = {
            name: _part(value, place, count) for name, value in group.optimizer.state[group.flat].items()
        }


def exact_norms(rows: Tensor) -> list[float]:
    """Return `exact_norm` of each row of (S, N)."""
    norms: list[float] = torch.linalg.vector_norm(rows, dim=1).tolist()
    return [norm if 1e-15 < norm < 1e15 else exact_norm(row) for norm, row in zip(norms, rows, strict=True)]


def _joined(values: list[Any]) -> Any:
    """Return what an optimiser keeps of several runs: numbers of each weight in one row, what is common once."""
    first = values[0]
    return torch.cat(values) if isinstance(first, Tensor) and first.dim() else _copy(first)


def _part(value: Any, place: int, count: int) -> Any:
    """Undo `_joined` for one of `count` runs."""
    return value.view(count, -1)[place].clone() if isinstance(value, Tensor) and value.dim() else _copy(value)


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value
