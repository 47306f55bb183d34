"""The taker of a run's snapshots: asks every instrument that applies to the run, each in its phase."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from torch import Tensor

from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.evaluation import Evaluation
from rnncore.engine.instruments.moment import Evaluated, Moment
from rnncore.instruments import INSTRUMENTS, Phase
from rnncore.snapshot import Snapshot

Parts = dict[str, Any]


class SnapshotTaker:
    """Takes the snapshots of one run: `backward` before clipping and update, `finish` after the evaluation."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._nothing: Parts = dict.fromkeys(INSTRUMENTS)
        self._measures: dict[Phase, dict[str, Callable[[Moment], Any]]] = {"backward": {}, "evaluation": {}}
        for key, instrument in INSTRUMENTS.items():
            if instrument.applies(moment.config):
                self._measures[instrument.phase][key] = instrument.load()

    def backward(self, tape: StateTape | None = None, lengths: Tensor | None = None) -> Parts:
        """Return the parts that belong to the backward pass, as it has left weights and gradients.

        tape: of that pass. lengths: of its sequences where these are unequal.
        """
        moment = replace(self._moment, tape=tape, lengths=lengths)
        return {key: measure(moment) for key, measure in self._measures["backward"].items()}

    def finish(self, parts: Parts, evaluation: Evaluation) -> Snapshot:
        """Return the snapshot: `parts` of the backward pass and what is to be seen of the updated model."""
        own = {each.name: getattr(self._moment, each.name) for each in fields(self._moment)}
        evaluated = Evaluated(**own, evaluation=evaluation)
        later = {key: measure(evaluated) for key, measure in self._measures["evaluation"].items()}
        return Snapshot(self._nothing | parts | later)
