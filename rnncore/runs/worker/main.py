"""A worker process, `python -m rnncore.runs.worker`: imports torch once, then takes job after job over its pipes."""

import argparse
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import Any, BinaryIO

from rnncore.cells import CELLS
from rnncore.config import ModelConfig, TaskData, TrainConfig
from rnncore.errors import ConfigError
from rnncore.records import Record
from rnncore.registry import PLUGINS, load_plugins
from rnncore.runs.backend.frames import Frame, ProtocolError, read_frame, write_frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.memory import EXIT_CODE, speaks_of_memory
from rnncore.runs.worker.confine import limit_memory, lower_priority
from rnncore.runs.worker.engine import Engine, ReadFile, TrainerLike
from rnncore.runs.worker.job import Job
from rnncore.runs.worker.lean_torch import load_torch
from rnncore.studies import pace
from rnncore.studies.forecast import PER_RUN_S, REFERENCE, REFERENCE_LENGTH, run_seconds

logger = logging.getLogger(__name__)


class TorchEngine:
    """The real engine; torch is imported on first use, in the worker only."""

    def warm_up(self) -> None:
        """Import torch and train each kind of cell for two steps; one that cannot is told in the log.

        The first worker of a machine also finds out how fast it is.
        """
        load_torch()
        for cell in CELLS:
            try:
                self._try(cell)
            except Exception:  # a plugin's; runs of the other cells need not suffer from it
                logger.exception("the cell %r does not train", cell)
        if pace.measured() is None:
            pace.keep(self._pace())

    def _pace(self) -> float:
        """Return the processor time of the reference run's steps over what is forecast for them."""
        steps = self.trainer(REFERENCE, _no_file).records()
        next(steps)  # its evaluation is no part of it
        began = time.thread_time()
        for _ in steps:
            pass
        done = REFERENCE.steps - 1
        expected = run_seconds(REFERENCE, REFERENCE_LENGTH) - PER_RUN_S
        return (time.thread_time() - began) / (expected * done / REFERENCE.steps)

    def _try(self, cell: str) -> None:
        model = ModelConfig(cell=cell, hidden_size=4)
        config = TrainConfig(
            data=TaskData(seq_len=8), model=model, steps=2, batch_size=2, profile_every=1, device="cpu"
        )
        for _ in self.trainer(config, _no_file).records():
            pass

    def uses_cuda(self, config: TrainConfig) -> bool:
        """Tell whether a run would compute on CUDA."""
        import torch

        return config.device in ("cuda", "auto") and torch.cuda.is_available()

    def trainer(self, config: TrainConfig, read_file: ReadFile) -> TrainerLike:
        """Load the data and prepare the run. Raises DataError, ConfigError."""
        from rnncore.data import load_dataset
        from rnncore.engine.train import Trainer

        return Trainer(config, load_dataset(config.data, read_file, config.mistake))

    def together(
        self, configs: Sequence[TrainConfig], read_file: ReadFile
    ) -> tuple[Sequence[TrainerLike], Iterator[tuple[int, Record]]] | None:
        """Load the data once and prepare runs that train as one batched model; None where they do not fit."""
        from rnncore.data import load_dataset
        from rnncore.engine.batched import Lockstep, fits
        from rnncore.engine.train import Trainer

        if not fits(configs):
            return None
        dataset = load_dataset(configs[0].data, read_file, configs[0].mistake)
        trainers = [Trainer(config, dataset) for config in configs]
        return trainers, Lockstep(trainers).records()

    def save(self, trainer: TrainerLike) -> bytes:
        """Serialise the trainer's state as safetensors: no pickle, so that a checkpoint can run no code."""
        from safetensors.torch import save

        state = trainer.state_dict()
        return bytes(save(state["tensors"], {"values": json.dumps(state["values"])}))

    def restore(self, trainer: TrainerLike, checkpoint: bytes) -> None:
        """Undo `save`."""
        trainer.load_state_dict(self.state(checkpoint))

    def state(self, checkpoint: bytes) -> dict[str, Any]:
        """Return what `save` has serialised, as `Trainer.state_dict` has it."""
        from safetensors.torch import load

        header_bytes = int.from_bytes(checkpoint[:8], "little")  # the format's own layout
        values = json.loads(json.loads(checkpoint[8 : 8 + header_bytes])["__metadata__"]["values"])
        return {"tensors": load(checkpoint), "values": values}

    def memory_ran_out(self, error: BaseException) -> bool:
        """Tell whether an exception means that there was not enough memory; torch says so in a RuntimeError."""
        import torch

        return isinstance(error, MemoryError | torch.OutOfMemoryError) or speaks_of_memory(str(error))


def serve(requests: BinaryIO, replies: BinaryIO, engine: Engine, nice: int, memory_mb: int) -> None:
    """Take jobs from `requests` until it ends, then end the process at once, in the middle of a job too."""
    inbox: SimpleQueue[Frame] = SimpleQueue()

    def send(header: dict[str, Any], blob: bytes) -> None:
        try:
            write_frame(replies, header, blob)
        except OSError:
            os._exit(0)  # nobody listens any more

    def confine(config: TrainConfig | None) -> int | None:
        allowance = memory_mb if memory_mb and config is not None and not engine.uses_cuda(config) else None
        limit_memory(allowance)
        return allowance

    threading.Thread(target=_receive, args=(requests, inbox), daemon=True).start()
    engine.warm_up()
    lower_priority(nice)
    send({"type": "ready", "pid": os.getpid()}, b"")
    while True:
        frame = inbox.get()
        if frame.type == "job":  # anything else is a command for a run that has just ended
            Job(JobSpec.from_frame(frame), engine, inbox, send, confine).execute()


def _receive(requests: BinaryIO, inbox: SimpleQueue[Frame]) -> None:
    try:
        while (frame := read_frame(requests)) is not None:
            inbox.put(frame)
    except (OSError, ProtocolError):
        logger.exception("the scheduler's messages cannot be read")
    except MemoryError:
        os._exit(EXIT_CODE)
    os._exit(0)  # nobody listens any more


def _no_file(name: str) -> bytes:
    raise FileNotFoundError(name)


def main(arguments: Sequence[str] | None = None, engine: Engine | None = None) -> None:
    """Take the pipes, then serve. Whatever else prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    parser = argparse.ArgumentParser(description="Train runs for a scheduler; talks frames on its pipes.")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--memory-mb", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s worker %(process)d %(levelname)s %(message)s", stream=sys.stderr)
    try:
        load_plugins(os.environ.get(PLUGINS, ""))
        serve(os.fdopen(os.dup(0), "rb"), replies, engine or TorchEngine(), options.nice, options.memory_mb)
    except ConfigError as error:  # a plugin that cannot be imported
        logger.error("this worker ends: %s", error)
    except MemoryError:
        os._exit(EXIT_CODE)
    except Exception:
        logger.exception("this worker ends")
    os._exit(1)  # at once: another thread is waiting for input
