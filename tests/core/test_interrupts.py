"""A Ctrl-C on the command line, at chosen moments of its imports."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rnncore.config import TrainConfig
from rnncore.interrupts import finish_first, leave_while_importing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself there")

AT_AN_IMPORT = """
import os, runpy, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)

program, moment, *sys.argv[1:] = sys.argv[1:]
sys.meta_path.insert(0, Interrupt())
runpy.run_module(program, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("command", "moment"),
    [
        ("train", "rnncore.command_line"),
        ("train", "pydantic"),
        ("train", "torch"),
        ("diagnose", "rnncore.engine.train"),
        ("study", "rnncore.runs.study_call"),
        ("inspect", "torch.nn"),
        ("view", "rnncore.runs.store.lock"),
    ],
)
def test_ctrl_c_ends_a_command_that_is_still_imported_without_a_word(command: str, moment: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(TrainConfig().model_dump_json())
    more = {"view": [], "inspect": [str(config), "--instrument", "lyapunov"]}.get(command, [str(config)])
    assert interrupted("rnncore", moment, command, *more) == (130, "", "")


def test_ctrl_c_ends_an_app_that_is_still_imported_without_a_word() -> None:
    pytest.importorskip("streamlit")
    assert interrupted("rnncore.runs.app_process", "streamlit.web", "run", "app.py") == (130, "", "")


def interrupted(program: str, moment: str, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", AT_AN_IMPORT, program, moment, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def usual():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual")
def test_outside_of_imports_ctrl_c_is_what_it_always_was() -> None:
    leave_while_importing()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    finish_first()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("usual")
def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_while_importing()
    finish_first()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
