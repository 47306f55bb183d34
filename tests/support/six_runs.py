"""Six runs that trouble is made for, somebody who watches them, and somebody who tries again."""

import threading

from rnncore.config import ClipConfig
from rnncore.runs.scheduler import ControlError
from rnncore.runs.trouble import StoreTrouble
from tests.support.scheduling import slow

STEPS = 30
SIX = [slow(STEPS, seed=seed, profile_every=2, clip=ClipConfig(method="norm")) for seed in range(6)]


class Watcher(threading.Thread):
    """Looks at runs as a board does, and remembers what it was told."""

    def __init__(self, server, runs):
        super().__init__(daemon=True)
        self.server, self.runs = server, runs
        self.told, self.lies, self.over = dict.fromkeys(runs, 0), [], threading.Event()

    def run(self):
        while not self.over.wait(0.005):
            for run_id in self.runs:
                run = self.server.scheduler.status(run_id).run
                self.told[run_id] = max(self.told[run_id], run.step)
                if run.status == "finished" and (run.step < run.steps or len(self.server.records(run_id)) < run.steps):
                    self.lies.append((run_id, run.step))

    def done(self):
        self.over.set()
        self.join()
        assert self.lies == []
        for run_id, step in self.told.items():
            assert self.server.run(run_id).step >= step, "what was given out survives"


def insist(command, *args):
    """Give a command as somebody would who is told to try again."""
    for _ in range(3):
        try:
            return command(*args)
        except StoreTrouble:
            continue
        except ControlError:  # it is over by now
            return None
    raise AssertionError("refused three times")
