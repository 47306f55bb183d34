"""A worker without torch, `python tests/support/fake_worker.py`: trains a toy recurrence, or fails on purpose."""

import ctypes
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rnncore.config import TrainConfig, files_of
from rnncore.data.dataset import DataError
from rnncore.flossing import Progress
from rnncore.records import Record, RunInfo
from rnncore.runs.backend.memory import speaks_of_memory
from rnncore.runs.worker import main as main_module
from rnncore.runs.worker.engine import ReadFile
from rnncore.runs.worker.main import main

COMMAND = [sys.executable, __file__]

# A config with one of these seeds misbehaves at step MISCHIEF_STEP; `batch_size` is one more than milliseconds a step.
MISCHIEF_STEP = 5
RAISES, BAD_DATA, NO_MEMORY, HANGS, DIES, PRINTS, DIVERGES, SEGFAULTS = range(1001, 1009)
BAD_ALLOC, RUST_ABORTS, ABORTS, PRIMITIVE, MEMORY_IN_THREAD, DIES_SPEAKING = range(1009, 1015)


def _raise(error: BaseException) -> None:
    raise error


def _hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def _say_and_abort(words: str) -> None:
    os.write(2, words.encode())
    os.abort()


def _fill_memory_in_thread() -> None:
    threading.Thread(target=lambda: main_module._receive(_NoRoom(), None)).start()  # type: ignore[arg-type]
    time.sleep(600)


class _NoRoom:
    def read(self, size: int) -> bytes:
        raise MemoryError


def _speak_and_die() -> None:
    os.write(2, b"MemoryError\n")
    os.kill(os.getpid(), signal.SIGKILL)


MISCHIEF: dict[int, Callable[[], object]] = {
    RAISES: lambda: _raise(RuntimeError("a bug")),
    BAD_DATA: lambda: _raise(DataError("Row 3 is empty.")),
    NO_MEMORY: lambda: _raise(MemoryError()),
    HANGS: _hang,
    DIES: lambda: os.kill(os.getpid(), signal.SIGKILL),
    SEGFAULTS: lambda: os.kill(os.getpid(), signal.SIGSEGV),
    # C++'s own way: nobody catches what `operator new` throws
    BAD_ALLOC: lambda: ctypes.CDLL("libstdc++.so.6")["_Znwm"](ctypes.c_size_t(2**62)),
    RUST_ABORTS: lambda: _say_and_abort("memory allocation of 123456 bytes failed\n"),
    ABORTS: os.abort,
    PRIMITIVE: lambda: _raise(RuntimeError("could not create a primitive")),
    MEMORY_IN_THREAD: _fill_memory_in_thread,
    DIES_SPEAKING: _speak_and_die,
    PRINTS: lambda: [sys.stdout.write("stray output " * 100), sys.stdout.flush(), os.write(1, b"more of it")],
}


class FakeTrainer:
    def __init__(self, config: TrainConfig, content: bytes) -> None:
        self.config, self.content = config, content
        self.info = RunInfo(
            "mse",
            None,
            7,
            1,
            1,
            self.timesteps,
            config.model.num_layers,
            None,
            "cpu",
            content.decode(errors="replace") or "a test",
        )
        self.ended: str | None = None
        self.told: Callable[[Progress], None] = lambda progress: None
        self.step_done, self.state = 0, float(config.seed % 1000)
        self.learning_rate, self.threshold = config.optimizer.learning_rate, config.clip.threshold

    @property
    def timesteps(self) -> int:
        return getattr(self.config.data, "seq_len", None) or 4

    def records(self) -> Iterator[Record]:
        began = time.perf_counter()
        while self.ended is None:
            if self.config.flossing.exponents and self.step_done == 0:
                for done in range(self.config.flossing.steps):
                    self.told(Progress(done, self.config.flossing.steps, 1 / done if done else None))
                    time.sleep((self.config.batch_size - 1) / 1000)
            if self.config.batch_size > 1:
                time.sleep((self.config.batch_size - 1) / 1000)
            yield self.train_step(time.perf_counter() - began)

    def train_step(self, elapsed: float) -> Record:
        config, step = self.config, self.step_done + 1
        diverged = None
        if step == MISCHIEF_STEP and config.seed in MISCHIEF:
            MISCHIEF[config.seed]()
        if step == MISCHIEF_STEP and config.seed == DIVERGES:
            diverged = self.ended = f"the loss became NaN at step {step}"
        self.state = math.cos(self.state + self.learning_rate * step) + self.threshold / 10
        if diverged is None:
            self.step_done = step
        if step == config.steps:
            self.ended = f"All {step:,} steps are done." if step > 1 else "The only step is done."
        profile = None
        if step == 1 or step % config.profile_every == 0:
            profile = np.full((config.model.num_layers, self.timesteps), abs(self.state), np.float32)
        return Record(
            step=step,
            epoch=0,
            train_loss=math.nan if diverged else self.state,
            learning_rate=self.learning_rate,
            grad_norm=abs(self.state),
            clip_coef=1.0,
            update_norm=self.threshold,
            hidden_grad_norm=profile,
            val_loss=float(step) if step % config.eval_every == 0 else None,
            elapsed_s=elapsed,
            diverged=diverged,
        )

    def set_learning_rate(self, value: float) -> None:
        self.learning_rate = value

    def set_clip_threshold(self, value: float) -> None:
        self.threshold = value

    def state_dict(self) -> dict[str, Any]:
        names = ("ended", "step_done", "state", "learning_rate", "threshold")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class FakeEngine:
    def warm_up(self) -> None:
        sys.stdout.write("warming up")  # must not reach the pipe

    def uses_cuda(self, config: TrainConfig) -> bool:
        return False

    def trainer(self, config: TrainConfig, read_file: ReadFile) -> FakeTrainer:
        return FakeTrainer(config, b"|".join(map(read_file, files_of(config.data))))

    def together(self, configs: Any, read_file: ReadFile) -> Any:
        """Return runs that train one after another; those of 2 sequences a step do not fit together."""
        if any(config.batch_size == 2 for config in configs):
            return None
        trainers = [self.trainer(config, read_file) for config in configs]
        return trainers, ((place, record) for place, each in enumerate(trainers) for record in each.records())

    def save(self, trainer: Any) -> bytes:
        return json.dumps(trainer.state_dict()).encode()

    def restore(self, trainer: Any, checkpoint: bytes) -> None:
        trainer.load_state_dict(json.loads(checkpoint))

    def memory_ran_out(self, error: BaseException) -> bool:
        return isinstance(error, MemoryError) or speaks_of_memory(str(error))


if __name__ == "__main__":
    main(engine=FakeEngine())
