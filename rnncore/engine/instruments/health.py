"""The instrument "health": the numbers from which `rnncore.diagnosis` tells what is wrong with a run."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.choices import READOUTS
from rnncore.data.dataset import SequenceDataset
from rnncore.engine.cells.recurrent import Recurrent
from rnncore.engine.flat import exact_norm
from rnncore.engine.instruments.moment import Evaluated
from rnncore.engine.losses import valid_steps
from rnncore.engine.model import SequenceModel

SATURATED, CLOSED = 0.95, 0.05  # |h| above the one; a gate below the other, or above 1 less it
_SEQUENCES = 8  # validation sequences whose states are looked at
_STATES = 250_000  # of them, T x B x H per layer at most
_ANSWERS = 200_000  # numbers answered that are looked at, at most

Floats = NDArray[np.float64]


def health(moment: Evaluated) -> dict[str, Any]:
    """Return what `rnncore.diagnosis.health.Health` reads, of the updated model on the validation set."""
    evaluation, guesses = moment.evaluation, moment.guesses
    own = evaluation.losses.double().cpu().numpy()  # (N,)
    inputs, _, lengths = moment.validation
    per_sequence = inputs.shape[1] * moment.model.config.hidden_size
    rows = slice(max(1, min(_SEQUENCES, _STATES // per_sequence)))
    some = None if lengths is None else lengths[rows]
    lines = zip(guesses.guesses, guesses.validation, guesses.train.tolist(), strict=True)
    with np.errstate(all="ignore"):  # a run that is about to diverge; what is not finite becomes None
        found = {
            "loss": float(own.mean()),
            "baselines": [
                {"name": guess.name, "knows": guess.knows, "echo": guess.echo, **margin(losses, own), "train": train}
                for guess, losses, train in lines
            ],
            "answers": answers(moment.dataset, evaluation.outputs),
            **({} if moment.model.swaps_axes else states(moment.model, inputs[rows], some)),
            "weight_norm": exact_norm(moment.parameters.weights.data),
            "first_weight_norm": moment.first_weight_norm,
            "spike": moment.spikes.largest(),
        }
    return {name: _finite(value) for name, value in found.items()}


def margin(guess: Floats, own: Floats) -> dict[str, float]:
    """Return a guess's mean loss, by how much the network's is smaller, and the standard error of that difference.

    guess, own: (N,) losses of the same sequences. The error is that of the mean of their N differences.
    """
    differences = guess - own
    error = float(differences.std(ddof=1) / math.sqrt(len(own))) if len(own) > 1 else math.inf
    return {"loss": float(guess.mean()), "margin": float(differences.mean()), "error": error}


def answers(dataset: SequenceDataset, outputs: Tensor) -> dict[str, float]:
    """Return how far the answers follow the sequences.

    spread: standard deviation over the sequences of what is answered, over that of the targets, both at one timestep
    where every step has one. r2: 1 less the squared error over that of the best constant answer. Classes count as
    numbers 0 and 1, and what is answered as the probability of each. Of classes also: answered, the share of the answer
    that is given most often, with its number, and accuracy, common, the share of right answers, and of the targets'
    commonest class, and last, where the class was known before, the share of those that stay the same.
    """
    validation = dataset.validation
    rows = slice(max(16, _ANSWERS // max(1, outputs[0].numel())))
    given = outputs[rows].float().cpu()  # (N, O), (N, T, O)
    targets = validation.targets[rows]
    N = len(targets)
    found: dict[str, float] = {}
    if dataset.target == "regression":
        said, wanted = given.double().numpy(), targets.astype(np.float64)
    elif dataset.target == "binary":
        said, wanted = given.sigmoid().double().numpy(), (targets > 0.5).astype(np.float64)
    else:
        said = given.softmax(-1).double().numpy()
        wanted = np.eye(dataset.output_size)[targets]
    inside: NDArray[np.bool_] = np.ones(said.shape[:-1], bool)  # (N,) or (N, T)
    if dataset.per_step and validation.lengths is not None:
        inside = np.arange(said.shape[1]) < validation.lengths[rows, None]
    weights = inside.astype(np.float64)[..., None]
    counts = weights.sum(0).clip(min=1)

    def spread(values: Floats) -> tuple[Floats, float]:
        mean = (values * weights).sum(0) / counts  # (O,) or (T, O)
        return mean, float((np.square(values - mean) * weights).sum())

    (mean, own), (_, theirs) = spread(said), spread(wanted)
    if theirs > 0 and math.isfinite(own):
        found["spread"] = math.sqrt(own / theirs)
        found["r2"] = 1 - float((np.square(said - wanted) * weights).sum()) / theirs
        found["bias"] = float(np.abs(mean).mean())
    if dataset.target != "regression" and N:
        chosen = (said > 0.5)[..., 0].astype(int) if dataset.target == "binary" else said.argmax(-1)
        right = wanted[..., 0].astype(int) if dataset.target == "binary" else targets
        count = max(2, dataset.output_size)
        often, common = np.bincount(chosen[inside], minlength=count), np.bincount(right[inside], minlength=count)
        found["answered"], found["answer"] = float(often.max() / often.sum()), float(often.argmax())
        found["accuracy"] = float((chosen == right)[inside].mean())
        found["common"] = float(common.max() / common.sum())
        if validation.last is not None:
            before = (validation.last[rows] > 0.5)[..., 0] if dataset.target == "binary" else validation.last[rows]
            found["last"] = float((before == right).mean())
    return found


@torch.no_grad()
def states(model: SequenceModel, inputs: Tensor, lengths: Tensor | None) -> dict[str, Any]:
    """Return "layers", which shares of units are at the ends of their range, and "feature", the mean |h|^2 read out.

    Of each layer: saturated, the share of |h| above `SATURATED`, 0 where states have no ends; dead, the share of units
    that are 0 at every timestep of every sequence; size, the root of the mean h^2; gates, key -> [share below `CLOSED`,
    share above 1 - `CLOSED`].
    inputs: (B, T, F). lengths: (B,), None = all T.
    """
    recurrent: Recurrent = model.recurrent
    B, T, _ = inputs.shape
    valid = torch.ones(T, B, dtype=torch.bool, device=inputs.device)
    if lengths is not None:
        valid = valid_steps(lengths, T).t()
    layers = []
    hidden = inputs
    names = [gate.key for gate in recurrent.entry.gates]
    for below, h, weights in recurrent.layers(inputs):
        hidden = recurrent.definition.outputs(below, h, weights)  # (T, B, H)
        seen = hidden[valid]  # (K, H)
        layer: dict[str, Any] = {
            "saturated": float((seen.abs() > SATURATED).float().mean()) if recurrent.entry.squashed else 0.0,
            "dead": float((seen == 0).all(0).float().mean()),
            "size": float(seen.square().mean().sqrt()),
        }
        if names:
            gates = recurrent.definition.gates(below, h, weights)[valid]  # (K, G, H)
            closed, opened = (gates < CLOSED).float().mean((0, 2)), (gates > 1 - CLOSED).float().mean((0, 2))
            layer["gates"] = {
                name: [float(low), float(high)] for name, low, high in zip(names, closed, opened, strict=True)
            }
        layers.append(layer)
    features = READOUTS[model.config.readout].load()(model, hidden.transpose(0, 1), lengths)
    return {"layers": layers, "feature": float(features.square().sum(-1).mean())}


def _finite(value: Any) -> Any:
    """Return JSON-ready values: what is not finite becomes None."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
