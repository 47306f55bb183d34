"""Runs in a store as the app leaves them, trained in this process."""

import json

from rnncore.config import TrainConfig, files_of
from rnncore.data import load_dataset
from rnncore.data.dataset import DataError
from rnncore.engine.train import Trainer
from rnncore.records import Record
from rnncore.runs.backend.frames import Frame
from rnncore.runs.settings import Settings
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.store import NewRun, Store
from rnncore.runs.worker.main import TorchEngine
from tests.support.wire import frames

WORKSPACE, GROUP = "workspace-" + "w" * 22, "group-" + "g" * 16


def run_id(number: int) -> str:
    return f"run-{number}-" + "r" * 16


def train_into(
    store: Store, configs: list[TrainConfig], labels: list[str], workspace: str = WORKSPACE
) -> list[tuple[Trainer, list[Record]]]:
    """Train runs of one group and store them; return the trainers and their records."""
    files = [files_of(config.data) for config in configs]
    store.create_runs(
        [
            NewRun(run_id(number), workspace, GROUP, label, config.model_dump(mode="json"), config.steps, own)
            for number, (config, label, own) in enumerate(zip(configs, labels, files, strict=True))
        ]
    )
    return [_train(store, run_id(number), config, workspace) for number, config in enumerate(configs)]


def _train(store: Store, run: str, config: TrainConfig, workspace: str) -> tuple[Trainer, list[Record]]:
    def read(file_id: str) -> bytes:
        content = store.file(workspace, file_id)
        if content is None:
            raise DataError("not there")
        return content

    trainer = Trainer(config, load_dataset(config.data, read))
    records = list(trainer.records())
    recorder = Recorder(store, run, Settings())
    for frame in frames(records):
        recorder.add(frame)
    recorder.add_checkpoint(Frame({"type": "checkpoint", "step": trainer.step}, TorchEngine().save(trainer)))
    status = "diverged" if records[-1].diverged else "finished"
    store.update_run(run, info=json.dumps(trainer.info.to_json()), status=status, reason=f"{trainer.ended}")
    return trainer, records
