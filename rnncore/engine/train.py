"""Training: per step forward, backward, measure, clip, optimiser step; each step yields one `Record`."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncore.checks import check_run, resolve_loss, timesteps_of
from rnncore.choices import CLIP_METHODS
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.data.dataset import Batch, SequenceDataset
from rnncore.data.facts import UNRELATED, Facts, facts_of, reordered
from rnncore.data.guesses import guesses_of, training_sample
from rnncore.data.mistakes import with_mistake
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.clipping import Clipping, clip_gradients
from rnncore.engine.devices import choose_device
from rnncore.engine.evaluation import TensorBatch, Validation, mixes, to_tensors
from rnncore.engine.flat import FlatParameters, exact_norm
from rnncore.engine.flossing import Flossed, Flossing, Told, nobody
from rnncore.engine.gradients import profile
from rnncore.engine.guesses import guess_losses
from rnncore.engine.initialization import initialize
from rnncore.engine.instruments.moment import Moment
from rnncore.engine.instruments.taker import SnapshotTaker
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel
from rnncore.engine.optimizers import make_optimizer
from rnncore.engine.randomness import DROPOUT, INITIALIZATION, seeded, stream_seed
from rnncore.engine.regularization import add_omega_gradient
from rnncore.engine.schedules import learning_rate_factor
from rnncore.engine.spikes import Spikes
from rnncore.engine.underway import Plan, Underway, non_finite
from rnncore.errors import not_allowed
from rnncore.flossing import due, extent, in_words
from rnncore.mistakes import MISTAKES
from rnncore.records import MetricWords, Record, RunInfo
from rnncore.words import many


def train(config: TrainConfig, dataset: SequenceDataset | None = None) -> Iterator[Record]:
    """Train as `config` says and yield one record per step; closing the generator stops the run.

    dataset: instead of the one that `config.data` describes; `config.mistake` is made with it too. Raises ConfigError
    or DataError before the first step.
    A run whose numbers stop being finite ends with a record whose `diverged` says why.
    """
    yield from Trainer(config, dataset).records()


class Trainer:
    """A run that can be steered between steps, saved and continued.

    Everything that changes while training is in `parameters`, `optimizer`, `clipping` and a few numbers, hence in
    `state_dict()`; batches and dropout are addressed by step and need no state.

    info: what is known before the first step. step: optimiser steps done. learning_rate: before the schedule's factor.
    ended: None while there are steps to do, then why there are none, one sentence. elapsed: seconds so far.
    flossed: what gradient flossing did right before the step that is under way, and before_flossing: the weights (N,)
    until then; None where it did nothing. told: is called between the updates of gradient flossing, which take long,
    with how far it is; it may change settings, which are in force in the step that follows, or raise, and then nothing
    has been flossed.
    """

    def __init__(self, config: TrainConfig, dataset: SequenceDataset | None = None) -> None:
        self.config = config
        dataset = dataset or load_dataset(config.data, mistake=config.mistake)
        check_run(config, dataset)
        self.dataset = dataset = with_mistake(dataset, config.mistake)
        self.loss = resolve_loss(config.loss, dataset)
        self.device, device_reason = choose_device(config)
        self.model = build_model(config, dataset, self.device)
        self.parameters = FlatParameters(self.model)
        self.optimizer = make_optimizer([self.parameters.weights], config.optimizer)
        self.learning_rate = config.optimizer.learning_rate
        self.clipping = Clipping(config.clip, config.clip.threshold)
        self.set_clip_threshold(config.clip.threshold)
        self.step = 0
        self.ended: str | None = None
        self.elapsed = 0.0
        self._best_val_loss = math.inf
        self._evaluations_since_best = 0
        # Sequences that do not touch one another can be evaluated together in any number.
        rows = config.batch_size if self.model.swaps_axes else None
        self.flossed: Flossed | None = None
        self.before_flossing: Tensor | None = None
        self.told: Told = nobody
        self._validation = Validation(dataset, self.loss, config.model.hidden_size, self.parameters.weights, rows)
        self._spikes = Spikes()
        sample = training_sample(dataset)
        guesses = guess_losses(guesses_of(dataset, sample), self.loss, dataset.validation, sample)
        self._snapshots = SnapshotTaker(
            Moment(
                config=config,
                dataset=dataset,
                model=self.model,
                parameters=self.parameters,
                validation=self._validation.batch,
                guesses=guesses,
                spikes=self._spikes,
                first_weight_norm=exact_norm(self.parameters.weights.data),
            )
        )
        in_theory = {line.name: line.loss for line in (dataset.baselines or {}).get(self.loss, ())}
        self.info = RunInfo(
            loss=self.loss,
            metric=dataset.metric,
            parameter_count=self.parameters.count,
            input_size=dataset.input_size,
            output_size=dataset.output_size,
            seq_len=timesteps_of(config, dataset),
            num_layers=config.model.num_layers,
            steps_per_epoch=None if dataset.train_size is None else -(-dataset.train_size // config.batch_size),
            device=self.device,
            device_reason=device_reason,
            baselines=guesses.baselines(in_theory),
            notes=(*dataset.notes, *filter(None, [in_words(config)]), *_idle_options(config)),
            metric_words=None if dataset.metric is None else MetricWords.of(dataset.metric),
            answers=dataset.answers,
            facts=self._facts(sample),
        )

    def records(self) -> Iterator[Record]:
        """Do the steps that are left and yield a record of each."""
        began = time.perf_counter() - self.elapsed
        while self.ended is None:
            yield self._train_step(began)

    def set_learning_rate(self, learning_rate: float) -> None:
        """Change the learning rate (before the schedule's factor) from the next step on. Raises ConfigError."""
        if not 0 < learning_rate <= 100:
            raise not_allowed("learning_rate", learning_rate, "", "above 0 to 100")
        self.learning_rate = learning_rate

    def set_clip_threshold(self, threshold: float) -> None:
        """Change the clip threshold from the next step on; methods without one (off, autoclip, agc) ignore it.

        Raises ConfigError.
        """
        if not 0 < threshold <= 1e30:
            raise not_allowed("clip_threshold", threshold, "", "above 0 to 1e30")
        self.clipping.threshold = threshold
        if CLIP_METHODS[self.config.clip.method].in_recursion:
            self.model.recurrent.recursion_clip = threshold

    def last_finite_state(self) -> dict[str, Tensor]:
        """Return a copy of all parameters by name; they are finite, also after a run that diverged."""
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return all that a continued run needs: {"tensors": {name: Tensor}, "values": JSON-ready dict}; copies."""
        optimizer = self.optimizer.state[self.parameters.weights]
        tensors = {f"optimizer.{name}": value.clone() for name, value in optimizer.items() if value is not None}
        tensors["weights"] = self.parameters.weights.detach().clone()
        tensors["clip_history"] = torch.tensor(self.clipping.history, dtype=torch.float64)
        values = {
            "step": self.step,
            "ended": self.ended,
            "learning_rate": self.learning_rate,
            "clip_threshold": self.clipping.threshold,
            "best_val_loss": self._best_val_loss if math.isfinite(self._best_val_loss) else None,
            "evaluations_since_best": self._evaluations_since_best,
            "elapsed_s": self.elapsed,
            "spikes": self._spikes.state_dict(),
        }
        return {"tensors": tensors, "values": values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the `state_dict()` of a run of the same config, as if it had never been interrupted."""
        tensors, values = state["tensors"], state["values"]
        self.parameters.load(tensors["weights"])
        moments = {k.removeprefix("optimizer."): v for k, v in tensors.items() if k.startswith("optimizer.")}
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": {0: moments} if moments else {}})
        self.clipping.history = tensors["clip_history"].tolist()
        self.step, self.ended, self.elapsed = values["step"], values["ended"], values["elapsed_s"]
        self._best_val_loss = math.inf if values["best_val_loss"] is None else values["best_val_loss"]
        self._evaluations_since_best = values["evaluations_since_best"]
        self._spikes.load_state_dict(values.get("spikes", {}))  # checkpoints of version 0.1.0 have none
        self.set_learning_rate(values["learning_rate"])
        self.set_clip_threshold(values["clip_threshold"])

    def _facts(self, sample: Batch) -> Facts:
        """Return facts about the data, whether timesteps are in place (not of files), and whether sequences touch."""
        data, facts = self.config.data, facts_of(self.dataset, sample)
        if (touch := mixes(self.model, self._validation.batch)) is not None and math.isfinite(touch):
            facts["mixes"] = touch
        disordered = data.kind != "upload" and facts.get("order", 1.0) < UNRELATED
        if disordered and reordered(self.dataset.validation, load_dataset(data).validation):
            facts["reordered"] = 1.0
        return facts

    def _train_step(self, began: float) -> Record:
        """Do one step and return its record; a step that leaves the finite numbers is undone and ends the run."""
        self.floss()
        config, flat, plan = self.config, self.parameters, self.plan()

        # Forward and backward: the gradients of this batch, and on the tape those of all hidden states.
        batch = to_tensors(self.dataset.train_batch(plan.step, config.batch_size, config.seed), flat.weights)
        tape = StateTape(cell=plan.measuring) if plan.measuring or config.omega else None
        loss = self.backward(batch, tape, plan.step)

        # Measure, before clipping changes the gradients.
        train_loss, grad_norm = float(loss), exact_norm(flat.gradients)
        profiles = self.profiles(tape, batch) if tape is not None and plan.recording else {}
        done = self.measure(plan, train_loss, grad_norm, tape, batch.lengths)

        # Clip, then let the optimiser change the weights.
        if done.problem is None:
            done.clip_coef = clip_gradients(flat, grad_norm, self.clipping)
            self.optimizer.param_groups[0]["lr"] = plan.learning_rate
            self.optimizer.step()
            self.model.recurrent.hold_weights()
            done.update_norm = flat.update_norm()
        return self.finish(done, profiles, began)

    def floss(self) -> None:
        """Floss where it is due before the next step (`rnncore.flossing.due`), which then begins at other weights."""
        config, flat, step = self.config, self.parameters, self.step + 1
        self.flossed = self.before_flossing = None
        if due(config, step):
            self.before_flossing = flat.weights.detach().clone()
            self.flossed = self.flossing().finish(self.model.recurrent, self.told)
            flat.before.copy_(flat.weights.data)  # what the step changes is told without this

    def flossing(self) -> Flossing:
        """Return the flossing that is due before the next step."""
        config = self.config
        batch = self.dataset.train_batch(self.step + 1, config.batch_size, config.seed)
        sequences, timesteps = extent(config.model, self.info.seq_len)
        return Flossing(self.model.recurrent, torch.tensor(batch.inputs[:sequences, :timesteps]), config.flossing)

    def plan(self) -> Plan:
        """Return what the next step is to do beside training."""
        config, step = self.config, self.step + 1
        first_or_last = step in (1, config.steps)
        evaluating = first_or_last or step % config.eval_every == 0
        recording = first_or_last or step % config.profile_every == 0 or (evaluating and self._may_stop_early())
        factor = learning_rate_factor(step, config.steps, config.schedule)
        return Plan(step, evaluating, recording, self.learning_rate * factor)

    def measure(
        self, plan: Plan, train_loss: float, grad_norm: float, tape: StateTape | None, lengths: Tensor | None
    ) -> Underway:
        """Take note of a backward pass whose gradients are in place; neither clipping nor update has changed anything.

        tape: of that pass, None where nothing is measured. lengths: of its sequences where these are unequal.
        """
        flossed = None if self.flossed is None else non_finite("flossed exponents", self.flossed.after)
        problem = flossed or non_finite("loss", train_loss) or non_finite("gradient", grad_norm)
        self._spikes.add(plan.step, grad_norm, train_loss)
        done = Underway(plan, train_loss, grad_norm, problem)
        if plan.evaluating and problem is None:
            done.parts = self._snapshots.backward(tape, None if self.model.swaps_axes else lengths)
        return done

    def finish(self, done: Underway, profiles: Mapping[str, Any], began: float) -> Record:
        """Evaluate the changed model; or, if anything became infinite or NaN, go back to the weights before.

        began: `time.perf_counter()` when the run began.
        """
        config, step, plan, flossed = self.config, done.plan.step, done.plan, self.flossed
        val_loss = val_metric = snapshot = None
        problem = done.problem or non_finite("update of the parameters", done.update_norm)
        if problem is None:
            self.step = step
            if done.parts is not None:
                evaluation = self._validation.evaluate(self.model)
                val_loss, val_metric = evaluation.loss, evaluation.metric
                snapshot = self._snapshots.finish(done.parts, evaluation)
                self._note_evaluation(val_loss)
            if step == config.steps:
                self.ended = f"All {step:,} steps are done." if step > 1 else "The only step is done."
        else:
            self.parameters.undo()
            if self.before_flossing is not None:
                self.parameters.load(self.before_flossing)
            problem = self.ended = f"{problem} at step {step:,}"
        self.elapsed = time.perf_counter() - began
        return Record(
            step=step,
            epoch=self.dataset.epoch(step, config.batch_size),
            train_loss=done.train_loss,
            learning_rate=plan.learning_rate,
            grad_norm=done.grad_norm,
            clip_coef=done.clip_coef,
            update_norm=done.update_norm,
            val_loss=val_loss,
            val_metric=val_metric,
            elapsed_s=self.elapsed,
            diverged=problem,
            snapshot=snapshot,
            **profiles,
            exponents_before_flossing=None if flossed is None else flossed.before,
            exponents_after_flossing=None if flossed is None else flossed.after,
        )

    def backward(self, batch: TensorBatch, tape: StateTape | None, step: int) -> Tensor:
        """Leave the gradients of this batch in the flat buffer, return the loss."""
        config = self.config
        self.parameters.zero_grad()
        dropping = (
            seeded(stream_seed(config.seed, DROPOUT, step), self.device) if config.model.dropout else nullcontext()
        )
        with dropping:
            outputs = self.model(batch.inputs, batch.lengths, tape)
        loss = batch_loss(self.loss, outputs, batch.targets, batch.lengths)
        loss.backward()  # type: ignore[no-untyped-call]
        if config.omega and tape is not None:
            add_omega_gradient(self.model.recurrent, tape, config.omega)
        return loss.detach()

    @np.errstate(over="ignore")  # a norm beyond float32 is inf in a profile
    def profiles(self, tape: StateTape, batch: TensorBatch) -> dict[str, Any]:
        """Return the profiles of a step. Where axes are swapped, a batch's sequences are its timesteps."""
        if self.model.swaps_axes:
            return profile(tape, len(batch.inputs), timesteps=self.info.seq_len)
        return profile(tape, len(batch.inputs), batch.lengths)

    def _may_stop_early(self) -> bool:
        patience = self.config.early_stopping
        return patience is not None and self._evaluations_since_best + 1 >= patience

    def _note_evaluation(self, val_loss: float) -> None:
        better = val_loss < self._best_val_loss
        self._evaluations_since_best = 0 if better else self._evaluations_since_best + 1
        self._best_val_loss = min(self._best_val_loss, val_loss) if better else self._best_val_loss
        patience = self.config.early_stopping
        if patience is not None and self._evaluations_since_best >= patience:
            self.ended = (
                f"Stopped early at step {self.step:,}: the last {many(patience, 'evaluation')} found nothing better "
                f"than {self._best_val_loss:.4g}."
            )


def build_model(config: TrainConfig, dataset: SequenceDataset, device: str) -> SequenceModel:
    """Return the model with its initial weights; by default torch.nn's own after `torch.manual_seed(config.seed)`."""
    with seeded(config.seed, "cpu"):
        model = SequenceModel(config.model, dataset.input_size, dataset.output_size)
    initialize(model, config.init, dataset.seq_len, stream_seed(config.seed, INITIALIZATION))
    model.recurrent.truncation = config.truncation
    if config.model.bound_weights:
        model.recurrent.weight_bound = 2 ** (1 / timesteps_of(config, dataset))
    model.swaps_axes = MISTAKES[config.mistake].swaps_axes
    return model.to(device=device, dtype=getattr(torch, config.dtype))


def _idle_options(config: TrainConfig) -> Iterator[str]:
    """Say which options have nothing to act on, so that nobody looks for their effect."""
    if config.model.dropout and config.model.num_layers == 1:
        yield "Dropout acts between recurrent layers; there is only one, so nothing is dropped."
