"""A watched model's records on their way to the app: one run for each recurrent module and direction."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import distributed as dist

from rnncore.reading import Reading
from rnncore.records import FloatArray, Record, number
from rnncore.runs.watched_forms import (
    MAX_CELLS,
    MAX_LAYERS,
    MAX_MODULES,
    MAX_NAME,
    MAX_PATH,
    MAX_UNITS,
    WatchedModel,
    WatchedModule,
)
from rnncore.runs.watched_sender import Sender
from rnncore.runs.watched_targets import OwnStore, Server, Target
from rnncore.watching.loops import key_of
from rnncore.watching.record import Floats, Profile, WatchRecord
from rnncore.watching.supported import spoken
from rnncore.words import visible

if TYPE_CHECKING:
    from rnncore.watching.asking import Ask
    from rnncore.watching.lab import Lab

INTERRUPTED = "Its program was interrupted."
MOST_TIMESTEPS = 10_000  # of a profile that is sent; of longer ones the end, nearest to the loss
STEP = 16  # widths of profiles of unequal batches are multiples of it


class Publisher:
    """Listens to a lab. Nothing that happens to what it sends reaches the training."""

    def __init__(self, lab: "Lab", name: str, server: str | None, workspace: str | None) -> None:
        """Check what is given; what the app cannot show is said in the lab's notes, and recorded all the same.

        Raises ValueError for a server that is no address, or a name without letters.
        """
        self._lab = lab
        self._target: Target = OwnStore(workspace) if server is None else Server(server, workspace)
        self._places = _places(lab)
        if not isinstance(name, str) or not (shown := visible(name).strip()) or len(shown) > MAX_NAME:
            raise ValueError(f"name: {name!r} is not a text of 1 to {MAX_NAME} visible characters")
        modules = tuple(map(self._module, self._places))
        self._model = WatchedModel(name=shown, modules=modules) if modules else None
        self._widths: dict[str, int] = {}
        self._varied = False  # whether batches have been of different lengths
        self.sender: Sender | None = None

    def _module(self, place: tuple[str, int]) -> WatchedModule:
        name, direction = place
        module = self._lab.modules[name]
        return WatchedModule(
            name=name if len(name) <= MAX_PATH else "…" + name[1 - MAX_PATH :],
            cell=key_of(module),
            hidden_size=module.hidden_size,
            num_layers=getattr(module, "num_layers", 1),
            reverse=direction == 1,
        )

    @property
    def address(self) -> str | None:
        """Where the runs are seen; None before they have begun."""
        return self.sender.address if self.sender else None

    def seconds(self) -> float:
        """Return how many seconds of the processor sending has taken, beside the training."""
        return self.sender.seconds if self.sender else 0.0

    def __call__(self, record: WatchRecord) -> None:
        """Send a record of the lab, the part of each module to its own run; of several processes the first does so."""
        if self._model is None or not _is_first():
            return
        sender = self._begun(self._model)
        for run, (name, direction) in enumerate(self._places):
            profile = record.profiles.get(name)
            arrays: Any = self._arrays(name, profile, direction) if profile is not None else {}
            sent = Record(
                step=record.step,
                epoch=0,
                train_loss=number(record.loss),
                learning_rate=number(record.learning_rate),
                grad_norm=number(record.told_norm),
                clip_coef=number(record.clip_coef),
                update_norm=number(record.update_norm),
                elapsed_s=record.elapsed_s,
                **arrays,
            )
            sender.offer(run, sent)

    def _begun(self, model: WatchedModel) -> Sender:
        if self.sender is None:
            self.sender = Sender(self._target, model, self._asked)
        return self.sender

    def show(self, ask: "Ask", reading: Reading) -> None:
        """Send a reading to the run of its module and direction, if the app shows it."""
        place = ask.module, ask.direction
        if self._model is not None and place in self._places and _is_first():
            self._begun(self._model).show(self._places.index(place), reading)

    def _asked(self, run: int, instrument: str, chosen: Mapping[str, int]) -> bool:
        """Take what the app asks for; return whether there will be a reading, if only of why there is none."""
        from rnncore.watching.inspecting import asked

        name, direction = self._places[run]
        try:
            return self._lab.take(asked(self._lab, instrument, name, direction == 1, chosen))
        except ValueError as error:  # an app that knows more than this program
            said = f"The program cannot read this: {str(error).rstrip('.')}."
            reading = Reading(instrument=instrument, step=self._lab.steps + 1, undefined=said, chosen=dict(chosen))
            if self.sender is not None:
                self.sender.show(run, reading)
            return True

    def finish(self, error: BaseException | None) -> None:
        """Say how it ended; waits a few seconds at most for what is not sent yet."""
        if self.sender is None:
            return
        if error is None:
            self.sender.finish("finished", "")
        elif isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            self.sender.finish("stopped", INTERRUPTED)
        else:
            self.sender.finish("failed", f"Its program ended with an error: {type(error).__name__}.")

    def _arrays(self, name: str, profile: Profile, direction: int) -> dict[str, FloatArray]:
        """Return the profiles of one direction, (layers, timesteps), aligned at their ends where batches differ."""
        most = min(MOST_TIMESTEPS, MAX_CELLS // profile.layers // STEP * STEP)
        count = np.asarray(profile.count, np.float64)[-most:]
        timesteps = len(count)
        width = self._widths.get(name, timesteps)
        if timesteps > width:
            width = math.ceil(timesteps / STEP) * STEP  # few widths for batches of all lengths: they stand side by side
        self._varied |= width != timesteps
        self._widths[name] = width
        parts: dict[str, Floats | None] = {
            "hidden_grad_norm": profile.hidden,
            "direct_grad_norm": profile.told_direct,
            "cell_grad_norm": profile.cell,
        }
        arrays = {
            key: _padded(part[direction :: profile.directions, -most:], width)
            for key, part in parts.items()
            if part is not None
        }
        if profile.ragged or self._varied:
            counts = np.concatenate([np.zeros(width - timesteps), count])
            arrays["sequence_count"] = np.repeat(counts[None], len(arrays["hidden_grad_norm"]), 0).astype(np.float32)
        return arrays


def _places(lab: "Lab") -> list[tuple[str, int]]:
    """Return the modules and directions that the app shows, and note in a sentence each which ones it does not."""
    shown = []
    for name, module in lab.modules.items():
        known: Any = module
        limits = ((getattr(known, "num_layers", 1), MAX_LAYERS, "layers"), (known.hidden_size, MAX_UNITS, "units"))
        above = [f"{own:,} {what} are above the {most:,} that it shows" for own, most, what in limits if own > most]
        if above:
            lab.notes.append(f"{spoken(name)} is recorded, but not sent to the app: {above[0]}.")
            continue
        shown += [(name, direction) for direction in range(2 if getattr(module, "bidirectional", False) else 1)]
    if len(shown) > MAX_MODULES:
        lab.notes.append(
            f"The app shows the first {MAX_MODULES} of {len(shown)} recurrent modules and directions; all are recorded."
        )
    return shown[:MAX_MODULES]


def _is_first() -> bool:
    """Tell whether this is the process of rank 0, or the only one."""
    return not dist.is_available() or not dist.is_initialized() or dist.get_rank() == 0


def _padded(part: Floats, width: int) -> FloatArray:
    """Return it with NaN in front, for the timesteps that this batch does not have."""
    missing = np.full((len(part), width - part.shape[1]), np.nan)
    return np.concatenate([missing, part], axis=1).astype(np.float32)
