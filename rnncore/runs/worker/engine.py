"""What a worker needs of the training engine, as a protocol: the tests bring an engine without torch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from rnncore.config import TrainConfig
from rnncore.flossing import Progress
from rnncore.records import Record, RunInfo

ReadFile = Callable[[str], bytes]


class TrainerLike(Protocol):
    """What a job needs of a trainer (rnncore.engine.train.Trainer). Between two records it stands after the first."""

    info: RunInfo
    ended: str | None  # why there are no steps left to do, one sentence
    told: Callable[[Progress], None]  # called while gradient flossing goes on; what it raises comes out of `records`

    def records(self) -> Iterator[Record]:
        """Yield one record per step that is left."""
        ...

    def set_learning_rate(self, value: float) -> None:
        """Change the base learning rate from the next step on."""
        ...

    def set_clip_threshold(self, value: float) -> None:
        """Change the clip threshold from the next step on."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return all that a continued run needs."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        ...


class Engine(Protocol):
    """What a worker needs of the training engine; the tests bring one without torch."""

    def warm_up(self) -> None:
        """Import and try everything once, so that the first job starts at once."""
        ...

    def uses_cuda(self, config: TrainConfig) -> bool:
        """Tell whether a run would compute on CUDA."""
        ...

    def trainer(self, config: TrainConfig, read_file: ReadFile) -> TrainerLike:
        """Prepare a run. Raises DataError, ConfigError."""
        ...

    def together(
        self, configs: Sequence[TrainConfig], read_file: ReadFile
    ) -> tuple[Sequence[TrainerLike], Iterator[tuple[int, Record]]] | None:
        """Prepare runs that train as one batched model: trainers, and (place, record) of each step.

        None where they do not fit together, or would gain nothing. Raises as `trainer`.
        """
        ...

    def save(self, trainer: TrainerLike) -> bytes:
        """Return everything that a run needs to go on, bit for bit."""
        ...

    def restore(self, trainer: TrainerLike, checkpoint: bytes) -> None:
        """Undo `save`."""
        ...

    def memory_ran_out(self, error: BaseException) -> bool:
        """Tell whether an exception means that there was not enough memory."""
        ...
