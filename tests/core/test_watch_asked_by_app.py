"""What the app asks a watching program for: read in its training, sent, and kept with the run of its module."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnncore import watch
from rnncore.on_demand import ON_DEMAND, text_of
from rnncore.reading import Reading
from rnncore.runs import watched_sender
from rnncore.runs.inspector.desk import Desk
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from rnncore.runs.watched_targets import own_workspace
from rnncore.watching import inspecting, publishing
from tests.support.waiting import wait

READ = [key for key, entry in ON_DEMAND.items() if entry.watched]


class Tagger(nn.Module):
    """A bidirectional LSTM of two layers and a decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(3, 5, 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(10, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.decoder(self.encoder(x)[0])[0].sum(-1)
        return answer


class Board:
    """The runs of a program as the app sees them, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(Settings.from_env().store_path)
        self.runs = self.store.runs_of(own_workspace(folder))
        self._desk = Desk(self.store, Settings.from_env())

    def ask(self, run: int, key: str, **chosen: int) -> Any:
        return self._desk.ask(self.store.run(self.runs[run].id), key, None, False, 0.0, chosen)

    def kept(self, run: int, key: str, **chosen: int) -> Reading | None:
        choice, run_id = text_of(chosen), self.runs[run].id
        for step in self.store.reading_steps(run_id, key, choice):
            content = self.store.reading(run_id, key, step, False, 0, choice)
            return None if content is None else Reading.from_bytes(content)
        return None

    def close(self) -> None:
        self._desk.close()
        self.store.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNNLAB_DATA_DIR", str(tmp_path / "data"))
    for name in ("PACE_S", "ALIVE_S"):
        monkeypatch.setattr(watched_sender, name, 0.01)
    return tmp_path / "data"


def step(model: nn.Module, optimizer: Any, lab: Any) -> None:
    optimizer.zero_grad()
    model(torch.randn(4, 6, 3)).square().mean().backward()
    lab.step(optimizer=optimizer)
    optimizer.step()


def test_each_run_gets_what_is_asked_of_its_module_and_direction(folder: Path) -> None:
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, every=10**9, name="tagger") as lab:
        step(model, optimizer, lab)
        wait(lambda: lab.publisher.sender.begun)
        board = Board(folder)
        wait(lambda: len(board.store.runs_of(own_workspace(folder))) == 3)
        board = Board(folder)
        for run in range(3):
            for key in READ:
                board.ask(run, key)
        board.ask(1, "unit", layer=1, unit=2)

        def answered() -> bool:
            step(model, optimizer, lab)
            known = [board.kept(run, key) for run in range(3) for key in READ]
            return all(known) and board.kept(1, "unit", layer=1, unit=2) is not None

        wait(answered, 120)
        readings = {run: board.kept(run, "unit") for run in range(3)}
        sizes = {run: len(reading.arrays["of_unit"]) for run, reading in readings.items() if reading}
        assert sizes == {0: 5, 1: 5, 2: 4}
        assert all(board.kept(run, key).panels for run in range(3) for key in READ)  # type: ignore[union-attr]
        few = len(lab.records)
        for _ in range(30):
            step(model, optimizer, lab)
        assert len(lab.records) == few, "nobody asks any more, so nothing is recorded"
    board.close()


def test_what_the_program_reads_by_itself_is_sent_too(folder: Path) -> None:
    model = Tagger()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, every=1, name="tagger") as lab:
        lab.ask("flow", "decoder")
        step(model, optimizer, lab)
        lab.inspect("lyapunov", torch.randn(4, 6, 3), reverse=True)
    board = Board(folder)
    assert [run.status for run in board.runs] == ["finished"] * 3
    flow, lyapunov = board.kept(2, "flow"), board.kept(1, "lyapunov")
    assert flow is not None
    assert lyapunov is not None
    assert (flow.step, lyapunov.step) == (1, 2)
    assert board.kept(0, "lyapunov") is None
    board.close()


def test_what_an_app_asks_that_this_program_does_not_know_is_answered(folder: Path, monkeypatch: Any) -> None:
    def unknown(*_: Any) -> Any:
        raise ValueError("instrument: 'flow' is not allowed")

    model = Tagger()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, every=10**9, name="tagger") as lab:
        step(model, optimizer, lab)
        wait(lambda: lab.publisher.sender.begun and lab.address)
        board = Board(folder)
        monkeypatch.setattr(inspecting, "asked", unknown)
        board.ask(0, "flow")
        wait(lambda: board.kept(0, "flow"))
        found = board.kept(0, "flow")
        assert found is not None
        assert found.undefined == "The program cannot read this: instrument: 'flow' is not allowed."
    board.close()


def test_a_lab_that_is_closed_while_it_is_asked_leaves_its_runs_finished(folder: Path) -> None:
    model = Tagger()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, every=10**9, name="tagger") as lab:
        step(model, optimizer, lab)
        wait(lambda: lab.publisher.sender.begun)
        board = Board(folder)
        board.ask(0, "flow")
        wait(lambda: lab._asked is not None)
    assert {run.status for run in board.store.runs_of(own_workspace(folder))} == {"finished"}
    with pytest.raises(ValueError, match="The program has ended, and while it ran this was not read"):
        board.ask(0, "flow")
    board.close()


def test_a_process_that_is_not_the_first_sends_no_reading(folder: Path, monkeypatch: Any) -> None:
    for name, value in (("is_initialized", True), ("get_rank", 1)):
        monkeypatch.setattr(publishing.dist, name, lambda value=value: value)
    model = Tagger()
    with watch(model, every=1, name="tagger") as lab:
        lab.ask("flow", "decoder")
        step(model, torch.optim.SGD(model.parameters(), 0.1), lab)
        assert lab.readings
        assert lab.publisher is not None
        assert lab.publisher.sender is None
    assert not folder.exists()
