"""A cell that a plugin brings, no file of the product touched: trained here, and by a worker for the scheduler."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rnncore import train
from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer, build_model
from rnncore.engine.verify import verify
from rnncore.key_of import either
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.store.profiles import read_profiles
from rnncore.runs.store.runs import progress
from rnncore.sizes import matched_hidden_size, parameter_count
from rnncore.weights import checkpoint_weights
from tests.support.scheduling import Server
from tests.support.stored import records_of
from tests.support.toy_cell import KEY, PLUGIN, toy_cell, toy_config, toy_profile

FORGETFUL = either((key for key, cell in CELLS.items() if cell.forget_block), "and")


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with toy_cell(tmp_path, monkeypatch) as name:
        yield name


def expected_first_profile(config: TrainConfig) -> np.ndarray:
    """The profile of step 1, from the formula alone."""
    dataset = load_dataset(config.data)
    model = build_model(config, dataset, "cpu")
    batch = dataset.train_batch(1, config.batch_size, config.seed)
    weights = {name: value.double() for name, value in model.state_dict().items()}
    inputs, targets = (torch.tensor(array, dtype=torch.float64) for array in (batch.inputs, batch.targets))
    return toy_profile(weights, inputs, targets).numpy()


def test_it_trains_here_and_its_profile_is_exact() -> None:
    config = toy_config(dtype="float64", init={"chrono": True})
    records = list(train(config))
    assert [record.step for record in records if record.hidden_grad_norm is not None] == [1, 3, 6, 9]
    np.testing.assert_allclose(records[0].hidden_grad_norm, expected_first_profile(config), rtol=1e-6)  # stored float32
    assert records[0].direct_grad_norm is not None
    assert not records[0].direct_grad_norm[1, :-1].any()
    assert records[0].cell_grad_norm is None


def test_a_worker_trains_it_to_the_same_bits(tmp_path: Path, plugin: str) -> None:
    config = toy_config()
    trainer = Trainer(config)
    here = list(trainer.records())
    server = Server(tmp_path / "data", LocalBackend, workers=1, plugins=plugin)
    try:
        (run,) = server.submit(config).runs
        assert server.wait_status(run, "finished", "failed", seconds=60).status == "finished"
        stored = records_of(server.store, run)
        assert stored["train_loss"].tolist() == [record.train_loss for record in here]
        with server.store.read() as db:
            profiles = read_profiles(db, progress(db, run).key)
        _, checkpoint = server.store.load_checkpoint(run)
    finally:
        server.close()
    recorded = {record.step: record.hidden_grad_norm for record in here if record.hidden_grad_norm is not None}
    assert [profile.step for profile in profiles] == list(recorded) == [1, 3, 6, 9]
    for profile in profiles:
        np.testing.assert_array_equal(profile.arrays["hidden_grad_norm"], recorded[profile.step])
    np.testing.assert_allclose(recorded[1], expected_first_profile(config), rtol=1e-4)
    found = checkpoint_weights(checkpoint, config.model, 2, 1)
    for name, value in trainer.last_finite_state().items():
        np.testing.assert_array_equal(found[name], value.numpy())


def test_a_broken_cell_fails_its_own_runs_only(tmp_path: Path, plugin: str) -> None:
    (tmp_path / PLUGIN / "mingru.py").write_text("raise RuntimeError('half a cell')")
    server = Server(tmp_path / "data", LocalBackend, workers=1, plugins=plugin)
    try:
        broken, whole = (server.submit(each).runs[0] for each in (toy_config(), toy_config(model={"cell": "rnn"})))
        assert server.wait_status(whole, "finished", "failed", seconds=60).status == "finished"
        ended = server.wait_status(broken, "finished", "failed")
        assert ended.status == "failed"
        assert "(RuntimeError); the server's log says more" in ended.reason
    finally:
        server.close()


def test_its_parameters_are_counted_and_matched() -> None:
    config = toy_config().model
    model = SequenceModel(config, 2, 1)
    assert parameter_count(config, 2, 1) == sum(parameter.numel() for parameter in model.parameters())
    matched = config.model_copy(update={"hidden_size": matched_hidden_size(config, "gru", 2, 1), "cell": "gru"})
    assert parameter_count(matched, 2, 1) == pytest.approx(parameter_count(config, 2, 1), rel=0.3)


def test_verify_covers_it() -> None:
    checks = [check for check in verify(seed=1) if "Toy minGRU" in check.name]
    assert len(checks) == 2
    assert all(check.passed for check in checks)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"init": {"scheme": "orthogonal"}}, f"scheme 'orthogonal' is for matrices; the cell '{KEY}' has none"),
     ({"init": {"forget_bias": 1}}, f"forget_bias is for the cells {FORGETFUL} only, not '{KEY}'"),
     ({"omega": 1}, f"omega 1.0 is defined for the cell 'rnn' only, not '{KEY}'")],
)  # fmt: skip
def test_what_it_has_not_got_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        toy_config(**changes)
